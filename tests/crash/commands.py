"""The commands that are broken off, with settings so short that each takes about a second, and what they leave."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from vp2p.errors import Vp2pError
from vp2p.workspace import Workspace
from vp2p.workspace.layout import STAGES

PROMPT = "a cat on the grass"
WORK = "walk"


@dataclass(frozen=True)
class Command:
    """A command line, and after which one of the others it is typed; "" is a folder that holds a clip alone."""

    words: tuple[str, ...]
    after: str

    @property
    def stage(self) -> str:
        return next(word for word in self.words if word in ("init", *STAGES))


def _at_work(*words: str, after: str) -> Command:
    return Command(("-w", WORK, *words), after)


_CLIP = ("--frames", "2", "--size", "32", "--model", "sprites")
COMMANDS: dict[str, Command] = {
    "init": Command(("init", WORK, "--video", "cat.mp4", "--prompt", PROMPT, *_CLIP), ""),
    "tune": _at_work("tune", "--steps", "2", after="init"),
    "invert": _at_work(
        "invert", "--method", "null-text", "--steps", "2", "--inner-steps", "1", "--tolerance", "0", after="tune"
    ),
    "edit": _at_work("edit", "--swap", "cat=dog", "--format", "png", after="invert"),
    # Another edit in place of the one of that name.
    "edit --force": _at_work("edit", "--swap", "cat=pig", "--name", "dog", "--force", after="edit"),
}


def contents(root: Path) -> dict[str, str]:
    """Every file and folder below ``root`` by its content, without the times at which runs were begun."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            found[name] = "a folder"
        else:
            found[name] = hashlib.sha256(_timeless(path)).hexdigest()
    return found


def _timeless(path: Path) -> bytes:
    data = path.read_bytes()
    if path.name in ("manifest.json", "settings.yaml"):
        data = re.sub(rb"20\d\d-\d\d-\d\dT[\d:.+]{8,}", b"", data)
        # These cover the time.
        data = re.sub(rb'"?checksum"?: "?\w{64}"?', b"", data)
        data = re.sub(rb'"settings.yaml": {[^}]*}', b"", data)
    return data


def differences(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """The names whose contents differ, and in what way."""
    names = sorted({*found, *wanted})
    kinds = {
        name: "changed" if name in found and name in wanted else "left" if name in found else "missing"
        for name in names
    }
    return [f"{kinds[name]} {name}" for name in names if found.get(name) != wanted.get(name)]


def damage(root: Path) -> list[str]:
    """What is wrong with the runs that say they are finished, one sentence each."""
    folder = root / WORK
    found = []
    for stage in STAGES if (folder / "vp2p.yaml").exists() else ():
        try:
            for run in Workspace(folder).runs(stage):
                if run.finished:
                    run.verify()
        except Vp2pError as error:
            found.append(error.cause)
    return found


def holds(root: Path, stage: str, states: tuple[dict[str, str], dict[str, str]]) -> bool:
    """Whether a run of the stage, as it is in one of these contents of the root, is whole, set aside or not."""
    folders = [path.parent for path in (root / WORK / stage).glob("*/manifest.json")]
    return any(run.items() <= contents(folder).items() for run in _runs(stage, states) for folder in folders)


def _runs(stage: str, states: tuple[dict[str, str], ...]) -> Iterator[dict[str, str]]:
    for state in states:
        for manifest in state:
            if manifest.startswith(f"{WORK}/{stage}/") and manifest.endswith("/manifest.json"):
                folder = manifest.removesuffix("manifest.json")
                yield {name.removeprefix(folder): state[name] for name in state if name.startswith(folder)}
