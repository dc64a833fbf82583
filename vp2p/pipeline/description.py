"""What a model is, and what it needs here."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Mapping

import torch

from vp2p.models.at_hand import size_of
from vp2p.models.devices import choose_device, choose_dtype, quickest_dtype
from vp2p.models.folder import ModelFolder
from vp2p.models.kinds import family
from vp2p.models.offload import resting_place
from vp2p.models.whole import check_whole
from vp2p.pipeline.memory import Shapes, Work
from vp2p.settings import ClipSettings

_LICENCE = re.compile(r"(licen[cs]e|copying)\b.*", re.IGNORECASE)


@dataclass(frozen=True)
class Memory:
    """Bytes at the peak of tuning and of editing, the model's own included; and as few as ``--memory low`` needs."""

    tune: int
    edit: int
    tune_low: int
    edit_low: int


@dataclass(frozen=True)
class Description:
    """A whole model.

    ``size`` is (width, height) in pixels; ``parameters`` counts by part; ``bytes`` is that of the weight files;
    ``licence`` the file beside the model, or the name in its README; ``memory`` what a clip of ``frames`` frames of
    that size needs on ``device`` in ``dtype``, a new workspace's, where there are ``available`` bytes.
    """

    kind: str
    prediction: str
    size: tuple[int, int]
    tokens: int
    parameters: Mapping[str, int]
    bytes: int
    licence: str | None
    memory: Memory
    frames: int
    device: str
    dtype: str
    available: int
    notes: tuple[str, ...]


def describe(model: ModelFolder) -> Description:
    """Checks that a model is whole, and tells what it is and needs.

    Raises:
        ModelError: it is not whole.
    """
    parameters = check_whole(model)
    device = choose_device("auto")
    dtype = choose_dtype(quickest_dtype(device), device)
    native, frames = model.native_size, int(ClipSettings().frames)
    size = (native, native) if isinstance(native, int) else native
    return Description(
        kind=family(model.unet, model.scheduler),
        prediction=str(model.scheduler.get("prediction_type", "epsilon")),
        size=size,
        tokens=model.text_positions,
        parameters=parameters,
        bytes=size_of(model),
        licence=_licence(model.path),
        memory=_memory(Shapes(model, dtype, _texts(parameters)), Work("tuning", frames, size), device),
        frames=frames,
        device=device.type,
        dtype=str(dtype).removeprefix("torch."),
        available=_available(device),
        notes=model.notes,
    )


def _texts(parameters: Mapping[str, int]) -> int:
    return sum(count for part, count in parameters.items() if part.startswith("text_encoder"))


def _memory(shapes: Shapes, tuning: Work, device: torch.device) -> Memory:
    editing = replace(tuning, stage="editing")
    plain = [shapes.needed(work) for work in (tuning, editing)]
    low = [shapes.needed(replace(work, low=True), resting_place(device) != device) for work in (tuning, editing)]
    return Memory(*plain, *low)


def _licence(path: Path) -> str | None:
    """The name of the licence's file beside a model, or of the licence in its README's head."""
    folder = path if path.is_dir() else path.parent
    found = sorted(file.name for file in folder.iterdir() if file.is_file() and _LICENCE.fullmatch(file.name))
    if found:
        return found[0]
    with suppress(OSError, UnicodeDecodeError):
        told = re.search(r"^license: *(\S+)", (folder / "README.md").read_text("utf-8")[:4000], re.MULTILINE)
        return told[1] if told and path.is_dir() else None
    return None


def _available(device: torch.device) -> int:
    """Bytes of memory that the device has in all; 0 where that is not known."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
