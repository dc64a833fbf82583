"""Every file of a workspace damaged in every way: ``verify`` names it, and no command harms a finished run for it."""

from __future__ import annotations

import os
import random
from functools import partial
from pathlib import Path
from typing import Callable, Iterator

import yaml

from tests.crash.commands import WORK
from tests.crash.drive import Trial
from tests.crash.ground import Ground, run
from tests.crash.judge import Listing, harmed, listing, wrong
from tests.crash.reading import LINES, READERS, WRITERS, completions, each
from vp2p.workspace.config import NAME as CONFIG
from vp2p.workspace.config import read_config

_FLIPS = 6
_READ, _WRITE = 4, 2
Damage = Callable[[Path], object]


def _flip(path: Path, share: float) -> None:
    data = bytearray(path.read_bytes())
    bit = min(int(share * 8 * len(data)), 8 * len(data) - 1)
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def _replace(path: Path, put: Callable[[Path], object]) -> None:
    path.unlink()
    put(path)


def _swap(path: Path) -> None:
    """The file of the same kind of another run, or else another record of the same run."""
    others = [other for other in path.parent.parent.glob(f"*/{path.name}") if other != path]
    others = others or [other for other in sorted(path.parent.iterdir()) if other != path and other.is_file()]
    path.write_bytes(others[0].read_bytes() if others else b"other")


DAMAGES: dict[str, Damage] = {
    **{f"bit flipped at {at}/{_FLIPS}": partial(_flip, share=at / _FLIPS) for at in range(_FLIPS + 1)},
    "cut by a byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n\n"),
    "zeros": lambda path: path.write_bytes(b"\0" * path.stat().st_size),
    "deleted": Path.unlink,
    "a folder instead": lambda path: _replace(path, Path.mkdir),
    "a link away": lambda path: _replace(path, lambda path: path.symlink_to("/etc/passwd")),
    "a link to nothing": lambda path: _replace(path, lambda path: path.symlink_to("nowhere")),
    "a link to itself": lambda path: _replace(path, lambda path: path.symlink_to(path.name)),
    "a pipe instead": lambda path: _replace(path, os.mkfifo),
    "another's": _swap,
    "unreadable": lambda path: path.chmod(0),
}


def campaign(ground: Ground) -> list[Trial]:
    """Each damage of each file of the workspace."""
    work = ground.root / WORK
    files = sorted(
        path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file() and path.name[0] != "."
    )
    ways = {name: damage for name, damage in DAMAGES.items() if name != "unreadable" or os.geteuid()}
    return [Trial(f"{file} {way}", partial(_try, file, way)) for file in files for way in ways]


def _try(file: str, way: str, root: Path) -> Iterator[str]:
    path = root / WORK / file
    whole = path.read_bytes()
    DAMAGES[way](path)
    if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK) and _same(path, whole):
        return
    before = listing(root)
    checked = run(root, ("-w", WORK, "verify"))
    yield from (f"verify: {what}" for what in wrong(checked))
    if _is_told(file, way, root) and (checked.code == 0 or not any(one in checked.err for one in _names(file))):
        yield f"verify ended with {checked.code} and does not name it: {checked.err[-200:]!r}"
    draw = random.Random(f"{file} {way}")
    yield from each(root, draw.sample(READERS, _READ))
    yield from completions(root, draw.choice(LINES))
    yield from (f"reading {what}" for what in harmed(before, listing(root)))
    for words in draw.sample(WRITERS, _WRITE):
        ended = run(root, words)
        yield from (f"vp2p {' '.join(words)}: {what}" for what in wrong(ended, words))
        yield from (f"vp2p {' '.join(words)} {what}" for what in _lost(before, root, file, words))
        before = listing(root)


def _same(path: Path, whole: bytes) -> bool:
    """Whether a file still says what it said: a record may lose its last line break, or write 1e-05 as 1E-05."""
    data = path.read_bytes()
    unfinished = path.name == "settings.yaml" and not path.with_name("manifest.json").exists()
    record = path.name in ("manifest.json", "vp2p.yaml") or path.parent.name == "tags" or unfinished
    try:
        return data == whole or record and yaml.safe_load(data) == yaml.safe_load(whole)
    except (yaml.YAMLError, ValueError):
        return False


def _is_told(file: str, way: str, root: Path) -> bool:
    """Whether ``verify`` can know: no record counts measures, or the log and checkpoints of an unfinished run, a tag
    that is not there may have been taken away on purpose, and vp2p.yaml is the user's to write while it can be read.
    """
    if file == CONFIG and _readable(root / WORK / file):
        return False
    unfinished = file.endswith("log.jsonl") and not (root / WORK / file).with_name("manifest.json").exists()
    gone = way == "deleted" and (file.startswith("tags/") or "/checkpoint/" in file)
    return not (gone or file.startswith("eval/") or unfinished)


def _readable(path: Path) -> bool:
    try:
        return read_config(path) is not None
    except Exception:  # whatever it is, verify must find it, too
        return False


def _names(file: str) -> tuple[str, ...]:
    """What a message may call a file: itself; or its run, which is known by no more than that one file."""
    name = file.rsplit("/", 1)[-1]
    return (name, f"{file.removesuffix('/settings.yaml')} does not say") if name == "settings.yaml" else (name,)


def _lost(before: Listing, root: Path, file: str, words: tuple[str, ...]) -> list[str]:
    """What a command harmed: it may delete what it was told to, and write tags, settings and pages."""
    free = (f"{WORK}/tags", f"{WORK}/vp2p.yaml", f"{WORK}/report", f"{WORK}/eval", f"{WORK}/show")
    if "gc" in words:  # the unfinished run, and where dog is named what it is
        free += (*_unfinished(before), *((f"{WORK}/edit/dog",) if "dog" in words else ()))
        free += (f"{WORK}/{file.rsplit('/', 1)[0]}",) if file.endswith("manifest.json") else ()
    if "tune" in words:
        free += tuple(_unfinished(before))
    return harmed(before, listing(root), free)


def _unfinished(before: Listing) -> set[str]:
    """The runs that hold checkpoints."""
    return {name.split("/checkpoint")[0] for name in before if "/checkpoint" in name}
