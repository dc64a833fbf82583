"""The judge of drawn pictures: which object, colour, texture and place does a picture show?

Each answer is the nearest rendered template. The place has the nearest colour histogram of the
picture's border. Objects, in every colour and texture and in a lattice of poses, are slid over the
picture; the best pose of each is then refined, and the one that explains most of what the ground
does not is the answer. The judge knows nothing of the prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Iterator

import numpy as np
import torch
from PIL import Image

from vp2p.sprites.drawing import Pose, place_sprite, sprite
from vp2p.sprites.grounds import ground
from vp2p.sprites.language import COLOURS, OBJECTS, PLACES, TEXTURES

_COARSE = 32  # poses are searched at this size ...
_PADDED = 48  # ... in a frame with room for sprites that leave the picture ...
_SHIFTS = tuple(range(-9, 10))  # ... but whose centre is near the picture's ...
_FINE = 64  # ... and refined at this one
_SIZES = (0.72, 0.81, 0.90)
_TILTS = (-6.0, 6.0)
_FINALISTS = 10
_GROUND_ERROR = 0.03  # what a pixel of ground costs at least, so that a good sprite of the ground's hue still wins
_BINS = 5
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)


@dataclass(frozen=True)
class Verdict:
    """What a picture shows; ``colour`` and ``texture`` are None for the natural look."""

    object: str
    colour: str | None
    texture: str | None
    place: str


def looks() -> Iterator[tuple[str, str | None, str | None]]:
    """Every object in every colour and texture."""
    return product(OBJECTS, (None, *COLOURS), (None, *TEXTURES))


def shrink(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture, uint8 (h, w, 3), at ``side``: float32 (side, side, 3) in 0..1."""
    shrunk = Image.fromarray(picture).resize((side, side), Image.Resampling.BOX)
    return np.asarray(shrunk, np.float32) / 255


def _histogram(colours: np.ndarray) -> np.ndarray:
    """Soft colour histogram of (n, 3) values in 0..1, summing to 1."""
    position = np.clip(colours, 0, 1) * (_BINS - 1)
    low = np.minimum(position.astype(int), _BINS - 2)
    above = position - low
    histogram = np.zeros((_BINS,) * 3)
    for corner in product((0, 1), repeat=3):
        weight = np.prod(np.where(corner, above, 1 - above), axis=1)
        np.add.at(histogram, tuple((low + corner).T), weight)
    return histogram.ravel() / len(colours)


def _gain(colours: np.ndarray, unexplained: np.ndarray, look: Image.Image, pose: Pose) -> float:
    """The squared error that a sprite takes away from the ground: the sum of m (unexplained - |I - T|^2)."""
    placed = place_sprite(look, pose, len(colours))
    return float((placed[..., 3] * (unexplained - ((colours - placed[..., :3]) ** 2).sum(-1))).sum())


def _refine(colours: np.ndarray, unexplained: np.ndarray, look: Image.Image, pose: Pose) -> float:
    """The gain after coordinate descent on the pose, with steps that shrink."""
    best = _gain(colours, unexplained, look, pose)
    for scale in (1.0, 0.5, 0.25):
        for name, step in (("x", 0.03), ("y", 0.03), ("size", 0.05), ("tilt", 5.0)):
            for sign in (-1, 1):
                moved = replace(pose, **{name: getattr(pose, name) + sign * scale * step})
                gain = _gain(colours, unexplained, look, moved)
                if gain > best:
                    best, pose = gain, moved
    return best


