"""ControlNets from Python: every verb is held to the clip's structure, and their memory counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import vp2p
from tests.cli.conftest import moving_square
from tests.controlnets import save_controlnet
from vp2p.models.folder import ModelFolder
from vp2p.models.opening import open_model
from vp2p.pipeline.memory import Shapes, Work
from vp2p.settings import ModelSettings

_PROMPT, _SHORT = "a cat on the grass", {"steps": 2, "method": "direct"}


@pytest.fixture(scope="module", params=["sd2", "sdxl"])
def model_folder(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(f"{request.param}_folder")
    return folder


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Path:
    return save_controlnet(tmp_path_factory.mktemp("nets") / "net", model_folder)


@pytest.fixture(scope="module")
def held(model_folder: Path, net: Path) -> vp2p.VideoModel:
    return vp2p.load(str(model_folder), device="cpu", control=[f"depth={net}:2"])


def _clip(bright: int) -> vp2p.Clip:
    frames = moving_square(3, 32)
    return replace(vp2p.Clip.of(frames, control={"depth": np.full_like(frames, bright)}), size="keep")


def test_inversion_and_edit_follow_the_pictures(held: vp2p.VideoModel, model_folder: Path) -> None:
    plain = vp2p.load(str(model_folder), device="cpu")
    paths = [
        model.invert(_clip(bright), _PROMPT, **_SHORT).inverted.trajectory
        for model, bright in ((held, 20), (held, 220), (plain, 220))
    ]
    for one, other in ((0, 1), (1, 2)):
        assert (paths[one] - paths[other]).abs().max() > 0.01
    inversion = held.invert(_clip(20), _PROMPT, **_SHORT)
    edit = held.edit(inversion, swap={"cat": "dog"}, no_blend=True)
    other = replace(inversion, clip=_clip(220))
    assert (
        held.edit(other, swap={"cat": "dog"}, no_blend=True).latents.targets - edit.latents.targets
    ).abs().max() > 0.01


def test_candidates_are_held_to_their_own_frames(held: vp2p.VideoModel) -> None:
    inversion = held.invert(_clip(120), _PROMPT, **_SHORT)
    mask = np.zeros((3, 32, 32), bool)
    mask[:, 8:24, 4:20] = True
    edit = held.edit(inversion, swap={"cat": "dog"}, mask=mask, candidates=2)
    assert edit.key_frames and edit.frames.shape == (3, 32, 32, 3)


def test_tuning_and_low_memory(held: vp2p.VideoModel) -> None:
    first = held.tune(_clip(20), _PROMPT, steps=1)
    other = held.tune(_clip(220), _PROMPT, steps=1)
    assert other.losses[0] != first.losses[0]
    held.untune()
    found = held.invert(_clip(20), _PROMPT, steps=1, method="null-text", inner_steps=1)
    held.memory = "low"
    low = held.invert(_clip(20), _PROMPT, steps=1, method="null-text", inner_steps=1)
    held.memory = "auto"
    torch.testing.assert_close(low.inverted.reconstruction, found.inverted.reconstruction, atol=1e-3, rtol=1e-3)


def test_they_wait_elsewhere_while_the_vae_is_used(held: vp2p.VideoModel, monkeypatch: pytest.MonkeyPatch) -> None:
    network, sent = held.latent.controlnets[0].network, []
    held.save_memory(True)
    monkeypatch.setattr(network, "to", lambda *where: sent.append(where[0].type))  # no GPU may be here
    held.decode(torch.zeros(1, 4, 8, 8))
    held.save_memory(False)
    held.decode(torch.zeros(1, 4, 8, 8))
    assert sent == ["cpu", "cpu"]  # there and back, and only where memory is saved


def test_pictures_that_are_missing(held: vp2p.VideoModel) -> None:
    with pytest.raises(vp2p.errors.UsageError, match="depth needs pictures"):
        held.invert(vp2p.Clip.of(moving_square(2, 32)), _PROMPT, **_SHORT)


def _folder(model_folder: Path, *control: str) -> ModelFolder:
    return open_model(ModelSettings(model=str(model_folder), control=control))


def test_memory_is_counted(held: vp2p.VideoModel, model_folder: Path, net: Path) -> None:
    network = held.latent.controlnets[0].network
    weights = sum(one.numel() * one.element_size() for one in network.parameters())
    work = Work("editing", 3, (32, 32))
    with_it = Shapes(_folder(model_folder, f"depth={net}"), torch.float32, 0)
    without = Shapes(_folder(model_folder), torch.float32, 0)
    for one, offload in ((work, False), (replace(work, low=True), True)):
        assert with_it.needed(one, offload) >= without.needed(one, offload) + weights
    plain = sum(one.numel() * 4 for part in (held.latent.unet, held.latent.vae) for one in part.parameters())
    assert vp2p.load(str(model_folder), device="cpu", control=[f"depth={net}:2"]).bytes_held > plain + weights
