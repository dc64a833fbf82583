"""ControlNets beside the text-to-set model: what diffusers does with one frame, and whose pictures a pass takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from torch.testing import assert_close

from tests.controlnets import WITHOUT_ATTENTION, tiny_controlnet
from tests.method.conftest import Small
from vp2p.method.likelihood import denoising_loss
from vp2p.t2s.structure import Structure
from vp2p.t2s.windows import windows


class Held:
    """A small model with two ControlNets, and pictures of the structure of its frames."""

    def __init__(self, folder, randomise: bool = True, frames: int = 3) -> None:
        self.small = Small(folder, frames, randomise)
        self.nets = [tiny_controlnet(folder / "unet", seed) for seed in (1, 2)]
        side = 16 * 8
        seeded = torch.Generator().manual_seed(3)
        self.pictures = torch.rand((2, frames, 3, side, side), generator=seeded)
        self.structures = [Structure(*each) for each in zip(self.nets, (0.5, 1.5), self.pictures)]
        self.model = self.small.model.held_to(self.structures)


@pytest.fixture(scope="module", params=["sd2", "sdxl"])
def held(request: pytest.FixtureRequest) -> Held:
    return Held(request.getfixturevalue(f"{request.param}_folder"))


def _parts(text: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The tokens of a text, and what networks of XL are told beside them: of 128 pixels, of pooled embeddings of 32."""
    if len(text[0]) != 33:  # one row more than the tiny model's tokens
        return text, {}
    return text[:, :-1], {"text_embeds": text[:, -1, :32], "time_ids": torch.tensor([[128.0, 128, 0, 0, 128, 128]])}


def _by_diffusers(held: Held, frame: int, text: Tensor) -> Tensor:
    """What diffusers' own UNet predicts with both ControlNets, as its pipeline of several adds them."""
    unet = UNet2DConditionModel.from_pretrained(held.small.latent.folder.path / "unet").eval()
    x = held.small.latents[:, frame]
    text, told = _parts(text)
    down, mid = None, None
    for structure in held.structures:
        found = structure.network(
            x, 321, text, controlnet_cond=structure.pictures[frame : frame + 1],
            conditioning_scale=structure.scale, added_cond_kwargs=told, return_dict=False,
        )  # fmt: skip
        down = list(found[0]) if down is None else [one + other for one, other in zip(down, found[0])]
        mid = found[1] if mid is None else mid + found[1]
    added = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
    return unet(x, 321, text, added_cond_kwargs=told, **added).sample


@torch.no_grad()
@pytest.mark.parametrize("kind", ["sd1", "sd2", "sdxl"])
def test_one_frame_is_what_diffusers_makes_of_it(kind: str, request: pytest.FixtureRequest) -> None:
    held = Held(request.getfixturevalue(f"{kind}_folder"), randomise=False)
    text = held.small.embed("a cat on the grass")
    for frame in (0, 2):
        wanted = _by_diffusers(held, frame, text)
        found = held.model.of_frames([frame])(held.small.latents[:, frame : frame + 1], 321, text)[:, 0]
        assert_close(found, wanted, atol=1e-5, rtol=1e-5)
        assert (found - held.small.model(held.small.latents[:, frame : frame + 1], 321, text)[:, 0]).abs().max() > 0.01


