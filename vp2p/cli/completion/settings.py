"""The values of each setting, for its option, its key in ``vp2p config``, and its axis of a grid."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

import typer

from vp2p.cli.completing import Completer, looking
from vp2p.cli.completion import networks, paths, words
from vp2p.cli.completion.values import fixed, numbers
from vp2p.cli.completion.workspace import runs
from vp2p.limits import Limits
from vp2p.schema import Option, options
from vp2p.settings import NO_MODEL, SECTIONS, SIGNS, EditSettings


@looking
def _masks(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Masks of vp2p mask, then files."""
    for one in (runs("mask"), paths.clips):
        try:
            yield from one.__wrapped__(ctx, incomplete)  # type: ignore[attr-defined]
        except Exception:  # no workspace here
            continue


# By name, which means the same in every class; numbers and fixed words complete by their types.
_COMPLETERS: Mapping[str, Completer] = {
    "swap": words.swaps,
    "prompt": words.sentences,
    "negative_prompt": words.old_words,
    "reweight": words.weights,
    "window": words.windows,
    "blend": words.blend_words,
    "guidance_interval": fixed("0:1", "0:0.8", "0.2:1", "0.2:0.8"),
    "mask": _masks,
    "mask_text": words.prompt_words,
    "mask_point": words.points,
    "segmenter": networks.pretrained("SEGMENTER", NO_MODEL),
    "detector": networks.pretrained("DETECTOR"),
    "reference": paths.references,
    "size": fixed("keep", "256", "512", "768", "512x320"),
    "control_video": paths.control_videos,
    "model": networks.models,
    "model_config": networks.model_folders,
    "variant": networks.variants,
    "vae": networks.vaes,
    "lora": networks.loras,
    "control": networks.controls,
    "ip_adapter": networks.ip_adapters,
}


def completer_of(one: Option) -> Completer | None:
    """What completes the value of a setting; None for a text of which nothing is known."""
    if one.name in _COMPLETERS:
        return _COMPLETERS[one.name]
    if int in one.kinds or float in one.kinds:
        return numbers(one.limits or Limits(), one.default, float not in one.kinds)
    if bool in one.kinds:
        return fixed("true", "false")
    return fixed(*one.choices) if one.choices else None


def _values(ctx: typer.Context, one: Option, incomplete: str) -> Iterator[str]:
    complete: Any = completer_of(one)
    return iter(() if complete is None else complete.__wrapped__(ctx, incomplete))


@looking
def setting_keys(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    from vp2p.config.change import KEYS

    yield from KEYS


@looking
def setting_values(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """What the setting that the line names may be."""
    section, _, name = str(ctx.params.get("key")).replace("-", "_").partition(".")
    (one,) = (one for one in options(SECTIONS[section]) if one.name == name)
    yield from _values(ctx, one, incomplete)


@looking
def grid_axes(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``setting=`` for each setting of an edit; then its values, after a comma too."""
    name, sign, typed = incomplete.partition("=")
    known = {one.name: one for one in options(EditSettings)}
    if not sign:
        yield from (f"{one}=" for one in known)
        return
    before, comma, last = typed.rpartition(",")
    # A word is named once, before the first of its values.
    word = before.partition(SIGNS[name])[0] + SIGNS[name] if comma and name in SIGNS else ""
    found = (value.removeprefix(word) for value in _values(ctx, known[name], word + last))
    given = before.removeprefix(word).split(",")
    yield from (f"{name}={before}{comma}{value}" for value in found if value not in given)
