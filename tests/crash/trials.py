"""One command in a forked process that is broken off on the way, and the same command again.

The libraries and the bundled model are loaded once, in the parent; a fork of it costs next to nothing.
"""

from __future__ import annotations

import functools
import gc
import io
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Callable

import torch

import vp2p.config.in_force
import vp2p.pipeline.edit
import vp2p.pipeline.invert
import vp2p.stages.edit
import vp2p.stages.kept
import vp2p.video.reading  # noqa: F401
from tests.crash.commands import PROMPT
from vp2p.cli.app import main
from vp2p.models import loading, tokenizing
from vp2p.models.sources import find_model
from vp2p.settings import ModelSettings
from vp2p.stages import invert, tune

Prelude = Callable[[Path], None]
_HANGS_AFTER = 120.0  # seconds; a second or two is what a command takes
HUNG = 124


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, or minus the signal that killed it; what it printed; CPU seconds it took.

    ``stopping`` are the seconds, of CPU and of the clock, from a signal to the end.
    """

    code: int
    out: str
    err: str
    seconds: float
    stopping: tuple[float, float] = (0.0, 0.0)


def prepare(clip: Path) -> None:
    """Loads what every trial needs, draws ``clip``, and has every step of a stage followed by a checkpoint."""
    torch.set_num_threads(1)
    os.environ["RUST_BACKTRACE"] = "0"  # a library that is out of memory may hang while it prints one
    with suppress(SystemExit), redirect_stdout(None), redirect_stderr(io.StringIO()):
        sys.argv = ["vp2p", "draw", PROMPT, str(clip)]
        main()
    for signum in (signal.SIGINT, signal.SIGTERM):  # as a process begins, until the command says what they do
        signal.signal(signum, signal.SIG_DFL)
    load, model = loading.load_model, loading.load_model(ModelSettings(model="sprites"))
    load_words, bundled = tokenizing.load_tokenizer, find_model("sprites")
    loading.load_model = lambda settings: model if settings.model == "sprites" else load(settings)
    tokenizing.load_tokenizer = lambda folder: model.tokenizer if folder.path == bundled else load_words(folder)
    for module, name in ((tune, "tune"), (invert, "invert")):
        setattr(module, name, functools.partial(getattr(module, name), checkpoint_seconds=0))
    gc.freeze()


@dataclass(frozen=True)
class Running:
    """A forked process, and the files that take what it prints."""

    pid: int
    out: IO[bytes]
    err: IO[bytes]


def start(root: Path, words: tuple[str, ...], prelude: Prelude | None = None) -> Running:
    """Begins ``vp2p`` with these words in ``root``, in a fork that first does ``prelude``."""
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    child = os.fork()
    if not child:
        _become(root, words, prelude, out.fileno(), err.fileno())
    return Running(child, out, err)


def finish(running: Running, stop: Stop | None = None, hangs_after: float = _HANGS_AFTER) -> Ended:
    """Waits for the end, which ``stop`` may bring about; a process that hangs is killed, and ends with 124."""
    hung = threading.Event()

    def kill() -> None:
        hung.set()
        os.kill(running.pid, signal.SIGKILL)

    watch = threading.Timer(hangs_after, kill)
    watch.start()
    told = stop(running.pid) if stop else None
    _, status, used = os.wait4(running.pid, 0)
    ended = time.monotonic()
    watch.cancel()
    watch.join()  # before the next fork
    seconds = used.ru_utime + used.ru_stime
    stopping = (seconds - told[0], ended - told[1]) if told else (0.0, 0.0)
    printed = []
    for stream in (running.out, running.err):
        with stream:
            stream.seek(0)
            printed.append(stream.read().decode("utf-8", "surrogateescape"))
    code = HUNG if hung.is_set() else os.waitstatus_to_exitcode(status)
    return Ended(code, *printed, seconds, stopping)


def run(root: Path, words: tuple[str, ...], prelude: Prelude | None = None, stop: Stop | None = None) -> Ended:
    """Runs ``vp2p`` so from start to end."""
    return finish(start(root, words, prelude), stop)


def _become(root: Path, words: tuple[str, ...], prelude: Prelude | None, out: int, err: int) -> None:
    code = 70
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)
        os.chdir(root)
        sys.argv = ["vp2p", *words]
        if prelude is not None:
            prelude(root)
        main()
        code = 0
    except SystemExit as exited:
        code = exited.code if isinstance(exited.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@dataclass(frozen=True)
class Stop:
    """Sends a signal to a process once it has used so many seconds of CPU; tells both clocks' times then."""

    signum: int
    after: float

    def __call__(self, child: int) -> tuple[float, float] | None:
        while (used := _cpu_seconds(child)) < self.after:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return None
            time.sleep(0.0005)
        os.kill(child, self.signum)
        return used, time.monotonic()


def _cpu_seconds(process: int) -> float:
    """Of a running process, to the nanosecond: the clock id that clock_getcpuclockid(3) would give on Linux."""
    return time.clock_gettime((~process << 3) | 2)
