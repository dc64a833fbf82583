"""What inflating a model changes, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from torch.testing import assert_close

from tests.method.conftest import Small
from vp2p.errors import ArtifactError, ModelError
from vp2p.t2s.inflation import TextToSetModel


@pytest.fixture(params=["sd1", "sd2"])
def untuned(request) -> Small:
    return Small(request.getfixturevalue(f"{request.param}_folder"), randomise=False)


def image_model(small: Small) -> UNet2DConditionModel:
    return UNet2DConditionModel.from_pretrained(small.latent.folder.path / "unet").eval()


@torch.no_grad()
def test_one_untuned_frame_is_the_image_model(untuned):
    text = untuned.embed("a cat on the grass")
    out = untuned.model(untuned.latents[:, :1], 321, text)
    expected = image_model(untuned)(untuned.latents[:, 0], 321, text).sample
    assert_close(out[:, 0], expected, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_the_first_frame_sees_no_other_before_tuning(untuned):
    text = untuned.embed("a cat")
    alone = untuned.model(untuned.latents[:, :1], 321, text)
    together = untuned.model(untuned.latents, 321, text)
    assert_close(together[:, :1], alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_every_frame_reads_the_first_one(untuned):
    text = untuned.embed("a cat")
    changed = untuned.latents.clone()
    changed[:, 0] += 1
    before, after = (untuned.model(x, 321, text) for x in (untuned.latents, changed))
    assert not torch.allclose(before[:, 2], after[:, 2], atol=1e-4)
    changed = untuned.latents.clone()
    changed[:, 1] += 1
    assert_close(untuned.model(changed, 321, text)[:, 2], before[:, 2], atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_branches_do_not_mix(small):
    texts = small.embed("a cat", "a dog")
    x = torch.cat([small.latents, small.latents.flip(1)])
    both = small.model(x, 500, texts)
    for branch in range(2):
        alone = small.model(x[branch : branch + 1], 500, texts[branch : branch + 1])
        assert_close(both[branch : branch + 1], alone, atol=1e-5, rtol=1e-5)


def test_every_block_is_hooked_by_role(small):
    roles = [layer.role for layer in small.model.layers]
    assert small.model.hooked == len(roles)
    assert roles.count("frame") == roles.count("cross") == roles.count("temporal") > 0
    assert {layer.place for layer in small.model.layers} == {"down", "mid", "up"}


def test_a_model_without_transformer_blocks_is_refused():
    unet = UNet2DModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(8, 8), norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    with pytest.raises(ModelError, match="no transformer block"):
        TextToSetModel(unet)


def test_inflating_twice_gives_the_same_weights(sd1_folder):
    first, second = (Small(sd1_folder, randomise=False).model.unet.state_dict() for _ in range(2))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_weights_of_another_model_are_refused(sd1):
    with pytest.raises(ArtifactError, match="does not have"):
        sd1.model.load_tuned({"nowhere.weight": torch.zeros(1)})


@torch.no_grad()
def test_joint_group_norm_is_per_frame_norm_for_one_frame(sd1_folder):
    per_frame, joint = Small(sd1_folder), Small(sd1_folder)
    joint_model = TextToSetModel(image_model(joint), group_norm="joint")
    joint_model.load_tuned(per_frame.model.tuned_parameters(norm_temp=True))
    text = per_frame.embed("a cat")
    one = per_frame.latents[:, :1]
    assert_close(joint_model(one, 9, text), per_frame.model(one, 9, text), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(joint_model(per_frame.latents, 9, text), per_frame.model(per_frame.latents, 9, text))
