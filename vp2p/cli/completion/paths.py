"""Files and folders: where they are looked for, and those that are no networks."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import Callable, Iterator

import typer

from vp2p.cli.completing import looking
from vp2p.workspace.config import NAME as CONFIG

_LEVELS, _MOST_FOLDERS = 3, 2000
# What tells a model, a network, a workspace and a run: nobody names a part of one.
_CLOSED = ("unet", "config.json", CONFIG, "manifest.json")
_SCALES = ("0.5", "0.8", "1")
_ARCHIVES, _PLANS = (".tar", ".tar.gz", ".tgz"), (".yaml", ".yml")
Wanted = Callable[[Path], bool]


def below(incomplete: str, wanted: Wanted, ending: str | None = None) -> Iterator[str]:
    """The folders that are wanted, and files whose names end so, a few levels down from what is typed."""
    level = [incomplete[: incomplete.rfind("/") + 1]]
    for _ in range(_LEVELS):
        folders = []
        for start in level:
            for name, is_folder in _entries(start):
                if not f"{start}{name}".startswith(incomplete):
                    continue
                if not is_folder:
                    yield from [start + name] if ending and name.endswith(ending) else []
                elif wanted(path := Path(start).expanduser() / name):
                    yield start + name
                elif not any((path / mark).exists() for mark in _CLOSED):
                    folders.append(f"{start}{name}/")
        level = folders[:_MOST_FOLDERS]


def beside(incomplete: str, wanted: Wanted) -> Iterator[str]:
    """The files that are wanted, and all folders, beside what is typed."""
    start = incomplete[: incomplete.rfind("/") + 1]
    for name, is_folder in _entries(start):
        if is_folder:
            yield f"{start}{name}/"
        elif wanted(Path(name)):
            yield start + name


def _entries(start: str) -> list[tuple[str, bool]]:
    """What lies in a folder and is not hidden, and whether it is a folder itself."""
    try:
        with os.scandir(Path(start or ".").expanduser()) as entries:
            return sorted((entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith("."))
    except OSError:
        return []


def scaled(incomplete: str, found: Iterator[str]) -> Iterator[str]:
    """What is found; or where a file or a folder and a colon are typed, it with a few scales."""
    path, colon, _ = incomplete.rpartition(":")
    if colon and Path(path).expanduser().exists():
        yield from (f"{path}:{scale}" for scale in _SCALES)
    else:
        yield from found


def _is_picture(path: Path) -> bool:
    return str(mimetypes.guess_type(path.name)[0]).startswith("image/")


def _is_clip(path: Path) -> bool:
    return _is_picture(path) or str(mimetypes.guess_type(path.name)[0]).startswith("video/") or path.suffix == ".mkv"


@looking
def references(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Pictures and folders, then a few scales."""
    yield from scaled(incomplete, beside(incomplete, _is_picture))


@looking
def clips(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Videos, pictures, and folders, which may hold some."""
    yield from beside(incomplete, _is_clip)


@looking
def templates(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The templates' names, and YAML files."""
    from vp2p.config.templates import template_names

    yield from template_names()
    yield from beside(incomplete, lambda path: path.suffix in _PLANS)


@looking
def plans(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from beside(incomplete, lambda path: path.suffix in _PLANS)


@looking
def archives(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Files of the kinds that vp2p export writes."""
    yield from beside(incomplete, lambda path: path.name.endswith(_ARCHIVES))


@looking
def control_videos(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``kind=`` for each kind that the model's ControlNets need, or for all; then clips."""
    from vp2p.settings import KINDS

    kind, sign, rest = incomplete.partition("=")
    if sign:
        yield from (f"{kind}={one}" for one in beside(rest, _is_clip))
    else:
        asked = [text.partition("=")[0] for text in ctx.params.get("control") or ()]
        yield from (f"{one}=" for one in asked or KINDS)
