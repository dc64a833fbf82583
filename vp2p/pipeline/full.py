"""An edit at its source's own size and rate: brought to every frame between the edited ones, and enlarged.

First the layers of an edit are found at the model's size, window by window, and stored. Then they are laid over the
source's frames one by one. Neither holds more of the clip in memory than one window.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Iterator, NamedTuple, Protocol, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vp2p.compositing.background import surrounds
from vp2p.compositing.between import EditLayers, between, edited_layers
from vp2p.compositing.enlarge import enlarged
from vp2p.compositing.pixels import planes
from vp2p.errors import UsageError
from vp2p.pipeline.layer_files import LayerFiles
from vp2p.progress import Progress, silent
from vp2p.settings import ClipSettings
from vp2p.video.fitting import Fit, fit_frames, fit_matrix
from vp2p.video.reading import SpanFrames, read_clip
from vp2p.video.writing import write_video

_SAME = 4.0  # of 255, on average: more than decoders and roundings of 10 bits differ, less than tone maps do
_MOST = 12  # frames between two that are known: motion is followed through so many at once


class Window(NamedTuple):
    """Places of frames to be made of the one ``before`` them and the one ``after``, if there is one."""

    before: int
    frames: tuple[int, ...]
    after: int | None

    @property
    def places(self) -> tuple[int, ...]:
        return (self.before, *self.frames, *(() if self.after is None else (self.after,)))


class LayerStore(Protocol):
    """Keeps the layers of frames by their place, outside of memory."""

    def save(self, place: int, layers: EditLayers) -> None: ...

    def load(self, place: int, clip: Tensor) -> EditLayers:
        """The layers over a frame ``clip`` (3, H, W)."""


class SampledEdit(NamedTuple):
    """An edit of the frames that were chosen: the clip and its edit, uint8 (F, H, W, 3), and its mask (F, h, w).

    ``fit`` says how the clip was brought to its size; ``keeps``, whether the object keeps its outline.
    """

    clip: np.ndarray
    edited: np.ndarray
    mask: np.ndarray | None
    fit: Fit
    keeps: bool


@dataclass(frozen=True)
class FullEdit:
    """The frames of an edit at its source's size and rate; :meth:`begin` and :meth:`bring` come first.

    ``size`` is the width and height at which the clip was edited.
    """

    span: SpanFrames
    size: tuple[int, int]
    fit: Fit
    store: LayerStore

    @property
    def windows(self) -> tuple[Window, ...]:
        """All windows in the order in which they are made."""
        return tuple(window for level in levels(self.span.sampled, len(self.span)) for window in level)

    def begin(self, edit: SampledEdit) -> None:
        """Finds and stores the layers of the frames that were edited.

        Raises:
            UsageError: see :func:`region_of`.
        """
        mask = region_of(edit)
        layers = edited_layers(planes(edit.clip), planes(edit.edited), mask, edit.keeps)
        for place, one in zip(self.span.sampled, layers, strict=True):
            self.store.save(place, one)

    def bring(self, done: int = 0) -> Iterator[int]:
        """Makes the windows one by one, from ``done`` on; yields how many are made."""
        number = 0
        for level in levels(self.span.sampled, len(self.span)):
            left = level[max(0, done - number) :]
            number += len(level) - len(left)
            for window, frames in self._read(left):
                before = self.store.load(window.before, frames[0])
                after = None if window.after is None else self.store.load(window.after, frames[-1])
                inner = frames[1 : 1 + len(window.frames)]
                for place, layers in zip(window.frames, between(inner, before, after), strict=True):
                    self.store.save(place, layers)
                number += 1
                yield number

    def __len__(self) -> int:
        return len(self.span)

    def __iter__(self) -> Iterator[np.ndarray]:
        """The edited frames, uint8 RGB (H', W', 3): outside of the region that was edited, the source's own pixels."""
        matrix = fit_matrix(self.span.size, self.size, self.fit)
        for place, picture in enumerate(self.span.each(range(len(self.span)))):
            yield enlarged(self.store.load(place, self._fitted(picture)), picture, matrix)

    def _read(self, windows: Sequence[Window]) -> Iterator[tuple[Window, Tensor]]:
        """Windows of rising places with their frames (n, 3, H, W), which are read one after the other."""
        if not windows:
            return
        places = sorted({place for window in windows for place in window.places})
        pictures = zip(places, self.span.each(places))
        held: dict[int, Tensor] = {}
        for window in windows:
            held = {place: one for place, one in held.items() if place >= window.before}
            while window.places[-1] not in held:
                place, picture = next(pictures)
                held[place] = self._fitted(picture)
            yield window, torch.stack([held[place] for place in window.places])

    def _fitted(self, picture: np.ndarray) -> Tensor:
        return planes(fit_frames(picture[None], self.size, self.fit))[0]


