"""Models, and the networks beside them, each where its own kind is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import typer

from vp2p.cli.completing import Completer, looking
from vp2p.cli.completion.paths import Wanted, below, scaled

_WEIGHTS = ".safetensors"


def _with_part(part: str) -> Wanted:
    return lambda path: (path / part).is_dir()


def _said(path: Path, key: str) -> Any:
    """What the config.json in a folder says of itself; None where there is none."""
    try:
        return json.loads((path / "config.json").read_text("utf-8")).get(key)
    except (OSError, ValueError, AttributeError):
        return None


def _of_class(name: str) -> Wanted:
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
    """Folders with one file of weights, which is that of no other network."""
    return len(list(path.glob(f"*{_WEIGHTS}"))) == 1 and not (path / "config.json").exists()


def _is_adapter(path: Path) -> bool:
    weights = f"ip-adapter*{_WEIGHTS}"
    return any([*path.glob(weights), *path.glob(f"*models/{weights}")])


@looking
def models(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The bundled model, the aliases, folders that hold a model, and safetensors files."""
    from vp2p.models.sources import ALIASES, BUNDLED

    yield from (BUNDLED, *ALIASES)
    yield from below(incomplete, _with_part("unet"), _WEIGHTS)


@looking
def model_folders(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from below(incomplete, _with_part("unet"))


@looking
def loras(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """LoRAs, then a few scales."""
    yield from scaled(incomplete, below(incomplete, _is_lora, _WEIGHTS))


@looking
def controls(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``kind=`` for each kind of structure; then folders that hold a network, then a few scales."""
    from vp2p.settings import KINDS

    kind, sign, rest = incomplete.partition("=")
    if sign:
        yield from (f"{kind}={one}" for one in scaled(rest, below(rest, _of_class("ControlNetModel"))))
    else:
        yield from (f"{one}=" for one in KINDS)


@looking
def ip_adapters(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Folders that hold an IP-Adapter, as the hub's or with its file, and safetensors files."""
    yield from below(incomplete, _is_adapter, _WEIGHTS)


@looking
def vaes(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The usual hub id, folders that hold a VAE, and safetensors files."""
    from vp2p.models.vaes import EXAMPLE

    is_vae = _of_class("AutoencoderKL")
    yield EXAMPLE
    yield from below(incomplete, lambda path: (path / "vae").is_dir() or is_vae(path), _WEIGHTS)


@looking
def variants(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Those of the model that the line names, else the usual ones."""
    folder = Path(str(ctx.params.get("model"))).expanduser()
    marks = [part for file in (folder / "unet").glob(f"*{_WEIGHTS}") for part in file.name.split(".")[1:-1]]
    yield from sorted(set(marks)) if folder.is_dir() else ("fp16", "bf16", "ema")


clip_models = pretrained("CLIP")