@torch.no_grad()
def test_one_of_xl_without_attention_to_the_text(sdxl_folder: Path) -> None:
    held = Held(sdxl_folder, randomise=False)
    small = tiny_controlnet(sdxl_folder / "unet", **WITHOUT_ATTENTION)
    held.structures = [Structure(small, 0.7, held.pictures[0]), held.structures[1]]
    text, x = held.small.embed("a cat"), held.small.latents[:, :1]
    model = held.small.model.held_to([one.of_frames([0]) for one in held.structures])
    assert_close(model(x, 321, text)[:, 0], _by_diffusers(held, 0, text), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_one_of_xl_is_told_what_the_unet_is(sdxl_folder: Path) -> None:
    held = Held(sdxl_folder)
    structure, x, text = held.structures[0].of_frames([0]), held.small.latents[:, :1], held.small.embed("a cat")
    tokens, told = _parts(text)
    found = structure.outputs(x, torch.tensor([321]), tokens, told)
    for name, other in (("text_embeds", held.small.embed("a dog")[:, -1, :32]), ("time_ids", 2 * told["time_ids"])):
        changed = structure.outputs(x, torch.tensor([321]), tokens, told | {name: other})
        assert max((one - same).abs().max() for one, same in zip(changed, found)) > 1e-3


@torch.no_grad()
def test_branches_have_their_own_text_and_the_same_pictures(held: Held) -> None:
    texts = held.small.embed("a cat", "a dog")
    x = torch.cat([held.small.latents, held.small.latents.flip(1)])
    both = held.model(x, 500, texts)
    for branch in range(2):
        alone = held.model(x[branch : branch + 1], 500, texts[branch : branch + 1])
        assert_close(both[branch : branch + 1], alone, atol=1e-5, rtol=1e-5)
    each = held.model(x, 500, texts[:, None].expand(-1, 3, -1, -1))
    assert_close(each, both, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_frames_as_clips_of_their_own_have_their_own_pictures(held: Held) -> None:
    text = held.small.embed("a cat")
    x = held.small.latents.transpose(0, 1)
    found = held.model(x, 500, text.expand(3, -1, -1))
    for frame in range(3):
        wanted = held.model.of_frames([frame])(x[frame : frame + 1], 500, text)
        assert_close(found[frame : frame + 1], wanted, atol=1e-5, rtol=1e-5)
    assert (held.model.of_frames([2, 0, 1])(x, 500, text.expand(3, -1, -1)) - found).abs().max() > 0.01


@torch.no_grad()
def test_some_frames(held: Held) -> None:
    chosen, text = [2, 0], held.small.embed("a cat")
    structures = [Structure(one.network, one.scale, one.pictures[chosen]) for one in held.structures]
    x = held.small.latents[:, chosen].expand(5, -1, -1, -1, -1)
    wanted = held.small.model.held_to(structures)(x, 9, text.expand(5, -1, -1))
    assert torch.equal(held.model.of_frames(chosen)(x, 9, text.expand(5, -1, -1)), wanted)
    with pytest.raises(ValueError, match="5 clips of 2 frames"):
        held.model(x, 9, text.expand(5, -1, -1))


@torch.no_grad()
def test_windows_of_a_long_clip_have_their_own_pictures(sdxl_folder: Path) -> None:
    held = Held(sdxl_folder, frames=6)
    x, texts = held.small.latents, held.small.embed("a cat", "a dog", "snow").repeat(2, 1, 1)[None]
    wanted = torch.zeros_like(x)
    for window in windows(6, 4):
        seen = held.model.of_frames(window.frames)(window.of(x), 500, window.of(texts))
        wanted += window.among_all(seen)
    held.model.window_frames = 4
    assert_close(held.model(x, 500, texts), wanted, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_none_and_scale_0_change_nothing(held: Held) -> None:
    text, x = held.small.embed("a cat"), held.small.latents
    plain = held.small.model(x, 321, text)
    none = [Structure(one.network, 0.0, one.pictures) for one in held.structures]
    assert_close(held.small.model.held_to(none)(x, 321, text), plain, atol=1e-6, rtol=1e-6)
    assert torch.equal(held.small.model.held_to([])(x, 321, text), plain)
    held.model(x, 321, text)  # leaves the model itself as it was
    assert torch.equal(held.small.model(x, 321, text), plain)


@torch.no_grad()
def test_the_likelihood_of_versions_of_one_frame(held: Held) -> None:
    text, scheduler = held.small.embed("a cat"), held.small.latent.scheduler
    versions = held.small.latents[0, [1, 1]] + torch.tensor([0.0, 0.5]).view(2, 1, 1, 1)
    mask = torch.ones(2, *versions.shape[-2:])
    found = denoising_loss(held.model.of_frames([1, 1]), scheduler, versions, text, mask)
    alone = denoising_loss(held.model.of_frames([1]), scheduler, versions[1:], text, mask[1:])
    assert_close(found[:, 1:], alone, atol=1e-5, rtol=1e-5)


def test_gradients_reach_the_text_through_it(held: Held) -> None:
    text = held.small.embed("a cat").requires_grad_()
    plain = torch.autograd.grad(held.model(held.small.latents, 321, text).sum(), text)[0]
    held.model.save_memory(True)
    for net in held.nets:
        net.requires_grad_(False)
    again = torch.autograd.grad(held.model(held.small.latents, 321, text).sum(), text)[0]
    held.model.save_memory(False)
    assert plain.abs().max() > 0
    assert_close(again, plain, atol=1e-4, rtol=1e-3)


@torch.no_grad()
def test_pictures_in_the_order_that_the_network_was_trained_with(sd2_folder: Path) -> None:
    held = Held(sd2_folder)
    text, x = held.small.embed("a cat"), held.small.latents
    nets = [tiny_controlnet(sd2_folder / "unet", controlnet_conditioning_channel_order=one) for one in ("rgb", "bgr")]
    structures = [
        Structure(net, 1.0, pictures) for net, pictures in zip(nets, (held.pictures[0], held.pictures[0].flip(1)))
    ]
    first, second = (held.small.model.held_to([structure])(x, 321, text) for structure in structures)
    assert torch.equal(first, second)


@torch.no_grad()
def test_pictures_of_another_size_are_brought_to_the_latents(held: Held) -> None:
    text, x = held.small.embed("a cat"), held.small.latents
    plain = torch.tensor([0.1, 0.9, 0.4]).view(3, 1, 1, 1).expand(3, 3, 128, 128)
    structures = [Structure(held.nets[0], 1.0, plain[:, :, :side, :side]) for side in (128, 64)]
    first, second = (held.small.model.held_to([structure])(x, 321, text) for structure in structures)
    assert_close(second, first, atol=1e-5, rtol=1e-5)
