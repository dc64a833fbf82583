"""Every option and argument of every command with words that nobody expects; settings in files and the environment.

The options are read from the command line's own tree, so a new one is tried without a word here.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Iterator

import typer
import yaml

from tests.crash.breaks import with_memory
from tests.crash.commands import WORK
from tests.crash.drive import Trial
from tests.crash.ground import Ground, both, run
from tests.crash.judge import harmed, listing, wrong
from tests.crash.nasty import VALUES, WORDS
from tests.crash.trials import Prelude, Stop
from vp2p.cli.app import app
from vp2p.settings import SECTIONS

_MEMORY = 1 << 30
_LONG_ENOUGH = 6.0  # seconds of CPU; then a signal comes, as a large number may well mean much work
_INIT = ("new", "--video", "cat.mp4", "--prompt", "a cat", "--frames", "1", "--size", "32")
# What each command needs besides the word that is tried.
BASES: dict[str, tuple[str, ...]] = {
    "init": _INIT,
    "edit": ("--swap", "cat=bird"),
    "diff": ("dog", "pig"),
    "batch": ("plan.yaml",),
    "export": ("out.tar",),
    "import": ("walk.tar", "new"),
    "draw": ("a dog on the sand", "new.gif"),
    "tag": ("new", "dog"),
}
_WORKING = (
    *("init", "tune", "attention", "invert", "mask", "edit", "eval", "batch", "draw", "demo", "report", "show", "diff"),
)
_SKIPPED = ("help", "install_completion", "show_completion", "open")  # help; and what opens or installs things
_FILES = (f"{WORK}/vp2p.yaml", "home/config/vp2p/config.yaml", "plan.yaml", "template.yaml")
_PLAN = {
    "format": 1,
    "videos": [{"video": "cat.mp4", "prompt": "a cat on the grass", "name": "x"}],
    "tune": [{"steps": 1}],
    "edit": [{"swap": ["cat=dog"]}],
}


def campaign(ground: Ground) -> list[Trial]:
    """Words in place of each parameter's value, then values in files, then environment variables."""
    found = []
    for at, words in enumerate(lines()):  # on every third terminal there is no letter but English ones
        found.append(Trial(f"{words!r:.200}", partial(_typed, words, {}, at % 3 == 2)))
    for file in _FILES:
        found += [Trial(name, partial(_written, file, text)) for name, text in texts(ground, file)]
    for name in variables():
        for word in WORDS:
            if "\0" not in word:
                words = ("config",) if "TEMPLATE" not in name else ("init", *_INIT)
                found.append(Trial(f"{name}={word!r:.60}", partial(_typed, words, {name: word}, False)))
    return found


def lines() -> Iterator[tuple[str, ...]]:
    """Command lines, one for each parameter of each command and each word."""
    group = typer.main.get_command(app)
    for option in (parameter for parameter in group.params if parameter.name not in _SKIPPED):
        for word in WORDS:
            yield (option.opts[0], word, "status")
    for word in WORDS:
        yield (word,)
    for name, command in group.commands.items():
        base = BASES.get(name, ())
        for parameter in command.get_params(typer.Context(command)):
            if parameter.name in _SKIPPED:
                continue
            for word in WORDS:
                yield _line(name, base, parameter, word)


def _line(name: str, base: tuple[str, ...], parameter: object, word: str) -> tuple[str, ...]:
    """A word as an option's value, or as an argument in place of one that the command needs."""
    if parameter.param_type_name == "option":
        return ("-w", WORK, name, *base, parameter.opts[-1], *(() if parameter.is_flag and word != "=" else (word,)))
    return ("-w", WORK, name, *base[1:], "--", word) if base else ("-w", WORK, name, "--", word)


def texts(ground: Ground, file: str) -> Iterator[tuple[str, str]]:
    """What may be written in a file of settings: each value of each section and key by one of a wrong type."""
    base = yaml.safe_load((ground.root / file).read_text()) if (ground.root / file).exists() else {}
    base = dict(_PLAN) if file == "plan.yaml" else base
    for section, cls in SECTIONS.items():
        for value in VALUES:
            yield f"{file} {section}: {value!r:.40}", _yaml({**base, section: value})
            for key in list(cls.__dataclass_fields__)[:: 3 if file == "plan.yaml" else 1]:
                told = f"{file} {section}.{key}: {value!r:.40}"
                yield told, _yaml({**base, section: [{key: value}] if file == "plan.yaml" else {key: value}})
    for key in (*base, "format", "video", "prompt", "videos"):
        for value in VALUES:
            yield f"{file} {key}: {value!r:.40}", _yaml({**base, key: value})


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False)


def variables() -> list[str]:
    """The environment variables that give options and settings."""
    group = typer.main.get_command(app)
    known = {parameter.envvar for parameter in group.params if isinstance(parameter.envvar, str)}
    for command in group.commands.values():
        for parameter in command.get_params(typer.Context(command)):
            known |= {parameter.envvar} if isinstance(parameter.envvar, str) else {*(parameter.envvar or ())}
    return sorted(known)


def _typed(words: tuple[str, ...], environment: dict[str, str], ascii_only: bool, root: Path) -> Iterator[str]:
    yield from _tried(root, words, partial(_begin, environment, ascii_only))


def _written(file: str, text: str, root: Path) -> Iterator[str]:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", "surrogatepass")
    if file == "plan.yaml":
        commands = (("batch", "plan.yaml", "-n"),)
    elif file == "template.yaml":
        commands = (("init", *_INIT, "--template", "./template.yaml"),)
    else:
        work = ("-w", WORK)
        commands = (
            (*work, "config"),
            (*work, "edit", "-n", "--swap", "cat=bird"),
            (*work, "config", "tune.steps", "4"),
        )
    for words in commands:
        yield from (f"vp2p {' '.join(words)}: {what}" for what in _tried(root, words))


def _tried(root: Path, words: tuple[str, ...], prelude: Prelude | None = None) -> Iterator[str]:
    """What is wrong with a command that may not work long, take much memory, or change what it was not told to."""
    before = listing(root)
    limits = with_memory(_MEMORY)
    ended = run(root, words, both(prelude, limits) if prelude else limits, Stop(15, _LONG_ENOUGH))
    if ended.code == 143 and not any(word in words for word in _WORKING):
        yield "hangs"
    yield from wrong(ended, words)
    free = (f"{WORK}/tags", f"{WORK}/eval", f"{WORK}/report", "home") if "tag" not in words else (f"{WORK}/tags",)
    yield from harmed(before, listing(root), (*free, f"{WORK}/vp2p.yaml", *_deleted(words)))


def _deleted(words: tuple[str, ...]) -> tuple[str, ...]:
    """What this very command may delete or do over."""
    if "gc" in words and "--yes" in words:
        return tuple(f"{WORK}/{stage}" for stage in ("tune", "edit", "invert", "attention", "mask", "source"))
    forced = tuple(f"{WORK}/{stage}/" for stage in ("tune", "attention", "invert", "mask", "edit") if stage in words)
    return forced if "--force" in words else ()


def _begin(environment: dict[str, str], ascii_only: bool, root: Path) -> None:
    os.environ |= environment
    if ascii_only:
        sys.stdout.reconfigure(encoding="ascii")
        sys.stderr.reconfigure(encoding="ascii")
