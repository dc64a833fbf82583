"""Runs the command line inside the test's own process, and tells what a user would see of it."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import sys
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import av

from vp2p.cli.app import main
from vp2p.cli.output import Output, output


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one envelope on stdout."""
        return json.loads(self.out)

    @property
    def cause(self) -> str:
        return self._line("error: ")

    @property
    def hint(self) -> str:
        return self._line("hint: ")

    def _line(self, start: str) -> str:
        (line,) = (line for line in self.err.splitlines() if line.startswith(start))
        return line.removeprefix(start)


def vp2p(*words: str | Path) -> Ran:
    """Runs ``vp2p`` with these words, as a fresh process would."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    for field in fields(Output):
        setattr(output, field.name, field.default)
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        with (
            mock.patch.object(sys, "argv", ["vp2p", *map(str, words)]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main()
    except SystemExit as exited:
        code = exited.code if isinstance(exited.code, int) else 0 if exited.code is None else 1
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
    return Ran(code, out.getvalue(), err.getvalue())


def done(*words: str | Path) -> Ran:
    """Runs a command that must succeed."""
    ran = vp2p(*words)
    assert ran.code == 0, f"vp2p {' '.join(map(str, words))}: exit {ran.code}\n{ran.err}"
    return ran


def refused(code: int, *words: str | Path) -> Ran:
    """Runs a command that must fail with ``code``: one sentence, one hint, no traceback, nothing on stdout."""
    ran = vp2p(*words)
    assert ran.code == code, f"exit {ran.code}\n{ran.out}{ran.err}"
    lines = ran.err.strip().splitlines()
    assert len(lines) == 2 and ran.cause and ran.hint, ran.err
    assert ran.out == "" and "Traceback" not in ran.err
    return ran


def snapshot(folder: Path) -> dict[str, tuple[int, bytes] | None]:
    """Every file below a folder with its time of change and content, and every folder."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def only(folder: Path) -> Path:
    """The one run in a stage's folder."""
    (run,) = (path for path in folder.iterdir() if not path.name.startswith("."))
    return run


def video(path: Path) -> tuple[int, Fraction, bool]:
    """How many frames a clip decodes to, their rate, and whether it has sound."""
    with av.open(str(path)) as container:
        count = sum(1 for _ in container.decode(video=0))
        return count, container.streams.video[0].average_rate, bool(container.streams.audio)
