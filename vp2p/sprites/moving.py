"""A scene that moves as clips do: its object bends, the camera moves, things pass in front, shadows fall."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Sequence, get_args

import cv2
import numpy as np
from PIL import Image

from vp2p.errors import PromptError, UsageError
from vp2p.sprites.bending import BENDS, ROOM, Bend, bend_points, bent
from vp2p.sprites.drawing import Pose, place_sprite, sprite
from vp2p.sprites.grounds import ground
from vp2p.sprites.scenes import Scene

Camera = Literal["still", "pan", "zoom", "roll", "shake"]
Cover = Literal["none", "front", "shadow", "blur", "crossing"]
CAMERAS: tuple[Camera, ...] = get_args(Camera)
COVERS: tuple[Cover, ...] = get_args(Cover)

PHOTOS = {"grass": "grass", "bricks": "brick", "road": "gravel"}
"""Photographs of scikit-image, by the places that they are of."""

UPRIGHT = Pose(0.5, 0.5, 0.9)
"""Where :meth:`MovingScene.straightened` puts the object."""

_WIDER = 1.5  # a scene is drawn so much wider than the frame, for the camera to move over
_EXPOSURE = (-0.12, -0.04, 0.04, 0.12)  # of a frame's time: what motion blur averages


@dataclass(frozen=True)
class MovingScene(Scene):
    """A scene whose object bends by ``bend`` along its path.

    ``camera`` moves over it. ``cover`` is what else happens: a post passes in ``front``, a ``shadow`` falls on it, its
    motion is a ``blur``, or an ``other`` object is ``crossing`` behind. ``photo`` names a photograph of
    scikit-image's own whose texture the ground has; it is read when the scene is drawn.
    """

    bend: Bend = "nod"
    camera: Camera = "still"
    cover: Cover = "none"
    other: str = "mushroom"
    photo: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in (("bend", BENDS), ("camera", CAMERAS), ("cover", COVERS)):
            if getattr(self, name) not in known:
                raise PromptError(
                    f"{getattr(self, name)!r} is no {name} of a scene.", f"use one of: {', '.join(known)}"
                )

    def picture(self, frame: int, frames: int, side: int = 128) -> np.ndarray:
        """One frame of ``frames``: uint8 (side, side, 3)."""
        drawn: np.ndarray = (self._frame(frame, frames, side)[0] * 255 + 0.5).astype(np.uint8)
        return drawn

    def straightened(self, clip: np.ndarray) -> np.ndarray:
        """A clip, uint8 (F, S, S, 3), with the object unbent at :data:`UPRIGHT`; around it, all goes on smoothly."""
        return np.stack([self._straight(picture, frame, len(clip)) for frame, picture in enumerate(clip)])

    def hidden(self, frames: int, side: int = 128) -> np.ndarray:
        """Where something stands in front of the object: bool (F, S, S)."""
        return np.stack([self._post(frame, frames, side)[..., 3] > 0 for frame in range(frames)])

    def flow(self, key: int, frames: int, side: int = 128) -> np.ndarray:
        """The dense flow of the object's surface: float32 (F, S, S, 2) from pixels of ``key``, NaN where it is not."""
        grid = np.dstack(np.meshgrid(*(np.linspace(-1.0, 1.0, 4 * side),) * 2))
        here = self._surface(grid, key, frames, side)
        rows, columns = (np.rint(here[..., axis]).astype(int) for axis in (1, 0))
        seen = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
        seen[seen] &= self.masks(frames, side)[key][rows[seen], columns[seen]]
        points, here, rows, columns = grid[seen], here[seen], rows[seen], columns[seen]
        found = np.full((frames, side, side, 2), np.nan, np.float32)
        for frame in range(frames):
            found[frame, rows, columns] = self._surface(points, frame, frames, side) - here
        return found

    def _draw(self, frames: int, side: int) -> list[tuple[np.ndarray, np.ndarray]]:
        return [self._frame(frame, frames, side) for frame in range(frames)]

    def masks(self, frames: int = 1, side: int = 128) -> np.ndarray:
        """See :meth:`vp2p.sprites.scenes.Scene.masks`; nothing else is drawn for them."""
        return np.stack([self._seen(frame, frames, side)[1][..., 0] > 0 for frame in range(frames)])

    def _seen(self, frame: int, frames: int, side: int) -> tuple[np.ndarray, np.ndarray]:
        """The object alone, as a frame exposes it: (S, S, 3), premultiplied, and how much it covers, (S, S, 1)."""
        times = [frame + early for early in _EXPOSURE] if self.cover == "blur" else [float(frame)]
        layers = [self._object(time, frames, side) for time in times]
        colours = np.mean([layer[..., :3] * layer[..., 3:] for layer in layers], axis=0)
        return colours, np.mean([layer[..., 3:] for layer in layers], axis=0)

    def _frame(self, frame: int, frames: int, side: int) -> tuple[np.ndarray, np.ndarray]:
        covered, alpha = self._seen(frame, frames, side)
        picture = self._ground(frame, frames, side)
        if self.cover == "crossing":
            picture = _over(picture, self._other(frame, frames, side))
        if self.cover == "shadow":
            covered = covered * self._light(frame, frames, side)
            picture = picture * self._light(frame, frames, side)
        picture = covered + picture * (1 - alpha)
        return _over(picture, self._post(frame, frames, side)), alpha[..., 0]

    def _object(self, time: float, frames: int, side: int) -> np.ndarray:
        return self._placed(bent(self._sprite, self.bend, time / frames), self._pose(time, frames), time, frames, side)

    def _other(self, frame: int, frames: int, side: int) -> np.ndarray:
        """Another object, which crosses behind the first: float32 (S, S, 4)."""
        share = frame / max(frames - 1, 1)
        pose = Pose(0.1 + 0.8 * share, 0.72, 0.3)
        return self._placed(sprite(self.other), pose, float(frame), frames, side)

    def _post(self, frame: int, frames: int, side: int) -> np.ndarray:
        """A post that passes in front: float32 (S, S, 4), empty where there is none."""
        found = np.zeros((side, side, 4), np.float32)
        if self.cover == "front":
            left = round((-0.1 + 1.1 * frame / max(frames - 1, 1)) * side)
            found[:, max(0, left) : max(0, left + side // 10)] = (0.35, 0.27, 0.2, 1.0)
        return found

    def _light(self, frame: int, frames: int, side: int) -> np.ndarray:
        """How bright the scene is: a shadow with a soft edge moves over it, (S, S, 1)."""
        columns = np.arange(side) / side
        edge = 1.2 - 1.2 * frame / max(frames - 1, 1)
        light = 1 - 0.25 / (1 + np.exp(-(columns - edge) * 30))
        return np.repeat(light[None, :, None], side, axis=0)

    @property
    def _sprite(self) -> Image.Image:
        return sprite(self.object, self.colour, self.texture)

    def _pose(self, time: float, frames: int) -> Pose:
        poses = self.poses(frames)
        low = min(max(math.floor(time), 0), frames - 1)
        one, other = poses[low], poses[min(low + 1, frames - 1)]
        share = min(max(time - low, 0.0), 1.0)
        x, y, size, tilt = (
            a + (b - a) * share for a, b in zip(dataclasses.astuple(one)[:4], dataclasses.astuple(other)[:4])
        )
        return Pose(x, y, size / ROOM, tilt, one.flip)  # so that objects are as large as those that do not bend

    def _placed(self, picture: Image.Image, pose: Pose, time: float, frames: int, side: int) -> np.ndarray:
        large = round(side * _WIDER)
        middle = (large - side) / 2
        x, y = ((share * side + middle) / large for share in (pose.x, pose.y))
        drawn = place_sprite(picture, Pose(x, y, pose.size * side / large, pose.tilt, pose.flip), large)
        return _seen_by(self._from_large(time, frames, side), drawn, side)

    def _ground(self, frame: int, frames: int, side: int) -> np.ndarray:
        large = round(side * _WIDER)
        drawn = ground(self.place, self.seed, large)
        if self.photo is not None:  # its texture, in the place's own colour
            grey = cv2.resize(photograph(self.photo), (large, large), interpolation=cv2.INTER_AREA)
            drawn = (drawn.mean((0, 1)) * grey[..., None] / max(float(grey.mean()), 1e-3)).clip(0, 1)
        return _seen_by(self._from_large(float(frame), frames, side), drawn, side, cv2.BORDER_REFLECT)

    def _from_large(self, time: float, frames: int, side: int) -> np.ndarray:
        """(2, 3), from pixels of the scene, drawn larger than the frame on all sides, to those of the frame."""
        middle = (round(side * _WIDER) - side) / 2
        camera = self._camera(time, frames, side)
        return np.concatenate([camera[:, :2], camera[:, 2:] - middle * camera[:, :2].sum(1, keepdims=True)], axis=1)

    def _camera(self, time: float, frames: int, side: int) -> np.ndarray:
        """(2, 3), from pixels of the scene to those of the frame."""
        share = time / max(frames - 1, 1) - 0.5
        scale, turn, x, y = 1.0, 0.0, 0.0, 0.0
        if self.camera == "pan":
            x = -0.14 * share * side
        elif self.camera == "zoom":
            scale = 1 + 0.2 * share
        elif self.camera == "roll":
            turn = 0.2 * share
        elif self.camera == "shake":
            x, y = (0.02 * side * math.sin(time * speed + self.seed) for speed in (2.3, 3.7))
        cos, sin, middle = scale * math.cos(turn), scale * math.sin(turn), (side - 1) / 2
        linear = np.array([[cos, -sin], [sin, cos]])
        away = np.array([middle, middle]) - linear @ [middle, middle] + [x, y]
        return np.concatenate([linear, away[:, None]], axis=1)

    def _surface(self, points: np.ndarray, time: float, frames: int, side: int) -> np.ndarray:
        """Where points of the object's square, (..., 2) in -1…1, are at a time: (..., 2) in pixels."""
        pose = self._pose(time, frames)
        seen = bend_points(points, self.bend, time / frames) * ((-1.0 if pose.flip else 1.0), 1.0)
        angle, half = math.radians(pose.tilt), pose.size * side / 2
        linear = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * half
        placed = seen @ linear.T + (pose.x * side - 0.5, pose.y * side - 0.5)
        camera = self._camera(time, frames, side)
        found: np.ndarray = placed @ camera[:, :2].T + camera[:, 2]
        return found

    def _straight(self, picture: np.ndarray, frame: int, frames: int) -> np.ndarray:
        columns, rows = _upright_places(self, frame, frames, len(picture))
        found: np.ndarray = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return found


@lru_cache(maxsize=64)
def _upright_places(scene: MovingScene, frame: int, frames: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The columns and the rows, (S, S) each, of a frame where a point of the unbent object is seen."""
    pixels = np.dstack(np.meshgrid(np.arange(side), np.arange(side))).astype(np.float64)
    points = (pixels + 0.5 - side / 2) / (UPRIGHT.size * side / 2)
    places = scene._surface(points, frame, frames, side).astype(np.float32)
    return np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])


@lru_cache
def photograph(name: str) -> np.ndarray:
    """A photograph of scikit-image's own, float32 (S, S) in 0…1.

    Raises:
        UsageError: scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError:
        raise UsageError(
            f"The photograph {name!r} is of scikit-image, which is not installed.", "pip install scikit-image"
        ) from None
    picture: np.ndarray = getattr(data, name)()
    return picture.astype(np.float32) / 255


def _seen_by(camera: np.ndarray, picture: np.ndarray, side: int, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
    planes = picture
    if picture.shape[-1] == 4:
        planes = np.dstack([picture[..., :3] * picture[..., 3:], picture[..., 3]])
    seen: np.ndarray = cv2.warpAffine(np.ascontiguousarray(planes, np.float32), camera, (side, side), borderMode=border)
    if picture.shape[-1] == 4:
        seen = np.dstack([seen[..., :3] / np.maximum(seen[..., 3:], 1e-3), seen[..., 3]])
    return seen


def _over(picture: np.ndarray, layer: np.ndarray) -> np.ndarray:
    laid: np.ndarray = picture + (layer[..., :3] - picture) * layer[..., 3:]
    return laid


def straightened(scene: Scene, clip: np.ndarray) -> tuple[np.ndarray, Sequence[Pose]]:
    """A clip in which the scene's object does not bend, and the object's pose in each frame."""
    if isinstance(scene, MovingScene):
        return scene.straightened(clip), [UPRIGHT] * len(clip)
    return clip, scene.poses(len(clip))
