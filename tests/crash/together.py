"""``python -m tests.crash.together``: several processes in one workspace at once; prints what went wrong, as JSON."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Iterator

from tests.crash.breaks import Break
from tests.crash.commands import COMMANDS, WORK, contents, damage, differences
from tests.crash.trials import Ended, finish, prepare, run, start
from tests.crash.watch import Point, Watch

# Four of them would take the same name.
EDITS = (
    ("--swap", "cat=dog"),
    ("--swap", "cat=dog", "--guidance", "2"),
    ("--swap", "cat=dog", "--no-blend"),
    ("--swap", "cat=dog", "--cross-replace", "0.8"),
    ("--swap", "grass=sand"),
    ("--prompt", "a red cat on the grass"),
    ("--reweight", "grass:0.5"),
    ("--swap", "cat=pig", "--name", "pig"),
)
_WORDS = tuple(("-w", WORK, "edit", *edit) for edit in EDITS)


def at_a_gate(gate: Path) -> Break:
    """The process waits before its work until the file ``gate`` is there."""
    return lambda root: _until(gate.exists)


def pausing(number: int, gate: Path) -> Break:
    """The process waits at one of its write points until the file ``gate`` is there."""

    def before(point: Point) -> None:
        if point.number == number:
            gate.with_suffix(".reached").touch()
            _until(gate.exists)

    return lambda root: Watch(root, before) and None


def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.002)


def edits_at_once(root: Path, alone: Path) -> Iterator[str]:
    """Eight edits at once; then the same eight. ``alone`` is a copy in which each is made by itself."""
    ended = list(_at_once(root, _WORDS))
    for words, one in zip(EDITS, ended):
        if one.code != 0:
            yield f"edit {words} ended with {one.code}: {one.err}"
    yield from damage(root)
    for words in _WORDS:
        run(alone, words)
    found, wanted = _by_identity(root), _by_identity(alone)
    if len(wanted) != len(EDITS):
        yield f"{len(wanted)} edits were made one by one"
    yield from differences(found, wanted)
    before = contents(root)
    for words, one in zip(EDITS, _at_once(root, _WORDS)):
        if one.code != 0 or "up to date" not in one.err:
            yield f"edit {words} was made twice: {one.err}"
    yield from differences(contents(root), before)


def _at_once(root: Path, commands: tuple[tuple[str, ...], ...]) -> Iterator[Ended]:
    gate = root.with_name("gate")
    gate.unlink(missing_ok=True)
    children = [start(root, words, at_a_gate(gate)) for words in commands]
    gate.touch()
    yield from [finish(child) for child in children]


def _by_identity(root: Path) -> dict[str, str]:
    """The tensors of all edits, by the edits' identities, as names may have been given in any order."""
    found = {}
    for manifest in (root / WORK / "edit").glob("*/manifest.json"):
        record = json.loads(manifest.read_bytes())
        found[record["identity"]] = json.dumps(record["artifacts"], sort_keys=True)
    return found


def two_tune_one_run(root: Path, wanted: dict[str, str], point: int) -> Iterator[str]:
    """While one process tunes, a second one is told so, and readers do not wait; when it is killed, a third goes on."""
    tune = COMMANDS["tune"].words
    gate = root.with_name("holder")
    holder = start(root, tune, pausing(point, gate))
    _until(gate.with_suffix(".reached").exists)
    second = run(root, tune)
    named = all(text in second.err for text in (f"rocess {holder.pid} on this host", " since 20", "hint: "))
    if second.code != 11 or not named or not socket.gethostname():
        yield f"the second writer ended with {second.code}: {second.err}"
    for words in (("-w", WORK, "status"), ("-w", WORK, "status", "--json"), ("-w", WORK, "tune", "--dry-run")):
        reader = run(root, words)
        if reader.code != 0:
            yield f"{words} ended with {reader.code}: {reader.err}"
    os.kill(holder.pid, signal.SIGKILL)
    if (killed := finish(holder)).code != -signal.SIGKILL:
        yield f"the holder ended with {killed.code}: {killed.err}"
    third = run(root, tune)
    if third.code != 0 or ": resumed" not in third.err:
        yield f"the third writer ended with {third.code}: {third.err}"
    yield from differences(contents(root), wanted)


def all_tune_one_run(root: Path, wanted: dict[str, str]) -> Iterator[str]:
    """Of several processes that tune one run at once, one does; the others are told so, or find it done."""
    ended = list(_at_once(root, (COMMANDS["tune"].words,) * 4))
    worked = [one for one in ended if one.code == 0 and ": done" in one.err]
    others = [one for one in ended if one not in worked]
    if len(worked) != 1:
        yield f"{len(worked)} processes tuned: {[one.err for one in ended]}"
    for one in others:
        if one.code != 11 and not (one.code == 0 and "up to date" in one.err):
            yield f"another ended with {one.code}: {one.err}"
    yield from differences(contents(root), wanted)


def main() -> None:
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        root = scratch / "first" / "root"
        root.mkdir(parents=True)
        prepare(root / "cat.mp4")
        after: dict[str, Path] = {}
        for name in ("init", "tune", "invert"):
            ended = run(root, COMMANDS[name].words)
            assert ended.code == 0, ended.err
            after[name] = shutil.copytree(root, scratch / name / "root")
        tuned = contents(after["tune"])

        def copy(name: str) -> Path:
            return shutil.copytree(after["init"], scratch / name / "root")

        wrong = {
            "eight edits at once": [*edits_at_once(root, after["invert"])],
            "two tune one run": [*two_tune_one_run(copy("two"), tuned, 30)],
            "four tune one run": [*all_tune_one_run(copy("four"), tuned)],
        }
    print(json.dumps(wrong, indent=1))
    sys.exit(any(wrong.values()))


if __name__ == "__main__":
    main()
