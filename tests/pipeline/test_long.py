"""A clip of several windows through the library: it passes in pieces, resumes, and shows no seam."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

import vp2p
from vp2p.defaults import for_model
from vp2p.errors import UsageError, WindowsWarning
from vp2p.method.inversion.protocol import InversionStep, Kept
from vp2p.pipeline.described import Described
from vp2p.pipeline.edit import Asked, Edit, edit_all
from vp2p.pipeline.invert import invert
from vp2p.pipeline.journal import Journal, State
from vp2p.settings import InvertSettings
from vp2p.sprites.scenes import Scene
from vp2p.t2s.windows import windows
from vp2p.workspace.tensors import decode_tensors, encode_tensors

PROMPT, FRAMES, WINDOW, STEPS = "a cat on the grass", 10, 6, 1

pytestmark = pytest.mark.filterwarnings("ignore::vp2p.errors.WindowsWarning")


@pytest.fixture(scope="module")
def model() -> vp2p.VideoModel:
    return vp2p.load("sprites", device="cpu", window_frames=WINDOW, memory="high")


@pytest.fixture(scope="module")
def clip() -> vp2p.Clip:
    frames = Scene("cat", "grass", path="slide", seed=4).render(FRAMES)
    return dataclasses.replace(vp2p.Clip.of(frames[:, ::2, ::2].copy()), size="keep")


@pytest.fixture(scope="module")
def inversion(model: vp2p.VideoModel, clip: vp2p.Clip) -> vp2p.Inversion:
    with pytest.warns(WindowsWarning, match="inversion: 10 frames pass the model in 2 windows of 6"):
        return model.invert(clip, PROMPT, steps=STEPS)


def _edited(model: vp2p.VideoModel, inversion: vp2p.Inversion, **options: Any) -> np.ndarray:
    seen: list[int] = []
    with model.t2s.unet.register_forward_pre_hook(
        lambda _, given, more: seen.append(more["cross_attention_kwargs"]["frames"]), with_kwargs=True
    ):
        edit = model.edit(inversion, candidates=1, **options)
    assert max(seen) <= WINDOW
    assert edit.frames.shape == inversion.clip.pixels.shape
    assert edit.mask is None or len(edit.mask) == FRAMES
    return edit.frames


def test_a_seam_differs_no_more_than_the_inside_of_a_window(model: vp2p.VideoModel, inversion: vp2p.Inversion) -> None:
    frames = _edited(model, inversion, swap={"cat": "dog"}, paste=False, propagate=False).astype(float)
    moved = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    ends = {window.frames[1] for window in windows(FRAMES, WINDOW)[1:]}
    ends |= {window.frames[-1] + 1 for window in windows(FRAMES, WINDOW)[:-1]}
    seam = np.array([after in ends for after in range(1, FRAMES)])
    assert moved[seam].mean() <= 1.1 * moved[~seam].mean()


@pytest.mark.parametrize(
    "options",
    [{"swap": {"cat": "dog"}}, {"swap": {"grass": "sand"}}],
    ids=["object", "ground"],
)
def test_a_long_clip_is_composited_in_parts(
    model: vp2p.VideoModel, inversion: vp2p.Inversion, options: dict[str, Any]
) -> None:
    frames = _edited(model, inversion, **options)
    changed = (frames != inversion.clip.pixels).any(-1)
    assert bool(changed.any((1, 2)).all())  # each frame is edited
    if options["swap"].get("cat"):
        assert changed.mean() < 0.9  # and what lies apart from the object is the clip's own


def test_an_inversion_that_stops_between_windows_goes_on_to_the_same_bits(
    model: vp2p.VideoModel, clip: vp2p.Clip, inversion: vp2p.Inversion
) -> None:
    class Stopped(Exception):
        pass

    kept: list[InversionStep] = []

    def on_step(step: InversionStep) -> None:
        kept.append(step)
        if step.done == 0 and "windows" in step.state:
            raise Stopped

    described, settings = Described(model.fitted(clip), PROMPT), InvertSettings(steps=STEPS)
    room = torch.empty  # as a file would be
    with pytest.raises(Stopped):
        invert(model, described, settings, on_step, Kept(room=room))
    found = {name: tensor.clone() for name, tensor in kept[-1].state.items()}
    passes: list[int] = []
    with model.t2s.unet.register_forward_pre_hook(lambda *_: passes.append(1)):
        again = invert(model, described, settings, lambda _: None, Kept(found, room))
    assert len(passes) == 1  # the other window of the only step
    assert torch.equal(again.inverted.trajectory, inversion.inverted.trajectory)


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"self_blend": True, "modulate": 0.5}, {"merge_tokens": 0.5}], ids=" ".join)
def test_an_edit_that_stops_anywhere_goes_on_to_the_same_bits(
    model: vp2p.VideoModel, clip: vp2p.Clip, more: dict[str, Any]
) -> None:
    inversion = model.invert(clip, PROMPT, steps=2)
    options = {"candidates": 1, "blend_start": 0.0, **more}
    asked = [Asked(for_model(model.latent.folder, "edit", {"swap": ["cat=dog"], **options}))]
    states: list[State] = []

    def made(found: State | None = None) -> tuple[Edit, int]:
        passes: list[int] = []
        with model.t2s.unet.register_forward_pre_hook(lambda *_: passes.append(1)):
            journal = Journal(lambda state: states.append(dict(state())), found)
            ((_, edit),) = edit_all(model, inversion, asked, journal=journal)
        return edit, len(passes)

    whole, passes = made()
    # A window, a step, a window, and the pass; a step of the candidates, and their pass.
    names = [sorted({name.split(".", 1)[1].split(".")[0] for name in state}) for state in states]
    assert ["windows" in one for one in names] == [True, False, True, False, False, False]
    for place, left in ((1, passes - 2), (2, passes - 3), (5, passes - 6)):
        again, taken = made(decode_tensors(b"".join(encode_tensors(states[place]))))
        assert taken == left
        assert torch.equal(again.latents.targets, whole.latents.targets)
        assert np.array_equal(again.frames, whole.frames)


def test_a_state_of_other_edits_is_not_gone_on_from(model: vp2p.VideoModel, inversion: vp2p.Inversion) -> None:
    states: list[State] = []
    off = {"paste": False, "propagate": False}
    asked = [Asked(for_model(model.latent.folder, "edit", {"swap": [swap], **off})) for swap in ("cat=dog", "cat=pig")]
    journal = Journal(lambda state: states.append(dict(state())))
    both = dict(edit_all(model, inversion, asked, journal=journal))
    again = dict(edit_all(model, inversion, asked[1:], journal=Journal(lambda _: None, states[-1])))
    assert np.abs(again[0].frames.astype(int) - both[1].frames).max() <= 1


def test_a_window_of_the_clips_length_gives_the_bits_of_no_window(clip: vp2p.Clip) -> None:
    whole = vp2p.load("sprites", device="cpu", window_frames=1000)
    short = dataclasses.replace(clip, pixels=clip.pixels[:4])
    found = []
    for most in (4, 1000):
        whole.t2s.window_frames = most
        found.append(whole.edit(whole.invert(short, PROMPT, steps=1), swap={"cat": "dog"}, candidates=0).frames)
    assert np.array_equal(*found)


def test_a_window_has_four_frames_at_least() -> None:
    with pytest.raises(UsageError, match="window_frames is 3, but must be 4 or more"):
        vp2p.load("sprites", window_frames=3)
