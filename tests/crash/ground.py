"""A folder to try things in: a workspace that holds runs of every kind and state, its export, and what lies outside."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.crash.breaks import kill_at
from tests.crash.commands import COMMANDS, WORK
from tests.crash.trials import Ended, Prelude, Stop, finish, prepare, start

HANGS_AFTER = 60.0  # seconds of the clock, on a machine that others use too
EXPORT = "walk.tar"
_STEPS = (
    *(COMMANDS[name].words for name in ("init", "tune")),
    *(("-w", WORK, *words) for words in (("attention",), ("invert", "--steps", "1"))),
    *(COMMANDS[name].words for name in ("invert", "edit")),
    *(
        ("-w", WORK, *words)
        for words in (
            ("edit", "--swap", "cat=pig", "--as", "pig"),
            ("eval", "dog"),
            ("tag", "best", "dog"),
            ("tag", "older", "pig"),
            ("config", "edit.candidates", "1"),
            ("export", EXPORT),
        )
    ),
)
_UNFINISHED = ("-w", WORK, "tune", "--steps", "3")


@dataclass(frozen=True)
class Ground:
    """``root`` holds cat.mp4, the workspace ``walk``, its export, and ``outside``, which nothing may touch."""

    root: Path

    def copy(self, to: Path) -> Path:
        """A copy, in place of what is there."""
        if to.exists():
            for folder in (path for path in to.rglob("*") if path.is_dir() and not path.is_symlink()):
                folder.chmod(0o755)
            shutil.rmtree(to)
        return shutil.copytree(self.root, to, symlinks=True)


def make_ground(root: Path) -> Ground:
    """Makes it by the commands themselves."""
    root.mkdir(parents=True)
    prepare(root / "cat.mp4")
    for words in _STEPS:
        ended = run(root, words)
        assert ended.code == 0, (words, ended.err)
    run(root, _UNFINISHED, kill_at(35))
    assert [*(root / WORK).glob("tune/*/checkpoint/*")], "the run should be unfinished"
    shutil.copytree(root / WORK / "edit" / "dog", root / "outside" / "dog")
    (root / "outside" / "secret").write_text("a secret\n")
    return Ground(root)


def at_home(root: Path) -> None:
    """The user's own folder lies in ``root``, too, and the terminal is wide."""
    for name, place in (("HOME", "home"), ("XDG_CONFIG_HOME", "home/config"), ("XDG_CACHE_HOME", "home/cache")):
        os.environ[name] = str(root / place)
    os.environ["COLUMNS"] = "200"


def both(first: Prelude, then: Prelude) -> Prelude:
    """One thing done ahead of a command, and then another."""

    def begin(root: Path) -> None:
        first(root)
        then(root)

    return begin


def run(root: Path, words: tuple[str, ...], prelude: Prelude | None = None, stop: Stop | None = None) -> Ended:
    """A command in ``root``, as somebody would run it who lives there."""
    return finish(begin(root, words, prelude), stop, HANGS_AFTER)


def begin(root: Path, words: tuple[str, ...], prelude: Prelude | None = None):
    """Such a command that is only begun; see :func:`tests.crash.trials.finish`."""
    return start(root, words, both(at_home, prelude) if prelude else at_home)
