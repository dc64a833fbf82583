"""Workspaces that a stranger wrote: imported, or simply there, and every command on them."""

from __future__ import annotations

import random
import shutil
from functools import partial
from pathlib import Path
from typing import Callable, Iterator

from tests.crash.archives import odd_archives, pack, read
from tests.crash.commands import WORK
from tests.crash.drive import Trial
from tests.crash.ground import EXPORT, Ground, run
from tests.crash.judge import harmed, listing, wrong
from tests.crash.reading import LINES, READERS, WRITERS, completions, each
from tests.crash.rewrites import Rewrite, rewrites
from tests.crash.seals import Files, resealed

_HOSTILE = "hostile.tar"
_READ, _WRITE = 5, 2  # how many commands are tried on each workspace; all of them have their turn


def campaign(ground: Ground) -> list[Trial]:
    """Odd archives, rewritten records that are imported, and those that are put in place by hand."""
    files = read(ground.root / EXPORT)
    found = [Trial(f"import {name}", partial(_import, put, name)) for name, put in odd_archives(files)]
    for rewrite in rewrites(files):
        found.append(Trial(f"import {rewrite[0]}", partial(_import, partial(_packed, files, rewrite), rewrite[0])))
        found.append(Trial(f"in place {rewrite[0]}", partial(_in_place, files, rewrite)))
    return found


def _packed(files: Files, rewrite: Rewrite, to: Path) -> None:
    pack(rewrite[1](files), to)


def _import(put: Callable[[Path], object], name: str, root: Path) -> Iterator[str]:
    put(root / _HOSTILE)
    shutil.rmtree(root / WORK)
    before = listing(root)
    words = ("import", _HOSTILE, WORK)
    ended = run(root, words)
    yield from (f"import: {what}" for what in wrong(ended, words))
    if ended.code == 0:
        yield from _all(root, name)
    elif (root / WORK).exists() or [*root.glob(".tmp-*")]:
        yield "a refused import leaves something"
    yield from harmed(before, listing(root))


def _in_place(files: Files, rewrite: Rewrite, root: Path) -> Iterator[str]:
    before = {name: one for name, one in listing(root).items() if not name.startswith(WORK)}
    shutil.rmtree(root / WORK)
    for place, data in resealed(rewrite[1](files)).items():
        path = root / WORK / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    yield from _all(root, rewrite[0])
    yield from harmed(before, listing(root))


def _all(root: Path, name: str) -> Iterator[str]:
    """Some of the commands, drawn by the trial's name: those that read change nothing."""
    draw = random.Random(name)
    before = listing(root)
    yield from each(root, draw.sample(READERS, _READ))
    yield from completions(root, draw.choice(LINES))
    yield from (f"reading {what}" for what in harmed(before, listing(root)))
    yield from each(root, draw.sample(WRITERS, _WRITE))
