"""The stiff half's 60 cases: a drawn clip, one edit of it, and the scene that a perfect edit would show."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import Iterator, Literal

from vp2p.settings import EditSettings
from vp2p.sprites.language import COLOURS, OBJECTS, PLACES, STYLES, TEXTURES
from vp2p.sprites.moving import MovingScene
from vp2p.sprites.scenes import Path, Scene

Kind = Literal["object", "colour", "texture", "reweight", "place", "style", "two"]
Split = Literal["train", "held-out"]
Half = Literal["stiff", "bending"]
FRAMES = 8
SIDE = 128
_FIRST_SEED = 7000
_PATHS: tuple[Path, ...] = ("slide", "bounce", "turn", "grow", "leave")
# Each object is the old one once and the new one once, among things of its sort.
SORTS = (OBJECTS[:16], OBJECTS[16:21], OBJECTS[21:])
# Objects of plain shape for the edits that are about something else.
_PLAIN = ("bird", "fish", "car", "tree", "penguin", "pig", "duck", "boat", "mushroom", "bus", "flower", "cat")


@dataclass(frozen=True)
class Case:
    """One edit.

    ``asked`` names the parts of the scene that the edit is to change. ``ideal`` is None where no
    picture can be drawn of what was asked: a word made stronger or weaker.
    """

    id: str
    kind: Kind
    scene: Scene
    edit: EditSettings
    asked: tuple[str, ...]
    ideal: Scene | None

    @property
    def split(self) -> Split:
        """Settings are chosen on ``train`` and reported on ``held-out``; the scene's seed decides."""
        return "held-out" if self.scene.seed % 2 else "train"

    @property
    def half(self) -> Half:
        """Whether its object is stiff, or bends."""
        return "bending" if isinstance(self.scene, MovingScene) else "stiff"

    @property
    def stronger(self) -> bool:
        """Of a re-weighting: whether the word's weight is above 1."""
        return float(self.edit.words.reweight[0].partition(":")[2]) > 1


def all_cases() -> tuple[Case, ...]:
    """The same 60 each time: 24 object swaps, 8 colours, 6 textures, 6 weights, 8 places, 4 styles, 4 pairs."""
    drawn = zip(range(_FIRST_SEED, _FIRST_SEED + 1000), cycle(_PATHS))
    return (
        *_numbered("object", _objects(drawn)),
        *_numbered("colour", (_refined(drawn, k, colour=COLOURS[k % len(COLOURS)]) for k in range(8))),
        *_numbered("texture", (_refined(drawn, k, texture=TEXTURES[k % len(TEXTURES)]) for k in range(6))),
        *_numbered("reweight", (_reweighted(drawn, k) for k in range(6))),
        *_numbered("place", (_placed(drawn, k) for k in range(8))),
        *_numbered("style", (_refined(drawn, k, style=tuple(STYLES)[k // 2]) for k in range(4))),
        *_numbered("two", _pairs(drawn)),
    )


_Drawn = Iterator[tuple[int, Path]]
_Parts = tuple[Scene, EditSettings, dict[str, str] | None]


def _numbered(kind: Kind, parts: Iterator[_Parts]) -> Iterator[Case]:
    for number, (scene, edit, changes) in enumerate(parts):
        ideal = None if changes is None else scene.replace(**changes)
        yield Case(f"{kind}-{number:02d}", kind, scene, edit, tuple(changes or ("colour",)), ideal)


def _scene(drawn: _Drawn, number: int, **words: str) -> Scene:
    seed, path = next(drawn)
    plain = Scene(_PLAIN[number % len(_PLAIN)], PLACES[number % len(PLACES)], path=path, seed=seed)
    return plain.replace(**words)


def _swap(old: str, new: str) -> EditSettings:
    return EditSettings.of(swap=(f"{old}={new}",))


def _objects(drawn: _Drawn) -> Iterator[_Parts]:
    pairs = [(old, sort[(k + 1) % len(sort)]) for sort in SORTS for k, old in enumerate(sort)]
    for number, (old, new) in enumerate(pairs):
        yield _scene(drawn, number, object=old), _swap(old, new), {"object": new}


def _refined(drawn: _Drawn, number: int, **added: str) -> _Parts:
    scene = _scene(drawn, number)
    return scene, EditSettings.of(prompt=scene.replace(**added).prompt), added


def _reweighted(drawn: _Drawn, number: int) -> _Parts:
    colour = COLOURS[number]
    weight = "3" if number < 3 else "0"
    return _scene(drawn, number, colour=colour), EditSettings.of(reweight=(f"{colour}:{weight}",)), None


def _placed(drawn: _Drawn, number: int) -> _Parts:
    scene = _scene(drawn, number)
    new = PLACES[(number + 3) % len(PLACES)]
    return scene, _swap(scene.place, new), {"place": new}


def _pairs(drawn: _Drawn) -> Iterator[_Parts]:
    changes = (
        {"object": "dog", "colour": "blue"},
        {"colour": "yellow", "place": "lava"},
        {"object": "turtle", "texture": "striped"},
        {"object": "tractor", "place": "wood"},
    )
    for number, (old, change) in enumerate(zip(("cat", "bird", "pig", "car"), changes)):
        scene = _scene(drawn, number, object=old)
        yield scene, EditSettings.of(prompt=scene.replace(**change).prompt), change
