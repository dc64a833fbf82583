"""The judge of moving scenes: which object, colour, texture and place does each frame show, its pose being known?

The glyph's square is taken out of the frame at the known pose, at its mirror image and at poses a
little around them; the look that explains most of what the ground does not is the answer. Words say that
an object is striped, and not where its stripes are. So each texture is also tried moved.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product
from typing import Iterator, Sequence

import numpy as np
from PIL import Image

from vp2p.sprites.drawing import Pose, sprite, take_sprite
from vp2p.sprites.judge import Judge, Verdict, looks, shrink

_PLACE_SIDE = 32  # pixels at which the ground is looked at
_SIDE = 32  # of the glyph's square: enough to tell looks apart, too little for the VAE's blur to matter
# Words say neither where an object lies to the pixel nor how large it is, so looks are tried beside it and larger.
_SHIFTS = (-0.07, -0.035, 0.0, 0.035, 0.07)
_SIZES = (0.84, 0.92, 1.0, 1.09, 1.19)
# By how many pixels (rows, columns) of the glyph's square, quarters of their periods.
_MOVED = {
    "striped": ((0, 0), (0, 6), (0, 12), (0, 18)),
    "spotted": tuple(product((0, 13), (0, 13))),
    "checkered": tuple(product((0, 9), (0, 9, 18, 27))),
}


def _around(pose: Pose) -> Iterator[Pose]:
    for flip, x, y, size in product((False, True), _SHIFTS, _SHIFTS, _SIZES):
        mirrored = replace(pose, flip=not pose.flip, tilt=-pose.tilt) if flip else pose
        yield replace(mirrored, x=pose.x + x, y=pose.y + y, size=pose.size * size)


class PoseJudge(Judge):
    """Judges frames whose poses are known; building the first one renders every look."""

    def __init__(self, ground_seeds: int = 24) -> None:
        super().__init__(ground_seeds)
        self._looks, self._templates_flat = _templates()

    def judge_at(self, pictures: np.ndarray, poses: Sequence[Pose]) -> list[Verdict]:
        """Verdicts on pictures, uint8 (n, side, side, 3), with one pose for each."""
        return [self._at(picture, pose) for picture, pose in zip(pictures, poses, strict=True)]

    def _at(self, picture: np.ndarray, pose: Pose) -> Verdict:
        place = self._place(shrink(picture, _PLACE_SIDE))
        small = (shrink(picture, _SIDE) * 255 + 0.5).astype(np.uint8)
        fields = []
        for near in _around(pose):
            colours, seen = take_sprite(small, near, _SIDE)
            ground = self._unexplained(colours, place) - (colours**2).sum(-1)
            field = np.dstack([2 * colours, ground, -np.ones_like(ground)]) * seen[..., None]
            fields.append(field.ravel() * near.size**2)  # a look counts by what it covers of the frame
        gains = self._templates_flat @ np.stack(fields, 1)  # (looks, poses)
        return Verdict(*self._looks[int(gains.max(1).argmax())], place)


@cache
def _templates() -> tuple[list[tuple[str, str | None, str | None]], np.ndarray]:
    """Every look, moved in each way that its texture is tried in, and the template of each, one a row."""
    moved = [(look, shift) for look in looks() for shift in _MOVED.get(look[2] or "", ((0, 0),))]
    return [look for look, _ in moved], np.stack([_template(sprite(*look, shift)) for look, shift in moved])


def _template(look: Image.Image) -> np.ndarray:
    """What a field of a picture is multiplied with to give the squared error that the look takes away."""
    rgba = np.asarray(look.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32) / 255
    mask, colours = rgba[..., 3], rgba[..., :3]
    return np.dstack([colours * mask[..., None], mask, mask * (colours**2).sum(-1)]).ravel()
