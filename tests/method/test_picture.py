"""Pictures that an IP-Adapter shows to the text-to-set model: what diffusers does with one frame, branch by branch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from torch import Tensor
from torch.testing import assert_close
from transformers import CLIPImageProcessor

from tests.controlnets import tiny_controlnet
from tests.ip_adapters import SIDE, TOKENS, Form, adapter_tensors, image_encoder, save_ip_adapter
from tests.method.conftest import Small
from vp2p.models.image_prompts import load_ip_adapter
from vp2p.models.ip_adapters import find_ip_adapter
from vp2p.t2s.attention import AttentionLayer
from vp2p.t2s.fused import attend
from vp2p.t2s.picture import ImageAttention, with_picture, without_picture
from vp2p.t2s.structure import Structure

_PICTURE = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


class Showing:
    """A small model that shows a picture, and the tokens of that and of none."""

    def __init__(self, folder: Path, place: Path, randomise: bool = True, form: Form = "plain") -> None:
        self.small = Small(folder, randomise=randomise)
        unet = self.small.latent.unet
        save_ip_adapter(place, folder, form=form)
        if unet.config.addition_embed_type is not None:
            (place / "models").rename(place / "sdxl_models")
        found = find_ip_adapter(str(place), unet.config, None, download=False)
        adapter = load_ip_adapter(found, unet)
        self.shown, self.none = adapter.tokens(_PICTURE)
        self.model = self.small.model.showing(ImageAttention(adapter.layers, found.tokens))
        assert found.tokens == len(self.shown) == len(self.none) == TOKENS[form]
        self.text = self.small.embed("a cat on the grass", "a dog on the grass")


@pytest.fixture(scope="module")
def showing(sd2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Showing:
    return Showing(sd2_folder, tmp_path_factory.mktemp("adapters") / "ip")


def _by_diffusers(folder: Path, latents: Tensor, text: Tensor, empty: bool, form: Form) -> Tensor:
    """What diffusers' own UNet predicts of one frame, which is shown the picture, or none, at a scale of 0.7."""
    unet = UNet2DConditionModel.from_pretrained(folder / "unet").eval()
    tensors = adapter_tensors(unet, form=form)
    parts = {
        part: {name.removeprefix(f"{part}."): one for name, one in tensors.items() if name.startswith(part)}
        for part in ("image_proj", "ip_adapter")
    }
    unet._load_ip_adapter_weights([parts], low_cpu_mem_usage=False)
    for processor in unet.attn_processors.values():
        if hasattr(processor, "scale"):
            processor.scale = [0.7]
    pipeline = StableDiffusionPipeline(
        None, None, None, unet, None, None, CLIPImageProcessor(size=SIDE, crop_size=SIDE), image_encoder(), False
    )
    (embeds,) = pipeline.prepare_ip_adapter_image_embeds(Image.fromarray(_PICTURE), None, "cpu", 1, True)
    added = {"image_embeds": [embeds[:1] if empty else embeds[1:]]}
    if unet.config.addition_embed_type is not None:
        side = float(latents.shape[-1] * 8)
        added |= {"text_embeds": text[:, -1, :32], "time_ids": torch.tensor([[side, side, 0, 0, side, side]])}
        text = text[:, :-1]
    return unet(latents, 321, text, added_cond_kwargs=added).sample


@torch.no_grad()
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("sd1", "plain"), ("sd2", "plain"), ("sdxl", "plain"),
        ("sd1", "plus"), ("sdxl", "plus"), ("sd1", "full-face"),
    ],
)  # fmt: skip
def test_one_frame_is_what_diffusers_makes_of_it(
    kind: str, form: Form, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(f"{kind}_folder")
    showing = Showing(folder, tmp_path / "ip", False, form)
    frame, text = showing.small.latents[:, :1], showing.text[:1]
    plain = showing.small.model(frame, 321, text)[:, 0]
    for tokens, empty in ((showing.shown, False), (showing.none, True)):
        wanted = _by_diffusers(folder, frame[:, 0], text, empty, form)
        found = showing.model(frame, 321, with_picture(text, tokens, 0.7))[:, 0]
        assert_close(found, wanted, atol=2e-5, rtol=1e-4)
        assert (found - plain).abs().max() > 0.01


@torch.no_grad()
def test_each_branch_has_its_own_picture_or_none(showing: Showing) -> None:
    x, text, model = showing.small.latents, showing.text, showing.model
    rows = torch.cat([without_picture(text[:1], 4), with_picture(text[1:], showing.shown, 0.5)])
    both = model(x.expand(2, -1, -1, -1, -1), 500, rows)
    assert_close(both[1:], model(x, 500, rows[1:]), atol=1e-5, rtol=1e-5)
    each = model(x.expand(2, -1, -1, -1, -1), 500, rows[:, None].expand(-1, 3, -1, -1))
    assert_close(each, both, atol=1e-5, rtol=1e-5)
    plain = showing.small.model(x.expand(2, -1, -1, -1, -1), 500, text)
    assert torch.equal(both[:1], plain[:1])  # to the last bit: there is no attention to a picture
    assert (both[1:] - plain[1:]).abs().max() > 0.01
    none = with_picture(text, showing.shown, 0.0)
    assert torch.equal(model(x.expand(2, -1, -1, -1, -1), 500, none), plain)


class _Deaf:
    """A control by which no text is attended to."""

    def attend(self, layer: AttentionLayer, q: Tensor, k: Tensor, v: Tensor, frames: int) -> Tensor:
        return torch.zeros_like(q) if layer.role == "cross" else attend(q, k, v)


@torch.no_grad()
def test_the_attention_to_the_text_stays_under_control(showing: Showing) -> None:
    def passed(text: Tensor, scale: float) -> Tensor:
        return showing.model(showing.small.latents, 500, with_picture(text, showing.shown, scale), _Deaf())

    cat, dog = showing.text[:1], showing.text[1:]
    assert torch.equal(passed(cat, 0.8), passed(dog, 0.8))  # all of it is the control's
    assert torch.equal(passed(cat, 0.0), showing.small.model(showing.small.latents, 500, dog, _Deaf()))
    assert (passed(cat, 0.8) - passed(cat, 0.0)).abs().max() > 0.01  # and the picture's comes beside it


@torch.no_grad()
def test_beside_a_controlnet_which_reads_the_text_alone(showing: Showing) -> None:
    net = tiny_controlnet(showing.small.latent.folder.path / "unet")
    structures = [Structure(net, 1.0, torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1)))]
    x, text = showing.small.latents, showing.text[:1]
    wanted = showing.small.model.held_to(structures)(x, 500, text)
    held = showing.model.held_to(structures)
    assert torch.equal(held(x, 500, without_picture(text, 4)), wanted)
    assert (held.of_frames([0, 1, 2])(x, 500, with_picture(text, showing.shown, 1.0)) - wanted).abs().max() > 0.01
