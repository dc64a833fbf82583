"""Files and folders of the kind that an option takes."""

from __future__ import annotations

import json
import mimetypes
import os
from pathlib import Path
from typing import Any, Callable, Iterator

import typer

from vp2p.cli.completing import Completer, looking
from vp2p.workspace.config import NAME as CONFIG

_LEVELS, _MOST_FOLDERS = 3, 2000
# What tells a model, a network, a workspace and a run: nobody names a part of one.
_CLOSED = ("unet", "config.json", CONFIG, "manifest.json")
_SCALES = ("0.5", "0.8", "1")
_ARCHIVES, _PLANS = (".tar", ".tar.gz", ".tgz"), (".yaml", ".yml")
Wanted = Callable[[Path], bool]


def below(incomplete: str, wanted: Wanted) -> Iterator[str]:
    """The folders and files that are wanted, a few levels down from what is typed."""
    level = [incomplete[: incomplete.rfind("/") + 1]]
    for _ in range(_LEVELS):
        folders = []
        for start in level:
            for name, is_folder in _entries(start):
                path = Path(start).expanduser() / name
                if wanted(path):
                    yield start + name
                elif is_folder and not any((path / mark).exists() for mark in _CLOSED):
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


def _with_part(part: str) -> Wanted:
    return lambda path: (path / part).is_dir()


def is_weights(path: Path) -> bool:
    """Whether it is a file of weights."""
    return path.suffix == ".safetensors"


def _said(path: Path, key: str) -> Any:
    """What the config.json in a folder says of itself; None where there is none."""
    try:
        return json.loads((path / "config.json").read_text("utf-8")).get(key)
    except (OSError, ValueError, AttributeError):
        return None


def of_class(name: str) -> Wanted:
    """Folders of a network of one of diffusers' classes."""
    return lambda path: _said(path, "_class_name") == name


def pretrained(kind: str, *more: str) -> Completer:
    """Folders of a network that transformers loads, its usual hub id, and what else is understood.

    Args:
        kind: its name in :mod:`vp2p.models.pretrained`.
    """

    @looking
    def find(ctx: typer.Context, incomplete: str) -> Iterator[str]:
        from vp2p.models import pretrained

        known = getattr(pretrained, kind)
        yield from (*more, known.example)
        yield from below(incomplete, lambda path: _said(path, "model_type") == known.type)

    return find


def _is_lora(path: Path) -> bool:
    """Files of weights, and folders with some that are those of no other network."""
    return is_weights(path) or bool(any(path.glob("*.safetensors")) and not (path / "config.json").exists())


def _is_adapter(path: Path) -> bool:
    weights = "ip-adapter*.safetensors"
    return is_weights(path) or any([*path.glob(weights), *path.glob(f"*models/{weights}")])


@looking
def models(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The bundled model, the aliases, folders that hold a model, and safetensors files."""
    from vp2p.models.sources import ALIASES, BUNDLED

    yield from (BUNDLED, *ALIASES)
    yield from below(incomplete, lambda path: (path / "unet").is_dir() or is_weights(path))


@looking
def model_folders(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from below(incomplete, _with_part("unet"))


@looking
def loras(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """LoRAs, then a few scales."""
    yield from scaled(incomplete, below(incomplete, _is_lora))


@looking
def controls(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``kind=`` for each kind of structure; then folders that hold a network, then a few scales."""
    from vp2p.settings import KINDS

    kind, sign, rest = incomplete.partition("=")
    if sign:
        yield from (f"{kind}={one}" for one in scaled(rest, below(rest, of_class("ControlNetModel"))))
    else:
        yield from (f"{one}=" for one in KINDS)


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


@looking
def ip_adapters(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Folders that hold an IP-Adapter, as the hub's or with its file, and safetensors files."""
    yield from below(incomplete, _is_adapter)


@looking
def vaes(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The usual hub id, folders that hold a VAE, and safetensors files."""
    from vp2p.models.vaes import EXAMPLE

    is_vae = of_class("AutoencoderKL")
    yield EXAMPLE
    yield from below(incomplete, lambda path: (path / "vae").is_dir() or is_vae(path) or is_weights(path))


@looking
def variants(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Those of the model that the line names, else the usual ones."""
    folder = Path(str(ctx.params.get("model"))).expanduser()
    marks = [part for file in (folder / "unet").glob("*.safetensors") for part in file.name.split(".")[1:-1]]
    yield from sorted(set(marks)) if folder.is_dir() else ("fp16", "bf16", "ema")


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


clip_models = pretrained("CLIP")
