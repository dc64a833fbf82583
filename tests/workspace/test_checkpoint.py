"""Checkpoints: the newest kept, damage passed over, kill -9 survived."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from vp2p.workspace.checkpoint import load_checkpoint, save_checkpoint


def _save(folder: Path, step: int) -> Path:
    save_checkpoint(folder, {"w": torch.full((100,), float(step))}, {"step": step, "elapsed": 1.5})
    return max(folder.iterdir())


def test_only_the_newest_stays(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        _save(tmp_path, step)
    tensors, meta = load_checkpoint(tmp_path)
    assert meta == {"step": 30, "elapsed": 1.5} and torch.equal(tensors["w"], torch.full((100,), 30.0))
    assert len(list(tmp_path.iterdir())) == 1


def test_random_state_comes_back_exactly(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(33)
    torch.randn(5, generator=generator)
    save_checkpoint(tmp_path, {"rng": generator.get_state()}, {"step": 1})
    wanted = torch.randn(5, generator=generator)
    other = torch.Generator()
    other.set_state(load_checkpoint(tmp_path)[0]["rng"])
    assert torch.equal(torch.randn(5, generator=other), wanted)


def test_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "no") is None
    assert load_checkpoint(tmp_path) is None


def _flip(data: bytes) -> bytes:
    return data[:-7] + bytes([data[-7] ^ 1]) + data[-6:]


@pytest.mark.parametrize("damage", [_flip, lambda data: data[:-9], lambda data: b""])
def test_a_damaged_newest_falls_back_to_the_older(tmp_path: Path, damage) -> None:
    older = _save(tmp_path, 10)
    kept = older.read_bytes()
    newest = _save(tmp_path, 20)
    older.write_bytes(kept)
    newest.write_bytes(damage(newest.read_bytes()))
    assert load_checkpoint(tmp_path)[1]["step"] == 10
    older.unlink()
    assert load_checkpoint(tmp_path) is None


def test_after_a_fallback_the_damaged_one_goes(tmp_path: Path) -> None:
    _save(tmp_path, 20).write_bytes(b"")
    _save(tmp_path, 15)
    assert load_checkpoint(tmp_path)[1]["step"] == 15
    assert len(list(tmp_path.iterdir())) == 1


_CHECKPOINT_FOR_EVER = """
import sys, torch
from pathlib import Path
from vp2p.workspace.checkpoint import save_checkpoint
step = 0
while True:
    step += 1
    save_checkpoint(Path(sys.argv[1]), {"w": torch.full((50_000,), float(step))}, {"step": step})
    print(step, flush=True)
"""


def test_kill_9_loses_at_most_the_step_under_way(tmp_path: Path, start) -> None:
    child = start(_CHECKPOINT_FOR_EVER, tmp_path)
    assert child.stdout.readline() == "1\n"
    time.sleep(0.1)
    child.kill()
    rest, _ = child.communicate()
    reported = int(rest.split()[-1]) if rest.split() else 1
    tensors, meta = load_checkpoint(tmp_path)
    assert meta["step"] in (reported, reported + 1)
    assert torch.equal(tensors["w"], torch.full((50_000,), float(meta["step"])))
