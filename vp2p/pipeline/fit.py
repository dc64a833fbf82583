"""Whether a stage fits the memory that is free, and how: ``--memory``."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Iterator

import torch

from vp2p.errors import SlowWarning, Vp2pError, WindowsWarning
from vp2p.models.free_memory import Free, free_memory
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.memory import Work, plenty
from vp2p.pipeline.together import MOST
from vp2p.t2s.windows import windows_told
from vp2p.text import bytes_told

_SURE = 0.9  # of what is counted: a stage that needs more than there is by less than the rest may still fit

_ALL_THE_SAME = "; or try it all the same: --memory high"


def fit(model: InflatedModel, work: Work) -> None:
    """Has a model use as much memory as there is, as ``model.memory`` says; edits share a pass as far as that fits.

    Of a clip that passes in windows, one must fit.

    Warns:
        WindowsWarning: the clip passes in windows.
        SlowWarning: memory is saved where nobody asked for that.

    Raises:
        Vp2pError: the work does not fit however much is saved.
    """
    told = windows_told(work.frames, model.t2s.window_frames)
    if told:
        warnings.warn(f"{work.stage}: {told} (--window-frames)", WindowsWarning, stacklevel=3)
    work = replace(work, frames=min(work.frames, model.t2s.window_frames))
    low = replace(work, low=True, targets=1)
    plain = [replace(work, targets=targets) for targets in (MOST, 2, 1)] if work.stage == "editing" else [work]
    ways = {"auto": [*plain, low], "low": [low], "high": plain}[model.memory]
    free = _free(model) if model.memory != "high" else None
    chosen = ways[0] if free is None or _is_plenty(model, work, free) else _fitting(model, ways, free)
    if free and chosen.low and model.memory == "auto":
        there, wanted = free.now + model.bytes_held, model.memory_needed(plain[-1])
        told = f"{work.stage} would take {bytes_told(wanted)} of memory, and {bytes_told(there)} is there"
        warnings.warn(f"{told}: memory is saved, so it takes longer (--memory)", SlowWarning, stacklevel=3)
    model.save_memory(chosen.low, chosen.targets)


def _free(model: InflatedModel) -> Free | None:
    """What is free, of several ranks at that which has least: all must choose alike."""
    free, ranks = free_memory(model.device), model.t2s.ranks
    if free is None or ranks is None:
        return free
    return Free(*ranks.least([free.now, free.at_most], model.device))


def _is_plenty(model: InflatedModel, work: Work, free: Free) -> bool:
    """Whether so much is free that nothing need be counted, which takes its time, too."""
    held = model.bytes_held
    return free.now + held > plenty(model.latent.folder, model.latent.dtype, work, held)


def _fitting(model: InflatedModel, ways: list[Work], free: Free) -> Work:
    """The first way that fits, else the last one. Raises Vp2pError if not even that can."""
    held = model.bytes_held

    def fits(way: Work) -> bool:
        return model.memory_needed(way) <= free.now + held

    for way in ways:
        if fits(way):
            return way
    last, there = ways[-1], free.at_most + held
    if _SURE * model.memory_needed(last) > there:
        if model.latent.dtype == torch.float32 and model.memory_needed(last, torch.bfloat16) <= there:
            change = "model.dtype bf16"
        else:
            smaller = next(filter(fits, _smaller(last, model.latent.folder.size_multiple)), None)
            change = "" if smaller is None else _change(last, smaller)
        raise Vp2pError(
            f"{last.stage.capitalize()} with {last.frames} frames of {_size(last)} needs about "
            f"{bytes_told(model.memory_needed(last))} of memory, however much is saved, but only "
            f"{bytes_told(there)} is there.",
            f"vp2p config {change}, then vp2p tune{_ALL_THE_SAME}" if change else f"end other programs{_ALL_THE_SAME}",
        )
    return last


def _smaller(work: Work, multiple: int) -> Iterator[Work]:
    """The same with fewer frames, then of smaller pictures."""
    frames, (width, height) = work.frames // 2, work.size
    while frames > 1:
        yield replace(work, frames=frames)
        frames //= 2
    while min(width, height) >= 2 * multiple:
        width, height = (side // 2 // multiple * multiple for side in (width, height))
        yield replace(work, size=(width, height))


def _change(work: Work, smaller: Work) -> str:
    return f"clip.frames {smaller.frames}" if smaller.frames < work.frames else f"clip.size {_size(smaller)}"


def _size(work: Work) -> str:
    return "x".join(map(str, work.size))
