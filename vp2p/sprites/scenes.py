"""A scene: an object, a colour, a texture, a place, a style and a path, rendered to frames and masks."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vp2p.errors import PromptError
from vp2p.sprites.drawing import Pose, compose, sprite
from vp2p.sprites.grounds import ground
from vp2p.sprites.language import COLOURS, OBJECTS, PLACES, STYLES, TEXTURES, caption

Path = Literal["still", "slide", "bounce", "turn", "grow", "leave"]
PATHS: tuple[str, ...] = ("still", "slide", "bounce", "turn", "grow", "leave")


@dataclass(frozen=True)
class Scene:
    """One scene; everything that its words leave open (pose, ground detail) follows from ``seed``.

    Two scenes that differ in one word have the same pose, path and, but for ``place``, the same
    ground: ``scene.replace(object="dog")`` is the ideal edit of ``scene``. A ``pose`` takes the
    place of the one that the seed would give.

    Raises:
        PromptError: for a word that scenes do not have.
    """

    object: str
    place: str
    colour: str | None = None
    texture: str | None = None
    style: str | None = None
    path: Path = "still"
    seed: int = 0
    pose: Pose | None = None

    def __post_init__(self) -> None:
        for name, known in (
            ("object", OBJECTS), ("place", PLACES), ("colour", (None, *COLOURS)),
            ("texture", (None, *TEXTURES)), ("style", (None, *STYLES)), ("path", PATHS),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                words = ", ".join(word for word in known if word)
                raise PromptError(f"{getattr(self, name)!r} is no {name} of a scene.", f"use one of: {words}")

    @property
    def prompt(self) -> str:
        return caption(self.object, self.place, self.colour, self.texture, self.style)

    def replace(self, **changes: Any) -> Scene:
        """The same scene with some of its words changed."""
        return dataclasses.replace(self, **changes)

    def poses(self, frames: int = 1) -> list[Pose]:
        """The pose in each frame, along the path."""
        rng = np.random.default_rng([self.seed, 977])
        size = rng.uniform(0.68, 0.94)
        reach = 0.5 - size * 0.45
        x, y = 0.5 + rng.uniform(-reach, reach), 0.5 + rng.uniform(-reach, reach)
        tilt, flip = rng.uniform(-10, 10), bool(rng.random() < 0.5)
        if self.pose:
            x, y, size, tilt, flip = dataclasses.astuple(self.pose)
        poses = []
        for index in range(frames):
            t = index / max(frames - 1, 1)
            if self.path == "slide":
                poses.append(Pose(0.5 + (x - 0.5) * 0.4 + 0.24 * (t - 0.5) * (1 if flip else -1), y, size, tilt, flip))
            elif self.path == "bounce":
                lift = 0.16 * abs(math.sin(2 * math.pi * t))
                poses.append(Pose(x + 0.1 * (t - 0.5), 0.5 + (y - 0.5) * 0.5 + 0.06 - lift, size, tilt, flip))
            elif self.path == "turn":
                poses.append(Pose(x, y, size, tilt + 24 * math.sin(2 * math.pi * t), flip))
            elif self.path == "grow":
                poses.append(Pose(0.5 + (x - 0.5) * 0.7, 0.5 + (y - 0.5) * 0.7, size * (0.75 + 0.3 * t), tilt, flip))
            elif self.path == "leave":  # in the end about half of it is beyond the edge
                poses.append(Pose(0.5 + (0.45 * t - 0.05) * (1 if flip else -1), y, size, tilt, flip))
            else:
                poses.append(Pose(x, y, size, tilt, flip))
        return poses

    def _draw(self, frames: int, side: int) -> list[tuple[np.ndarray, np.ndarray]]:
        below = ground(self.place, self.seed, side)
        picture = sprite(self.object, self.colour, self.texture)
        return [compose(below, picture, pose, self.style) for pose in self.poses(frames)]

    def render(self, frames: int = 1, side: int = 128) -> npt.NDArray[np.uint8]:
        """The frames: uint8 (frames, side, side, 3)."""
        return np.stack([(frame * 255 + 0.5).astype(np.uint8) for frame, _ in self._draw(frames, side)])

    def masks(self, frames: int = 1, side: int = 128) -> np.ndarray:
        """Where the object is, its outline included: bool (frames, side, side)."""
        return np.stack([alpha > 0 for _, alpha in self._draw(frames, side)])


def sample_scene(rng: np.random.Generator) -> Scene:
    """A random scene of the training mix: half with a colour, a quarter textured, one in ten styled."""
    return Scene(
        object=str(rng.choice(OBJECTS)),
        place=str(rng.choice(PLACES)),
        colour=str(rng.choice(COLOURS)) if rng.random() < 0.5 else None,
        texture=str(rng.choice(TEXTURES)) if rng.random() < 0.22 else None,
        style=str(rng.choice(tuple(STYLES))) if rng.random() < 0.1 else None,
        seed=int(rng.integers(2**31)),
    )
