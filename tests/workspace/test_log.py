"""The log: an interrupted one, resumed, equals an unbroken one."""

from __future__ import annotations

from pathlib import Path

from vp2p.workspace.log import append_log, read_log, truncate_log


def _write(path: Path, steps: range) -> None:
    for step in steps:
        for inner in range(2):
            append_log(path, {"step": step, "inner": inner, "loss": 1 / (step + 1)})


def test_resumed_equals_unbroken(tmp_path: Path) -> None:
    _write(tmp_path / "unbroken", range(10))
    _write(tmp_path / "log", range(7))
    with open(tmp_path / "log", "ab") as stream:
        stream.write(b'{"step": 7, "inn')
    truncate_log(tmp_path / "log", 4)
    _write(tmp_path / "log", range(4, 10))
    assert (tmp_path / "log").read_bytes() == (tmp_path / "unbroken").read_bytes()


def test_reading_leaves_out_what_is_cut_short(tmp_path: Path) -> None:
    _write(tmp_path / "log", range(2))
    with open(tmp_path / "log", "ab") as stream:
        stream.write(b'{"step": 2, "loss": 0.25}')
    assert [entry["step"] for entry in read_log(tmp_path / "log")] == [0, 0, 1, 1]


def test_no_log(tmp_path: Path) -> None:
    truncate_log(tmp_path / "log", 3)
    assert read_log(tmp_path / "log") == [] and not (tmp_path / "log").exists()


def test_damaged_lines_do_not_stop_reading(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'\xff\xfe\n[1]\n{"loss": 1}\n{"step": "x"}\n{"step": 3}\n')
    assert read_log(tmp_path / "log") == [{"step": 3}]