def save_full(
    path: Path, edit: SampledEdit, source: tuple[Path, ClipSettings], on_step: Progress = silent
) -> tuple[str, ...]:
    """Writes an edit at its source's own size and rate, as an MP4 with its sound; returns notes.

    Args:
        source: the video, and how the edit's frames were chosen from it.

    Raises:
        UsageError: the video gives other frames; see also :func:`region_of`.
        VideoError: it cannot be read, or ``path`` cannot be written.
    """
    region_of(edit)
    video, settings = source
    height, width = edit.clip.shape[1:3]
    sampled = read_clip(video, settings).frames
    if not np.array_equal(fit_frames(sampled, (width, height), edit.fit), edit.clip):
        raise UsageError(
            f"{video} gives other frames than those that were edited.", "give the options that the clip was read with"
        )
    with TemporaryDirectory() as folder:
        made = FullEdit(
            SpanFrames(video, settings), (width, height), edit.fit, LayerFiles(Path(folder), edit.keeps, "")
        )
        made.begin(edit)
        total = len(made.windows)
        for done in made.bring():
            on_step("full", done, total)
        written = write_video(path, made, made.span.timing, video if video.is_file() else None, "mp4")
        return made.span.notes + written


def same_colours(span: SpanFrames, edit: SampledEdit) -> bool:
    """Whether the first frame that was edited still reads as it did: older versions mapped HDR otherwise."""
    height, width = edit.clip.shape[1:3]
    (now,) = fit_frames(next(span.each(span.sampled[:1]))[None], (width, height), edit.fit)
    return bool(np.abs(now.astype(int) - edit.clip[0]).mean() < _SAME)


def region_of(edit: SampledEdit, called: str = "this edit") -> Tensor:
    """Where an edit could act, (F, H, W) in 0…1.

    Args:
        called: what a message calls it.

    Raises:
        UsageError: it changes the whole picture, or its mask is as wide as that of the ground.
    """
    instead = "vp2p edit --swap OLD=NEW --full, with words for an object"
    if edit.mask is None:
        raise UsageError(
            f"Only an object can be laid over the source, but {called} changes the whole picture.", instead
        )
    mask = torch.from_numpy(edit.mask).float()
    region = interpolate(mask[:, None], size=edit.clip.shape[1:3])[:, 0]
    if surrounds(region):
        raise UsageError(
            f"Only an object can be laid over the source, but the mask of {called} holds most of the picture's border.",
            instead,
        )
    return region


def levels(sampled: Sequence[int], count: int, most: int = _MOST) -> Iterator[list[Window]]:
    """Windows by which all of ``count`` frames are made of the ``sampled`` ones.

    A wide gap is first filled by some frames spread over it, and then between those.
    """
    known = sorted(set(sampled))
    while True:
        found = []
        for before, after in zip(known, (*known[1:], None)):
            inner = range(before + 1, count if after is None else after)
            if len(inner) > most:
                step = -(-len(inner) // most)
                inner = inner[step - 1 :: step]
            if len(inner):
                found.append(Window(before, tuple(inner), after))
        if not found:
            return
        yield found
        known = sorted({*known, *(place for window in found for place in window.frames)})
