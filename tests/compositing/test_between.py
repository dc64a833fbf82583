"""An edit on the frames between edited ones, and at the clip's own size: drawn scenes, whose edits are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from vp2p.compositing.between import between, edited_layers
from vp2p.compositing.enlarge import enlarged
from vp2p.compositing.motion.affine import CUBIC, EVEN, sample
from vp2p.compositing.pixels import planes
from vp2p.compositing.shapes import dilated
from vp2p.sprites.moving import MovingScene
from vp2p.video.fitting import fit_frames, fit_matrix

FRAMES, SIDE, SMALL, KNOWN = 25, 256, 128, (8, 12)
CAT = MovingScene("cat", "grass", path="slide", seed=4, bend="nod", camera="pan")


def full_frames(scene: MovingScene, ideal: MovingScene, keeps: bool) -> dict[int, np.ndarray]:
    """The frames from the first known one to the last, uint8 (S, S, 3); the ideal edit of the known ones is given."""
    source = {at: scene.picture(at, FRAMES, SIDE) for at in range(KNOWN[0], KNOWN[1] + 1)}
    small = {at: fit_frames(one[None], (SMALL, SMALL), "crop")[0] for at, one in source.items()}
    edits = fit_frames(np.stack([ideal.picture(at, FRAMES, SIDE) for at in KNOWN]), (SMALL, SMALL), "crop")
    outlines = torch.from_numpy(scene.masks(FRAMES, SMALL) | ideal.masks(FRAMES, SMALL))[list(KNOWN)]
    known = edited_layers(
        planes(np.stack([small[at] for at in KNOWN])), planes(edits), dilated(outlines, 6).float(), keeps
    )
    inner = list(range(KNOWN[0] + 1, KNOWN[1]))
    found = between(planes(np.stack([small[at] for at in inner])), known[0], known[1])
    layers = dict(zip((KNOWN[0], *inner, KNOWN[1]), (known[0], *found, known[1]), strict=True))
    matrix = fit_matrix((SIDE, SIDE), (SMALL, SMALL), "crop")
    return {at: enlarged(one, source[at], matrix) for at, one in layers.items()}


def decibel(found: np.ndarray, ideal: np.ndarray, inside: np.ndarray) -> float:
    error = (found.astype(float) - ideal)[inside]
    return float(10 * np.log10(255**2 / (error**2).mean()))


@pytest.mark.parametrize(
    ("changes", "keeps", "least"),
    [({"object": "rabbit"}, False, 30.0), ({"colour": "red"}, True, 33.0), ({"texture": "striped"}, True, 28.0)],
)
def test_frames_between_and_at_full_size_are_near_the_ideal_edit(
    changes: dict[str, str], keeps: bool, least: float
) -> None:
    ideal = dataclasses.replace(CAT, **changes)
    found = full_frames(CAT, ideal, keeps)
    shapes, old = ideal.masks(FRAMES, SIDE), CAT.masks(FRAMES, SIDE)
    for at, frame in found.items():
        source = CAT.picture(at, FRAMES, SIDE)
        assert decibel(frame, ideal.picture(at, FRAMES, SIDE), shapes[at]) > least, at
        far = ~dilated(torch.from_numpy(shapes[at] | old[at])[None], SIDE // 12)[0].numpy()
        assert np.array_equal(frame[far], source[far]), at
        bared = old[at] & ~dilated(torch.from_numpy(shapes[at])[None], 4)[0].numpy()
        if not keeps:  # the old object is gone
            assert decibel(frame, ideal.picture(at, FRAMES, SIDE), bared) > 18, at


@pytest.mark.parametrize(
    ("changes", "keeps", "least"), [({"object": "horse"}, False, 24.0), ({"colour": "green"}, True, 34.0)]
)
def test_what_passes_in_front_stays_in_front(changes: dict[str, str], keeps: bool, least: float) -> None:
    scene, count = dataclasses.replace(CAT, camera="still", cover="front"), FRAMES + 4
    ideal, sampled = dataclasses.replace(scene, **changes), list(range(0, count, 4))
    frames, ideals = ([one.picture(at, count, SMALL) for at in range(count)] for one in (scene, ideal))
    wide = dilated(torch.from_numpy(ideal.masks(count, SMALL) | scene.masks(count, SMALL)), 4)
    posts = scene.hidden(count, SMALL) & wide.numpy()
    known = edited_layers(
        *(planes(np.stack([one[at] for at in sampled])) for one in (frames, ideals)), wide[sampled].float(), keeps
    )
    near = []
    for before in (3, 4):  # here the post hides most
        inner = range(sampled[before] + 1, sampled[before + 1])
        for at, layers in zip(inner, between(planes(np.stack([frames[at] for at in inner])), *known[before:][:2])):
            shown = layers.frame.permute(1, 2, 0).numpy()
            near.append(decibel(shown, ideals[at], wide[at].numpy()))
            assert decibel(shown, frames[at], posts[at]) > 19, at
            assert (layers.front.numpy() & posts[at]).sum() > 0.7 * posts[at].sum(), at
    assert np.mean(near) > least


def test_where_no_object_is_seen_the_frame_stays_to_the_bit() -> None:
    source = CAT.picture(0, FRAMES, SIDE)
    small = planes(fit_frames(source[None], (SMALL, SMALL), "crop"))
    nothing = torch.zeros(1, SMALL, SMALL)
    (layers,) = edited_layers(small, small, nothing + (torch.arange(SMALL) < 8), False)
    empty = dataclasses.replace(layers, objects=nothing[0] > 0, alpha=nothing[0])
    (after,) = between(small, empty, None)
    matrix = fit_matrix((SIDE, SIDE), (SMALL, SMALL), "crop")
    assert np.array_equal(enlarged(after, source, matrix), source)


def test_an_edit_beside_what_a_crop_left_out_stays_inside_the_crop() -> None:
    wide = np.random.default_rng(0).integers(0, 255, (64, 128, 3), dtype=np.uint8)
    small = planes(fit_frames(wide[None], (32, 32), "crop"))[0]
    whole = torch.ones(32, 32)
    layers = dataclasses.replace(
        edited_layers(small[None], small[None], whole[None], False)[0],
        objects=whole > 0, picture=torch.zeros_like(small), alpha=whole,
    )  # fmt: skip
    found = enlarged(layers, wide, fit_matrix((128, 64), (32, 32), "crop"))
    assert (found[:, 34:94] == 0).all()
    assert np.array_equal(found[:, :30], wide[:, :30]) and np.array_equal(found[:, 98:], wide[:, 98:])


def test_what_is_moved_is_no_crisper_than_what_is_not() -> None:
    wave = 40 * torch.sin(2 * torch.pi * torch.arange(96) / 6)
    moved = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]])
    picture = wave.expand(1, 8, 96).contiguous()
    inner = slice(12, 84)  # whole waves, away from the border
    crisp = {
        kernel: float(sample(picture, moved, kernel)[0][0, 0, inner].std() / wave[inner].std())
        for kernel in (CUBIC, EVEN)
    }
    assert crisp[EVEN] == pytest.approx(1, abs=0.015) and crisp[CUBIC] > 1.02, crisp
