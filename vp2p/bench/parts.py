"""The parts of compositing that a bench can leave out one by one, so that what each contributes can be measured.

No setting leaves them out: they are replaced for as long as the bench runs.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Sequence
from unittest.mock import patch

import torch

from vp2p.compositing import between, propagate, track
from vp2p.compositing.motion import dense


class _Replaced(NamedTuple):
    """A function or method, and what stands in for it."""

    owner: Any
    name: str
    by: Callable[..., Any]


class Part(NamedTuple):
    """What a part does, and what is replaced where it is left out."""

    meaning: str
    replaced: tuple[_Replaced, ...]


def _nothing(objects: torch.Tensor, *_: Any) -> torch.Tensor:
    return torch.zeros_like(objects)


PARTS: Mapping[str, Part] = {
    "field": Part(
        "the dense field; a similarity is left",
        (_Replaced(dense.DenseModel, "of_object", lambda _, *given: dense.SIMILARITY.of_object(*given)),),
    ),
    "spline": Part(
        "the smooth spline; the dense field is extended in its place",
        (_Replaced(dense.DenseMotion, "_smoothed", lambda *given: (given[-1], given[-1])),),
    ),
    "touching": Part(
        "taking off what touches the object",
        (_Replaced(track, "what_touches", _nothing), _Replaced(track, "what_is_strange", _nothing)),
    ),
    "front": Part(
        "what stands in front of the object",
        tuple(
            _Replaced(one, "in_front", lambda found, *_: torch.zeros_like(found.objects)) for one in (track, between)
        ),
    ),
    "light": Part(
        "the light of each frame",
        (_Replaced(propagate, "light", lambda picture, *_: torch.ones_like(picture[:1])),),
    ),
    "keys": Part(
        "further key frames; one is left",
        (_Replaced(track.ObjectTrack, "further_keys", lambda *_: []),),
    ),
    "detail": Part(
        "the clip's own lines, in what keeps its outline",
        tuple(_Replaced(one, "with_detail", lambda picture, *_: picture) for one in (propagate, between)),
    ),
}


@contextmanager
def without(names: Sequence[str]) -> Iterator[None]:
    """Leaves parts out, by their names in ``PARTS``, until it is closed."""
    with ExitStack() as stack:
        for name in names:
            for one in PARTS[name].replaced:
                stack.enter_context(patch.object(one.owner, one.name, one.by))
        yield
