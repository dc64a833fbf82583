"""The bending half: 40 cases whose objects bend, under moving cameras, behind things, in shadows and blurs."""

from __future__ import annotations

import dataclasses
from itertools import count, islice
from typing import Iterator

from vp2p.bench.cases import SORTS, Case, Kind
from vp2p.settings import EditSettings
from vp2p.sprites.bending import BENDS
from vp2p.sprites.language import COLOURS, OBJECTS, TEXTURES
from vp2p.sprites.moving import CAMERAS, COVERS, PHOTOS, MovingScene
from vp2p.sprites.scenes import Path

_FIRST_SEED, _SEEDS = 9000, 100  # of the half, and how many each drawing has
_PATHS: tuple[Path, ...] = ("still", "slide", "bounce", "turn", "grow")
_PLACES = ("grass", "sand", "snow", "road", "water", "bricks", "wood", "lava")
_OTHERS = ("mushroom", "flower", "tree")
_EACH = 3  # every third such ground is a photograph's


def bending_cases(drawing: int = 0) -> tuple[Case, ...]:
    """The same 40 each time: 24 object swaps, 6 colours, 6 textures and 4 weights.

    Each bend, camera, cover and path is drawn in turn, with steps that share no factor, so that all meet.

    Args:
        drawing: 0 is the benchmark's half. Others have other seeds and other pairs of objects, to see whether a choice
            holds beyond it; where an object's turn would be itself, there is no swap.
    """
    scenes = islice(_scenes(drawing), 3 * drawing, None)
    pairs = [(old, sort[(place + 2 + drawing) % len(sort)]) for sort in SORTS for place, old in enumerate(sort)]
    swaps = [(old, new) for old, new in pairs if old != new]
    cases = (
        *(_swap(number, next(scenes), old, new) for number, (old, new) in enumerate(swaps)),
        *(_refined("colour", number, next(scenes), colour=COLOURS[number]) for number in range(6)),
        *(_refined("texture", number, next(scenes), texture=TEXTURES[number % len(TEXTURES)]) for number in range(6)),
        *(_weighted(number, next(scenes), COLOURS[number]) for number in range(4)),
    )
    name = f"bend{drawing or ''}-"
    return tuple(dataclasses.replace(case, id=case.id.replace("bend-", name)) for case in cases)


def _scenes(drawing: int) -> Iterator[MovingScene]:
    photos, first = 0, _FIRST_SEED + _SEEDS * drawing
    for number in count():
        turn = number // 5
        place = _PLACES[number % len(_PLACES)]
        photos += place in PHOTOS
        yield MovingScene(
            OBJECTS[number % len(OBJECTS)],
            place,
            path=_PATHS[(number + turn) % len(_PATHS)],
            seed=first + number,
            bend=BENDS[(number + number // len(BENDS)) % len(BENDS)],  # else each split would have half of them
            camera=CAMERAS[number % len(CAMERAS)],
            cover=COVERS[(number + 2 * turn) % len(COVERS)],
            photo=PHOTOS[place] if place in PHOTOS and photos % _EACH == 0 else None,
        )


def _swap(number: int, scene: MovingScene, old: str, new: str) -> Case:
    other = next(name for name in _OTHERS if name not in (old, new))
    scene = dataclasses.replace(scene, object=old, other=other)
    edit = EditSettings.of(swap=(f"{old}={new}",))
    return Case(f"bend-object-{number:02d}", "object", scene, edit, ("object",), scene.replace(object=new))


def _refined(kind: Kind, number: int, scene: MovingScene, **added: str) -> Case:
    ideal = scene.replace(**added)
    return Case(f"bend-{kind}-{number:02d}", kind, scene, EditSettings.of(prompt=ideal.prompt), tuple(added), ideal)


def _weighted(number: int, scene: MovingScene, colour: str) -> Case:
    edit = EditSettings.of(reweight=(f"{colour}:{'3' if number < 2 else '0'}",))
    return Case(f"bend-reweight-{number:02d}", "reweight", scene.replace(colour=colour), edit, ("colour",), None)
