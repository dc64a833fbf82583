"""A command under ``torchrun``: every rank does the same, so that they can share the passes of the model.

Rank 0 is the command as a user knows it. The others go along in copies of the workspace, which end with them, and print
nothing: what they find is what rank 0 finds. They end as rank 0 does, and speak only where they fail alone.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import traceback
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable

from vp2p import printing
from vp2p.errors import UsageError

COMMANDS = ("tune", "attention", "invert", "edit")

_ENDED = "vp2p/ended"
_PATIENCE = timedelta(seconds=10)  # of a rank that failed, for rank 0 to say so itself
_LONG = timedelta(days=7)

_copies = ExitStack()


def launched() -> bool:
    """Whether torchrun started this process as one of several."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def check(command: str | None) -> None:
    """Raises UsageError where several ranks were given a command that shares no work."""
    if launched() and command not in COMMANDS:
        raise UsageError(
            f"Several ranks can share {', '.join(COMMANDS[:-1])} and {COMMANDS[-1]} alone.",
            f"without torchrun: vp2p {command or '--help'}",
        )


def in_step(command: Callable[[], int]) -> int:
    """Runs a command as one of the ranks; its exit code, which is rank 0's."""
    if os.environ["RANK"] != "0":
        # Before any thread starts. Rank 0 alone decides when to stop, as it alone saves what was done.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    import torch.distributed as dist
    from torch.distributed.rendezvous import rendezvous

    store, rank, count = next(rendezvous("env://"))
    dist.init_process_group(_backend(), store=store, rank=rank, world_size=count)
    try:
        return _lead(command, store) if rank == 0 else _follow(command, store, rank)
    finally:
        _copies.close()
        dist.destroy_process_group()


def _backend() -> str:
    """NCCL where each rank of this machine has a GPU of its own, beside gloo for what is on the CPU."""
    import torch

    if torch.cuda.device_count() < int(os.environ["LOCAL_WORLD_SIZE"]):
        return "cpu:gloo"
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return "cpu:gloo,cuda:nccl"


def _lead(command: Callable[[], int], store: Any) -> int:
    code = 1
    try:
        code = command()
        return code
    finally:
        store.set(_ENDED, str(code))


def _follow(command: Callable[[], int], store: Any, rank: int) -> int:
    said = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        try:
            code = command()
        except BaseException:
            traceback.print_exc()
            code = 1
    try:
        store.wait([_ENDED], _PATIENCE if code else _LONG)
        return int(store.get(_ENDED))
    except RuntimeError:  # rank 0 is at work, or gone
        for line in said.getvalue().splitlines():
            printing.say(f"rank {rank}: {line}")
        return code or 1


def own_folder(workspace: Path) -> Path:
    """The folder of a workspace in which this rank works: the workspace itself, or a copy beside it.

    Beside it relative paths lead to the same files. What is finished is linked, as nothing changes it.

    Raises:
        Vp2pError: the disk refuses, another command's ranks are at work there, or a rank has stopped.
    """
    from vp2p.t2s.collectives import meet
    from vp2p.workspace.atomic import writing
    from vp2p.workspace.lock import run_lock

    rank, folder = os.environ["RANK"], workspace
    if rank != "0":
        folder = workspace.with_name(f".{workspace.name}.rank-{rank}")
        _copies.enter_context(run_lock(folder))
        with writing(folder):
            if folder.exists():  # of a rank that was killed
                shutil.rmtree(folder)
            _copies.callback(shutil.rmtree, folder, ignore_errors=True)
            shutil.copytree(workspace, folder, symlinks=True, ignore=_hidden, copy_function=_take)
    meet()  # before rank 0 changes anything
    return folder


def _hidden(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(".")]


def _take(source: str, target: str) -> None:
    """Links a file of a finished run, where links can be; copies any other."""
    from vp2p.workspace.layout import MANIFEST

    if any((folder / MANIFEST).exists() for folder in list(Path(source).parents)[:2]):
        try:
            return os.link(source, target)
        except OSError:
            pass
    shutil.copy2(source, target)
