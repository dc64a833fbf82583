"""The system's refusals and kills at every point at which a command reads or writes, of every command."""

from __future__ import annotations

import errno
import functools
import os
import resource
import signal
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Iterator

from tests.crash.breaks import Break, fail_once, kill_at, signal_at, write_down
from tests.crash.commands import WORK
from tests.crash.drive import Trial
from tests.crash.ground import Ground, run
from tests.crash.judge import harmed, listing, wrong
from tests.crash.reading import READERS, WRITERS, Words, at_work

FAULTS = (errno.EMFILE, errno.EINTR, errno.ENFILE, errno.ESTALE, errno.EIO, errno.EACCES, errno.ENOSPC, errno.EROFS)
_DEATHS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_HANDLES = range(1, 25)  # how many more files a process may open than it has
_HOUR = 3600.0
# What a command that ended well does not do a second time.
_ONCE = ("export", "import", "--delete", "--unset", "init", "draw")
COMMANDS: tuple[Words, ...] = tuple(
    words for words in (*READERS, *WRITERS) if "--json" not in words and words != at_work("gc", "dog", "--yes")
) + (
    at_work("edit", "--swap", "cat=dog", "--format", "png", "--force"),
    at_work("attention", "cat"),
    at_work("invert", "--steps", "3"),
    at_work("tune", "--steps", "3"),
    at_work("export", "new"),
    at_work("tag", "--move", "best", "pig"),
    at_work("config", "--unset", "edit.candidates"),
    ("config", "--user", "tune.steps", "7"),
    ("import", "walk.tar", "new"),
    ("draw", "a dog on the sand", "new.gif", "--frames", "2"),
    ("init", "new", "--video", "cat.mp4", "--prompt", "a cat", "--frames", "1", "--size", "32"),
)


@functools.cache
def points_of(ground: Ground, words: Words) -> tuple[str, ...]:
    """The points at which a command reads and writes, as an unbroken one tells them."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "points"
        run(ground.copy(Path(scratch) / "root"), words, write_down(file, reads=True))
        return tuple(file.read_text().splitlines())


def writes_of(ground: Ground, words: Words) -> list[str]:
    """Those at which it writes, which are numbered by themselves."""
    told = (point.split(" ", 1)[1] for point in points_of(ground, words))
    return [point for point in told if not point.startswith(("read ", "list "))]


def campaign(ground: Ground) -> list[Trial]:
    """Each fault at each point that reads or writes, and few file handles."""
    found = []
    for words in COMMANDS:
        told = " ".join(words)
        for number, point in enumerate(points_of(ground, words), start=1):
            found += [
                Trial(f"{errno.errorcode[code]} in {told} at {point}", partial(_refused, words, number, code))
                for code in FAULTS
            ]
        found += [Trial(f"{more} handles for {told}", partial(_few_handles, words, more)) for more in _HANDLES]
    return found


def kills(ground: Ground) -> list[Trial]:
    """Each death, and each signal, at each write point of each command that writes."""
    found = []
    for words in COMMANDS:
        told = " ".join(words)
        for number, point in enumerate(writes_of(ground, words), start=1):
            found += [
                Trial(f"{signum.name} in {told} at {number} {point}", partial(_killed, words, number, signum))
                for signum in _DEATHS
            ]
    return found


def _refused(words: Words, number: int, code: int, root: Path) -> Iterator[str]:
    yield from _broken(words, fail_once(number, code), root)


def _few_handles(words: Words, more: int, root: Path) -> Iterator[str]:
    yield from _broken(words, _with_handles(more), root)


def _with_handles(more: int) -> Break:
    def begin(root: Path) -> None:
        used = max(map(int, os.listdir("/proc/self/fd")))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + more, used + more))

    return begin


def _broken(words: Words, broken: Break, root: Path) -> Iterator[str]:
    before = listing(root)
    yield from wrong(run(root, words, broken), words)
    yield from harmed(before, listing(root), free_for(words))
    yield from _again(words, root)


def _killed(words: Words, number: int, signum: signal.Signals, root: Path) -> Iterator[str]:
    before = listing(root)
    begun = time.monotonic()
    ended = run(root, words, kill_at(number) if signum == signal.SIGKILL else signal_at(number, signum))
    if signum != signal.SIGKILL:
        yield from wrong(ended, words)
        if ended.code not in (0, 128 + signum):
            yield f"ended with {ended.code}, {time.monotonic() - begun:.1f} s after it began: {ended.err[-200:]!r}"
    yield from harmed(before, listing(root), free_for(words))
    yield from _again(words, root)


def _again(words: Words, root: Path) -> Iterator[str]:
    """What is wrong with the same command, and whether ``gc`` names what is left."""
    ended = run(root, words)
    yield from (f"again: {what}" for what in wrong(ended, words))
    # A file that the first one made whole is not replaced; a tag or setting that it took away is gone.
    done = ended.code == 2 and any(
        word in words for word in ("export", "import", "--delete", "--unset", "init", "draw")
    )
    if ended.code != 0 and not done:
        yield f"the same command ended with {ended.code}: {ended.err[-300:]!r}"
    left = [
        path for path in (root / WORK).rglob(".tmp-*") if not any(above.name[:5] == ".tmp-" for above in path.parents)
    ]
    for path in left:
        os.utime(path, (time.time() - 2 * _HOUR,) * 2, follow_symlinks=False)
    named = run(root, at_work("gc")).out if left else ""
    yield from (f"left {path.relative_to(root)}, which gc does not name" for path in left if path.name not in named)


def free_for(words: Words) -> tuple[str, ...]:
    """What a command may change or take away: its own page, tag, settings or run."""
    if "gc" in words:
        return (f"{WORK}/tune", f"{WORK}/tags")
    if "--force" in words and "edit" in words:
        return (f"{WORK}/edit/dog", f"{WORK}/edit/.dog.old")
    changed: dict[str, tuple[str, ...]] = {
        "tag": (f"{WORK}/tags",),
        "config": (f"{WORK}/vp2p.yaml",),
        "eval": (f"{WORK}/eval",),
        "tune": (f"{WORK}/tune",) if "3" in words else (),
    }
    return tuple(place for word, places in changed.items() if word in words for place in places)
