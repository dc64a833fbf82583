"""A mask that nobody drew: of words or points, found in one frame and followed through the clip.

SAM 2 and Grounding DINO find it where they are at hand. Else a point is grown by the clip's colours, and words are
outlined by the edit model's own attention; both are then brought to the pixel as the outlines of edits are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vp2p.compositing.grown import Mark, grown
from vp2p.compositing.pixels import planes, spread
from vp2p.compositing.shapes import dilated
from vp2p.compositing.track import track_object
from vp2p.errors import UsageError
from vp2p.method.attention.local_blend import outline
from vp2p.models.finders import Finders, missing
from vp2p.pipeline.attention import word_attention
from vp2p.pipeline.described import Described
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.mask_words import check_words
from vp2p.points import Point
from vp2p.progress import Progress, silent
from vp2p.prompts.words import split_prompt
from vp2p.settings import NO_MODEL, AttentionSettings, MaskSettings
from vp2p.text import quoted
from vp2p.video.clip import Clip
from vp2p.video.fitting import Size, fit_matrix
from vp2p.video.heat import tint_overlay
from vp2p.video.sheet import contact_sheet

_LOOKED_AT = 5  # frames in which words are looked for; the surest is followed from
_SHOWN = 80  # characters of words in a message


@dataclass(frozen=True)
class Mask:
    """Where something is in a clip: ``pixels`` bool (F, H, W). It can be given to an edit as its mask.

    ``way`` says in words how it was found, ``notes`` what a user should know of it.
    """

    clip: Clip
    pixels: np.ndarray
    way: str
    notes: tuple[str, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.pixels, dtype=dtype)

    @property
    def share(self) -> float:
        """How much of the clip it covers, 0…1."""
        return float(self.pixels.mean())

    @property
    def unseen(self) -> list[int]:
        """The frames in which there is nothing of it, counted from 0."""
        return [frame for frame, pixels in enumerate(self.pixels) if not pixels.any()]

    def save_sheet(self, path: Path | str, label: str = "the mask") -> None:
        """Writes a PNG: the clip, and the clip with the mask as a tint."""
        shown = tint_overlay(self.clip.pixels, self.pixels.astype(np.float32))
        contact_sheet([("the clip", self.clip.pixels), (label, shown)], Path(path))


class Wanted(NamedTuple):
    """A mask that is wanted: its settings, its points as pixels of the clip, and the networks that find it."""

    settings: MaskSettings
    marks: tuple[Mark, ...]
    finders: Finders


def find_mask(
    model: Callable[[], InflatedModel], described: Described, wanted: Wanted, on_step: Progress = silent
) -> Mask:
    """Finds a mask.

    Args:
        model: gives the model that edits; it is called only where its attention is looked at.
        described: the clip at its final size, and its prompt.

    Raises:
        UsageError: nothing is found.
        PromptError: without networks, words that are not in the prompt.
        ModelError: a network cannot be loaded.
    """
    settings, clip = wanted.settings, described.clip
    notes: tuple[str, ...] = ()
    if wanted.finders.segmenter is not None:
        pixels, way = _by_networks(clip.pixels, wanted, on_step), "SAM 2"
    elif settings.text is None:
        coarse = grown(planes(clip.pixels), wanted.marks)
        pixels, way = _outlined(clip, coarse.float()), "the clip's colours"
        notes = _without_networks(settings, "the mask is grown from the point by the clip's colours")
    else:
        coarse = _attended(model(), described, settings, on_step)
        pixels, way = _outlined(clip, coarse), "the edit model's attention"
        notes = _without_networks(settings, "the mask is where the edit model itself sees the words")
    if settings.grow:
        margin = round(settings.grow / 100 * max(pixels.shape[1:]))
        pixels = dilated(torch.from_numpy(pixels), margin).numpy()
    found = Mask(clip, pixels, way, notes)
    if not pixels.any():
        raise UsageError(
            f"Nothing in the clip fits {_named(settings)}.",
            "try a lower --mask-threshold, or other words" if settings.text else "try another point, or several",
        )
    return found


def marks_of(points: Sequence[Point], clip: Clip, video: Size) -> tuple[Mark, ...]:
    """Points as pixels of a clip that was fitted from frames of the size ``video``, (width, height).

    Raises:
        UsageError: one lies outside, or in no frame of the clip.
    """
    return tuple(_mark(point, clip, video) for point in points)


def _mark(point: Point, clip: Clip, video: Size) -> Mark:
    count, height, width = clip.pixels.shape[:3]
    if point.frame >= count:
        raise UsageError(
            f"--mask-point {point} is in frame {point.frame + 1}, but the clip has {count}.",
            f"give a frame from 1 to {count}",
        )
    if point.percent:
        x, y = (
            min(max(share * side / 100 - 0.5, 0), side - 1) for share, side in ((point.x, width), (point.y, height))
        )
        return Mark(point.frame, x, y, point.inside)
    if point.x > video[0] - 1 or point.y > video[1] - 1:
        raise UsageError(
            f"--mask-point {point} is outside the video, which is {video[0]}x{video[1]}.",
            f"give x up to {video[0] - 1} and y up to {video[1] - 1}, or percents: 50%,50%",
        )
    x, y = fit_matrix(video, (width, height), clip.fit) @ (point.x, point.y, 1)
    if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        raise UsageError(
            f"--mask-point {point} is in a part of the video that the edit does not see.",
            "give a point nearer to the middle, or percents of the edited picture: 50%,50%",
        )
    return Mark(point.frame, min(max(x, 0), width - 1), min(max(y, 0), height - 1), point.inside)


def _by_networks(frames: np.ndarray, wanted: Wanted, on_step: Progress) -> np.ndarray:
    from vp2p.models.segmenter import Marked, load_segmenter

    finders, settings = wanted.finders, wanted.settings
    assert finders.segmenter is not None
    marked: dict[int, Marked] = {}
    if settings.text is not None and finders.detector is not None:
        frame, box = _detected(frames, settings, finders.detector)
        marked[frame] = Marked.box(*box)
    for mark in wanted.marks:
        marked[mark.frame] = marked.get(mark.frame, Marked()).with_point(mark.x, mark.y, mark.inside)
    return load_segmenter(finders.segmenter).follow(frames, marked, on_step)


def _detected(
    frames: np.ndarray, settings: MaskSettings, folder: Path
) -> tuple[int, tuple[float, float, float, float]]:
    """The frame in which the detector is surest of the words, and the box there."""
    from vp2p.models.detector import load_detector

    detector, text = load_detector(folder), settings.text or ""
    looked_at = spread(len(frames), _LOOKED_AT) if len(frames) > 1 else [0]
    found = {frame: detector.best(frames[frame], text) for frame in looked_at}
    frame = max(found, key=lambda one: found[one].score)
    score, *box = found[frame]
    if score < settings.threshold:
        raise UsageError(
            f"Nothing in the clip fits {_named(settings)}: the best match is {score:.2f} sure, "
            f"and {settings.threshold:g} is asked for.",
            f"--mask-threshold {int(score * 100) / 100:g}, or other words",
        )
    left, top, right, bottom = box
    return frame, (left, top, right, bottom)


def _attended(model: InflatedModel, described: Described, settings: MaskSettings, on_step: Progress) -> Tensor:
    """Where the edit model attends to the words, (F, H, W), 1 inside: each word's own peak is its measure."""
    words = check_words(split_prompt(model.latent.tokenizer, described.prompt), settings)
    seen = word_attention(model, described, AttentionSettings(words), on_step)
    height, width = described.clip.pixels.shape[1:3]
    maps = {size: one.cpu().flatten(-2) for size, one in seen.maps.items()}
    cells = outline(maps, seen.size, settings.threshold).float()
    return interpolate(cells[:, None], size=(height, width))[:, 0]


def _outlined(clip: Clip, coarse: Tensor) -> np.ndarray:
    """A coarse mask (F, H, W) brought to the pixel, without what stands in front."""
    with torch.no_grad():
        frames = planes(clip.pixels)
        pixels: np.ndarray = track_object(frames, frames, coarse).objects.numpy()
    return pixels


def _without_networks(settings: MaskSettings, way: str) -> tuple[str, ...]:
    if settings.segmenter == NO_MODEL:
        return (way,)
    return (f"no SAM 2 model is at hand, so {way}; for sharper masks: {missing(settings)}",)


def _named(settings: MaskSettings) -> str:
    return quoted(settings.text, _SHOWN) if settings.text else "--mask-point " + ", ".join(settings.points)
