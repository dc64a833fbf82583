"""How much memory is free, also where a control group limits it."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

from vp2p.models.free_memory import free_memory, groups_free

_MB = 2**20


def _group(folder: Path, names: tuple[str, str], limit: str, used: int, stat: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(limit + "\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(stat)


def _member(root: Path, lines: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(lines)


def test_the_limits_of_a_group_and_of_those_above(tmp_path: Path) -> None:
    names = ("memory.max", "memory.current")
    _member(tmp_path, "0::/jobs/mine\n")
    top = tmp_path / "sys/fs/cgroup"
    _group(top / "jobs/mine", names, str(900 * _MB), 500 * _MB, f"anon {400 * _MB}\nfile {100 * _MB}\n")
    _group(top / "jobs", names, str(600 * _MB), 500 * _MB)
    _group(top, names, "max", 0)
    assert groups_free(tmp_path) == [500 * _MB, 100 * _MB]


def test_groups_of_the_first_version(tmp_path: Path) -> None:
    _member(tmp_path, "9:cpu:/mine\n4:memory:/mine\n0::/\n")
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    _group(tmp_path / "sys/fs/cgroup/memory/mine", names, str(300 * _MB), 400 * _MB, f"total_cache {50 * _MB}\n")
    _group(tmp_path / "sys/fs/cgroup/cpu/mine", names, "1", 0)
    assert groups_free(tmp_path) == [0]


def test_without_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert groups_free(tmp_path) == []
    _member(tmp_path, "0::/gone\nnot a line\n")
    assert groups_free(tmp_path) == []


def test_no_more_is_free_than_there_is() -> None:
    free = free_memory(torch.device("cpu"))
    assert free and 0 < free.now <= free.at_most <= psutil.virtual_memory().total + psutil.swap_memory().total


def test_what_is_not_known_is_not_guessed() -> None:
    assert free_memory(torch.device("mps")) is None
