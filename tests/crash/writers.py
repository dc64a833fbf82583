"""Two commands that write at once, the one held at a write point while the other runs whole; and eight of one kind."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Iterator

import yaml

from tests.crash.commands import WORK, damage
from tests.crash.drive import Trial
from tests.crash.faults import writes_of
from tests.crash.ground import EXPORT, HANGS_AFTER, Ground, begin, run
from tests.crash.judge import wrong
from tests.crash.reading import at_work
from tests.crash.together import at_a_gate, pausing
from tests.crash.trials import Ended, Running, finish

_HELD = 4  # write points at which each command is held beside each other one
_WAITS = 4.0  # seconds for the other; one that waits for a lock goes on when the first is let go


@dataclass(frozen=True)
class Writer:
    """A command that writes: what is there once it ended with 0, and which others may take that away again."""

    words: tuple[str, ...]
    there: Callable[[Path], bool]
    undone_by: tuple[str, ...] = ()


def _is(*place: str) -> Callable[[Path], bool]:
    return lambda root: root.joinpath(*place).exists()


def _run(stage: str, name: str) -> Callable[[Path], bool]:
    return _is(WORK, stage, name, "manifest.json")


def _set(section: str, key: str, value: object, file: str = f"{WORK}/vp2p.yaml") -> Callable[[Path], bool]:
    return lambda root: yaml.safe_load((root / file).read_text()).get(section, {}).get(key) == value


def _more(stage: str, than: int, root: Path) -> bool:
    """Whether more runs of a stage are finished than so many."""
    return len([*(root / WORK / stage).glob("*/manifest.json")]) > than


_USER = "home/config/vp2p/config.yaml"
WRITERS: dict[str, Writer] = {
    "init": Writer(
        ("init", "new", "--video", "cat.mp4", "--prompt", "a cat", "--frames", "1", "--size", "32"),
        _is("new", "vp2p.yaml"),
    ),
    "import": Writer(("import", EXPORT, "new"), _is("new", "edit", "dog", "manifest.json")),
    "tune": Writer(at_work("tune", "--steps", "3"), partial(_more, "tune", 1)),
    "invert": Writer(at_work("invert", "--steps", "3"), lambda root: len([*(root / WORK / "invert").glob("*/m*")]) > 2),
    "attention": Writer(
        at_work("attention", "cat"), lambda root: len([*(root / WORK).glob("attention/*/m*.json")]) > 1
    ),
    "edit": Writer(at_work("edit", "--swap", "cat=bird", "--name", "bird"), _run("edit", "bird")),
    "edit --name": Writer(at_work("edit", "--swap", "grass=sand", "--name", "bird"), _run("edit", "bird")),
    "edit --force": Writer(at_work("edit", "--swap", "cat=dog", "--format", "png", "--force"), _run("edit", "dog")),
    "tag": Writer(at_work("tag", "mine", "dog"), _is(WORK, "tags", "mine"), ("tag --move", "tag --delete mine")),
    "tag --move": Writer(at_work("tag", "--move", "mine", "pig"), _is(WORK, "tags", "mine"), ("tag --delete mine",)),
    "tag --delete": Writer(at_work("tag", "--delete", "best"), lambda root: not (root / WORK / "tags/best").exists()),
    "tag --delete mine": Writer(at_work("tag", "--delete", "mine"), lambda root: True),
    "config": Writer(at_work("config", "tune.steps", "5"), _set("tune", "steps", 5)),
    "config of another": Writer(at_work("config", "invert.steps", "6"), _set("invert", "steps", 6)),
    "config --user": Writer(("config", "--user", "edit.candidates", "2"), _set("edit", "candidates", 2, _USER)),
    "config --user of another": Writer(("config", "--user", "tune.seed", "2"), _set("tune", "seed", 2, _USER)),
    "gc": Writer(at_work("gc", "--yes"), lambda root: True),
    "export": Writer(at_work("export", "out.tar"), _is("out.tar")),
    "export of one": Writer(at_work("export", "out.tar", "dog"), _is("out.tar")),
    "export to a folder": Writer(at_work("export", "new"), _is("new", "edit", "pig", "manifest.json")),
    "report": Writer(at_work("report"), _is(WORK, "report.html")),
    "show": Writer(at_work("show", "dog", "--out", "sheet.png"), _is("sheet.png")),
    "diff": Writer(at_work("diff", "dog", "pig", "--sheet", "sheet.png"), _is("sheet.png")),
    "eval": Writer(at_work("eval"), _is(WORK, "eval", "pig.json")),
    "draw": Writer(("draw", "a dog on the sand", "new.gif", "--frames", "2"), _is("new.gif")),
}
# Where both write one place, only one may succeed: what it did not see when it began, it does not replace.
ALONE = (
    {"init", "import", "export to a folder"},
    {"export", "export of one"},
    {"show", "diff"},
    {"edit", "edit --name"},
)
EIGHTS: dict[str, Callable[[int], tuple[tuple[str, ...], Callable[[Path], bool]]]] = {
    "tags": lambda at: (at_work("tag", f"t{at}", "dog"), _is(WORK, "tags", f"t{at}")),
    "settings": lambda at: (
        at_work("config", f"{_KEYS[at][0]}.{_KEYS[at][1]}", str(at + 1)),
        _set(*_KEYS[at], at + 1),
    ),
    "the user's settings": lambda at: (
        ("config", "--user", f"{_KEYS[at][0]}.{_KEYS[at][1]}", str(at + 1)),
        _set(*_KEYS[at], at + 1, _USER),
    ),
    "imports": lambda at: (("import", EXPORT, "new"), WRITERS["import"].there),
    "exports": lambda at: (at_work("export", "out.tar"), _is("out.tar")),
    "reports": lambda at: (at_work("report"), _is(WORK, "report.html")),
    "evals": lambda at: (at_work("eval"), _is(WORK, "eval", "pig.json")),
    "clean-ups": lambda at: (at_work("gc", "--yes"), lambda root: True),
}
_ONE_OF_EIGHT = ("imports", "exports")
_KEYS = (
    *(("tune", "steps"), ("tune", "seed"), ("invert", "steps"), ("invert", "seed")),
    *(("invert", "inner_steps"), ("edit", "candidates"), ("edit", "guidance"), ("edit", "new_weight")),
)


def campaign(ground: Ground) -> list[Trial]:
    """Every command held at some of its write points while every other runs; and eights of some."""
    found = [Trial(f"eight {name}, time {time}", partial(_eight, name)) for name in EIGHTS for time in range(4)]
    for held, writer in WRITERS.items():
        count = len(writes_of(ground, writer.words))
        numbers = sorted({1 + at * (count - 1) // (_HELD - 1) for at in range(_HELD)}) if count else []
        for other in WRITERS:
            found += [
                Trial(f"{held} held at {number} of {count} beside {other}", partial(_pair, held, other, number))
                for number in numbers
            ]
    return found


def _pair(held: str, other: str, number: int, root: Path) -> Iterator[str]:
    gate = root.with_name("gate")
    for file in (gate, gate.with_suffix(".reached")):
        file.unlink(missing_ok=True)
    first = begin(root, WRITERS[held].words, pausing(number, gate))
    _wait(first, gate.with_suffix(".reached"), HANGS_AFTER)
    second = begin(root, WRITERS[other].words)
    _wait(second, gate, _WAITS)
    gate.touch()
    ended = {"held": finish(first, None, HANGS_AFTER), "other": finish(second, None, HANGS_AFTER)}
    yield from _after(root, [(held, ended["held"]), (other, ended["other"])])


def _after(root: Path, ended: list[tuple[str, Ended]]) -> Iterator[str]:
    names = [name for name, _ in ended]
    for name, one in ended:
        yield from (f"{name}: {what}" for what in wrong(one, WRITERS[name].words))
        undone = any(other in WRITERS[name].undone_by for other in names)
        if one.code == 0 and not undone and not WRITERS[name].there(root):
            yield f"{name} returned 0, and what it made is not there: {one.err[-200:]!r}"
    worked = [name for name, one in ended if one.code == 0]
    if len({*worked}) == 2 and any({*worked} <= group for group in ALONE):
        yield f"both {worked[0]} and {worked[1]} returned 0 for one place"
    yield from damage(root)
    checked = run(root, at_work("verify"))
    yield from (f"verify: {what}" for what in wrong(checked))
    if checked.code != 0 and "gc" not in names:
        yield f"verify finds damage: {checked.err[-300:]!r}"


def _eight(name: str, root: Path) -> Iterator[str]:
    gate = root.with_name("gate")
    gate.unlink(missing_ok=True)
    wanted = [EIGHTS[name](at) for at in range(8)]
    children = [begin(root, words, at_a_gate(gate)) for words, _ in wanted]
    gate.touch()
    ended = [finish(child, None, HANGS_AFTER) for child in children]
    for (words, there), one in zip(wanted, ended):
        yield from wrong(one, words)
        if one.code == 0 and not there(root):
            yield f"{' '.join(words)} returned 0, and what it made is not there"
    worked = sum(one.code == 0 for one in ended)
    if worked != (1 if name in _ONE_OF_EIGHT else 8):
        yield f"{worked} of 8 returned 0: {[one.err[-200:] for one in ended if one.code]}"
    yield from damage(root)


def _wait(child: Running, file: Path, seconds: float) -> None:
    """Until a file is there, the process has ended, or the time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not file.exists():
        if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.002)
