"""What the table of unread options says: such an option is told of, and the edit is the same to the bit without it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import vp2p
from tests.cli.conftest import moving_square
from vp2p.pipeline.unread import as_option

PROMPT = "a cat is running on the grass"


@pytest.fixture(scope="module")
def inversion(sd2_folder: object) -> tuple[vp2p.VideoModel, vp2p.Inversion]:
    model = vp2p.load(str(sd2_folder))
    clip = replace(vp2p.Clip.of(moving_square(2, 64)[:, ::2, ::2].copy()), size="keep")
    return model, model.invert(clip, PROMPT, method="direct", steps=2)


SWAP: dict[str, Any] = {"swap": {"cat": "dog"}}
DOG = SWAP | {"candidates": 1}
POINT: dict[str, Any] = {"mask_point": (8, 15), "segmenter": "none"}


@pytest.mark.parametrize(
    ("edit", "unread", "why"),
    [
        (DOG, {"mask_grow": 2.0, "mask_threshold": 0.5, "segmenter": "x", "detector": "y"}, "without --mask-text"),
        (DOG | {"mask": "square"}, {"mask_grow": 2.0}, "without --mask-text"),
        (DOG | {"mask": "square"}, {"blend_threshold": 0.5, "blend_peak": "clip"}, "with --mask"),
        (DOG | POINT, {"mask_threshold": 0.5, "detector": "y"}, "with --mask-point"),
        (DOG | POINT, {"blend_threshold": 0.5, "blend_soft": True, "in_place": False}, "with --mask-point"),
        (DOG | {"mask_text": "cat", "segmenter": "none"}, {"detector": "y"}, "with --segmenter none"),
        (SWAP | {"no_blend": True}, {"render": 0.4, "modulate": 0.5, "self_blend": True}, "with --no-blend"),
        (SWAP | {"propagate": False, "paste": False}, {"render": 0.4}, "with --no-propagate and --no-paste"),
        (DOG | {"candidates": 0}, {"seed": 7}, "with --candidates 0"),
        (DOG | {"self_replace": 0.0}, {"self_target": "both", "self_blend": True}, "no self-attention is replaced"),
        (DOG, {"guide": "empty"}, "optimises no embeddings"),
        (DOG, {"reweight_text": False}, "without --reweight"),
        (DOG, {"per_phrase": False}, "cannot be divided"),
        ({"reweight": {"cat": 3}}, {"candidates": 2, "seed": 7, "in_place": False, "new_weight": 2.0}, "no word chang"),
        ({"prompt": "a cat on the grass"}, {"candidates": 2, "seed": 7, "new_weight": 2.0}, "only taken away"),
        ({"prompt": "a red cat is running on the grass", "candidates": 1}, {"in_place": False}, "no word takes"),
    ],
)
def test_an_option_that_nothing_reads_changes_nothing_and_is_told(
    inversion: tuple[vp2p.VideoModel, vp2p.Inversion], edit: dict[str, Any], unread: dict[str, Any], why: str
) -> None:
    model, inverted = inversion
    mask = np.zeros((2, 32, 32), bool)
    mask[:, 8:22, 2:18] = True
    options = {name: value for name, value in edit.items() if name != "mask"}
    given = {"mask": mask} if "mask" in edit else {}
    plain, idle = model.edit_all(inverted, [options, options | unread], **given)
    assert np.array_equal(plain.frames, idle.frames)
    told = [note for note in idle.notes if "has no effect" in note]
    assert len(told) == len(unread) and all(why in note for note in told)
    assert {note.partition(" has")[0] for note in told} == {as_option(*one) for one in unread.items()}
    assert not any("has no effect" in note for note in plain.notes)
