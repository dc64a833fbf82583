"""A model that saves memory edits as one that does not, with less of it in use at a time."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

import vp2p
from tests.pipeline.test_together import Passes
from vp2p.models.offload import OnDisk, on_device, resting_place
from vp2p.sprites.scenes import Scene

_PROMPT, _FRAMES, _STEPS = "a cat on the grass", 2, 2
_SWAPS = [{"swap": {"cat": "dog"}}, {"swap": {"cat": "rabbit"}}]


@pytest.fixture
def model() -> vp2p.VideoModel:
    return vp2p.load("sprites", device="cpu")


def _inversion(model: vp2p.VideoModel) -> vp2p.Inversion:
    frames = Scene("cat", "grass", path="slide", seed=4).render(_FRAMES)
    clip = replace(vp2p.Clip.of(frames[:, ::2, ::2].copy()), size="keep")
    return model.invert(clip, _PROMPT, steps=_STEPS)


def test_edits_one_by_one_are_the_edits_together(model: vp2p.VideoModel) -> None:
    inversion = _inversion(model)
    plain = model.edit_all(inversion, _SWAPS, candidates=3)
    model.memory = "low"
    with Passes(model) as passes:
        low = model.edit_all(inversion, _SWAPS, candidates=3)
    # A target, its prompt left out and the source, of the whole clip; no more than that in the passes of candidates.
    assert max(branches * frames for branches, frames in passes.sizes) <= (1 + 2 * _FRAMES) * _FRAMES
    assert passes.sizes.count((3, _FRAMES)) == _STEPS * len(_SWAPS)
    for one, other in zip(low, plain):
        assert_close(one.latents.targets, other.latents.targets, atol=1e-4, rtol=1e-4)
        assert np.abs(one.frames.astype(int) - other.frames).max() <= 1


def test_frames_pass_the_vae_one_by_one(model: vp2p.VideoModel) -> None:
    pixels = Scene("cat", "grass", path="slide", seed=4).render(3)
    plain = model.encode(pixels)
    sizes: list[int] = []
    hooks = [
        part.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
        for part in (model.latent.vae.encoder, model.latent.vae.decoder)
    ]
    model.save_memory(True)
    latents = model.encode(pixels)
    decoded = model.decode(latents)
    for hook in hooks:
        hook.remove()
    assert sizes == [1] * 6
    assert_close(latents, plain, atol=1e-4, rtol=1e-4)
    model.save_memory(False)
    assert np.abs(model.decode(plain).astype(int) - decoded).max() <= 1


class _Part(nn.Linear):
    """A network that notes where it is sent to, since no GPU may be here."""

    def __init__(self) -> None:
        super().__init__(1, 1)
        self.place = "cuda"

    def to(self, *args: Any, **kwargs: Any) -> Any:
        self.place = args[0].type
        return self


def test_beside_a_gpu_idle_parts_wait_in_main_memory() -> None:
    vae, unet = _Part(), _Part()
    gpu = torch.device("cuda")
    with pytest.raises(RuntimeError), on_device(gpu, vae, unet):
        assert (vae.place, unet.place) == ("cuda", "cpu")
        raise RuntimeError
    assert (vae.place, unet.place) == ("cpu", "cuda")
    assert resting_place(torch.device("cpu")).type == "cpu"


def test_without_a_gpu_text_encoders_and_vae_lie_on_the_disk_and_say_the_same(model: vp2p.VideoModel) -> None:
    frame = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3)).astype(np.uint8)

    def said() -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
        latents = model.encode(frame)
        return model.embed(_PROMPT), latents, model.decode(latents)

    plain, held = said(), model.bytes_held
    model.save_memory(True)
    visitors = (model.latent.texts, model.latent.vae)
    assert model.bytes_held == held - sum(4 * one.numel() for part in visitors for one in part.parameters())
    for _ in range(2):  # they are read again after they were let go
        assert all(np.array_equal(one, other) for one, other in zip(said(), plain))
    model.save_memory(False)
    assert model.bytes_held == held
    assert all(np.array_equal(one, other) for one, other in zip(said(), plain))


def test_where_the_disk_refuses_text_encoders_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    part = nn.Linear(2, 2)
    before = part.weight.detach().clone()
    disk = OnDisk(part)
    disk.release()
    assert not disk.done and torch.equal(part.weight, before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_a_gpu_only_the_unet_stays() -> None:
    model = vp2p.load("sprites", device="cuda", dtype="fp32")
    plain = model.edit_all(_inversion(model), _SWAPS)
    model.memory = "low"
    low = model.edit_all(_inversion(model), _SWAPS)
    places = [next(part.parameters()).device.type for part in (model.latent.unet, model.latent.vae)]
    assert places == ["cuda", "cpu"] and next(model.latent.text_encoder.parameters()).device.type == "cpu"
    assert np.abs(low[0].frames.astype(int) - plain[0].frames).max() <= 2
