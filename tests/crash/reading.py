"""Commands that are tried on whatever a workspace holds: those that only read, and those that also write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

from tests.crash.commands import WORK
from tests.crash.ground import both, run
from tests.crash.judge import wrong
from tests.crash.trials import Prelude

Words = tuple[str, ...]


def at_work(*words: str) -> Words:
    return ("-w", WORK, *words)


READERS: tuple[Words, ...] = (
    *(at_work(*words) for words in (("status",), ("status", "--json"), ("log",), ("log", "--json"), ("log", "dog"))),
    *(at_work(*words) for words in (("verify",), ("verify", "--json"), ("gc",), ("gc", "--json"))),
    *(at_work(*words) for words in (("config",), ("config", "--json"), ("config", "tune"), ("tag",))),
    *(at_work(*words, "-n") for words in (("tune",), ("invert",), ("attention",))),
    *(at_work("edit", "-n", "--swap", swap) for swap in ("cat=bird", "cat=dog")),
)
WRITERS: tuple[Words, ...] = (
    at_work("report", "--force"),
    at_work("show", "dog", "--force"),
    at_work("show", "dog", "--word", "cat", "--force"),
    at_work("diff", "dog", "pig", "--force"),
    at_work("eval"),
    at_work("gc", "--yes"),
    at_work("gc", "dog", "--yes"),
    at_work("export", "another.tar"),
    at_work("tag", "fresh", "dog"),
    at_work("tag", "--delete", "best"),
    at_work("config", "tune.steps", "7"),
    at_work("edit", "--swap", "cat=bird"),
    at_work("edit", "--swap", "cat=dog"),
    at_work("tune", "--steps", "2"),
)
LINES = (
    ("tag", "new", ""),
    ("edit", "--from", ""),
    ("edit", "--swap", ""),
    ("log", ""),
    ("config", ""),
    ("verify", "e"),
    ("show", "edit/"),
)


def completing(*words: str) -> Prelude:
    """Bash asks what may follow these words, the last of them unfinished."""

    def begin(root: Path) -> None:
        os.chdir(root / WORK)
        os.environ |= {
            "_VP2P_COMPLETE": "complete_bash",
            "COMP_WORDS": "\n".join(("vp2p", *words)),
            "COMP_CWORD": str(len(words)),
        }

    return begin


def completions(root: Path, words: Words, prelude: Prelude | None = None) -> Iterator[str]:
    """What is wrong with the answer to the tab key: it never fails, and says nothing on stderr."""
    ask = completing(*words)
    ended = run(root, (), both(prelude, ask) if prelude else ask)
    told = f"completing {' '.join(words)!r}"
    yield from (f"{told} {what}" for what in wrong(ended))
    if ended.code != 0 or ended.err:
        yield f"{told} ended with {ended.code}: {ended.err[-300:]}"


def each(root: Path, commands: Iterator[Words]) -> Iterator[str]:
    """What is wrong with any of these commands, run one after the other."""
    for words in commands:
        yield from (f"vp2p {' '.join(words)}: {what}" for what in wrong(run(root, words), words))