class Judge:
    """Judges batches of pictures; building one renders the templates of the grounds."""

    def __init__(self, ground_seeds: int = 24) -> None:
        self._grounds: list[tuple[str, np.ndarray]] = []
        self._palettes: dict[str, np.ndarray] = {}
        for place in PLACES:
            seeds = range(900_000, 900_000 + ground_seeds)
            pixels = [shrink((ground(place, seed) * 255).astype(np.uint8), _COARSE).reshape(-1, 3) for seed in seeds]
            self._grounds += [(place, _histogram(picture)) for picture in pixels]
            by_luma = np.concatenate(pixels)[np.argsort(np.concatenate(pixels) @ _LUMA)]
            self._palettes[place] = np.stack([part.mean(0) for part in np.array_split(by_luma, 6)])

    def _place(self, small: np.ndarray) -> str:
        edge = len(small) // 6
        border = np.ones(small.shape[:2], bool)
        border[edge:-edge, edge:-edge] = False
        seen = _histogram(small[border])
        # The overlap counts what both have, so a piece of sprite on the border does no harm.
        overlap = {place: 0.0 for place in PLACES}
        for place, histogram in self._grounds:
            overlap[place] = max(overlap[place], float(np.minimum(seen, histogram).sum()))
        return max(overlap, key=overlap.__getitem__)

    def _unexplained(self, colours: np.ndarray, place: str) -> np.ndarray:
        """The squared distance of each pixel from the colours of its ground: (side, side)."""
        distance = np.full(colours.shape[:2], 0.3, colours.dtype)
        for tone in self._palettes[place]:
            red, green, blue = np.moveaxis((colours - tone) ** 2, -1, 0)
            distance = np.minimum(distance, red + green + blue)
        unexplained: np.ndarray = distance + _GROUND_ERROR
        return unexplained

    def judge(self, pictures: np.ndarray) -> list[Verdict]:
        """Verdicts on pictures, uint8 (n, h, w, 3)."""
        small = [shrink(picture, _COARSE) for picture in pictures]
        places = [self._place(picture) for picture in small]
        fields = np.zeros((len(small), 5, _PADDED, _PADDED), np.float32)
        for index, (colours, place) in enumerate(zip(small, places)):
            fields[index, :3, :_COARSE, :_COARSE] = 2 * colours.transpose(2, 0, 1)
            fields[index, 3, :_COARSE, :_COARSE] = self._unexplained(colours, place) - (colours**2).sum(-1)
            fields[index, 4, :_COARSE, :_COARSE] = -1
        spectra = torch.fft.rfft2(torch.from_numpy(fields))
        # For each picture the candidates: (coarse gain, object, colour, texture, pose).
        found: list[list[tuple[float, str, str | None, str | None, Pose]]] = [[] for _ in small]
        for obj, colour, texture in looks():
            poses, templates = self._templates(obj, colour, texture)
            for index, spectrum in enumerate(spectra):
                gains = torch.fft.irfft2((spectrum * templates).sum(1), s=(_PADDED, _PADDED))
                gains = gains[:, _SHIFTS][:, :, _SHIFTS]
                which, row, column = np.unravel_index(int(gains.argmax()), gains.shape)
                pose = replace(poses[which], x=0.5 + _SHIFTS[column] / _COARSE, y=0.5 + _SHIFTS[row] / _COARSE)
                found[index].append((float(gains.max()), obj, colour, texture, pose))
        return [self._final(*case) for case in zip(pictures, places, found)]

    def _final(
        self, picture: np.ndarray, place: str, found: list[tuple[float, str, str | None, str | None, Pose]]
    ) -> Verdict:
        """The best of the candidates: (gain, object, colour, texture, pose)."""
        colours = shrink(picture, _FINE)
        unexplained = self._unexplained(colours, place)
        finalists = sorted(found, key=lambda candidate: -candidate[0])[:_FINALISTS]
        # Every object's own best look is heard as well, so that no look crowds out another object.
        best_of = {obj: max((c for c in found if c[1] == obj), key=lambda c: c[0]) for obj in {c[1] for c in found}}
        finalists += best_of.values()
        gains = {
            candidate[1:4]: _refine(colours, unexplained, sprite(*candidate[1:4]), candidate[4])
            for candidate in dict.fromkeys(finalists)
        }
        obj, colour, texture = max(gains, key=gains.__getitem__)
        return Verdict(obj, colour, texture, place)

    def _templates(self, obj: str, colour: str | None, texture: str | None) -> tuple[list[Pose], torch.Tensor]:
        """A look in every pose of the lattice, and the conjugated spectra, (poses, 5, padded, padded // 2 + 1).

        Correlated with the fields of a picture they give the gain of the sprite at each shift.
        """
        look = sprite(obj, colour, texture)
        poses = [Pose(0.5, 0.5, *pose) for pose in product(_SIZES, _TILTS, (False, True))]
        padded = np.zeros((len(poses), 5, _PADDED, _PADDED), np.float32)
        for index, pose in enumerate(poses):
            placed = place_sprite(look, pose, _COARSE)
            mask, colours = placed[..., 3], placed[..., :3]
            channels = np.dstack([colours * mask[..., None], mask, mask * (colours**2).sum(-1)])
            padded[index, :, :_COARSE, :_COARSE] = channels.transpose(2, 0, 1)
        return poses, torch.fft.rfft2(torch.from_numpy(padded)).conj()
