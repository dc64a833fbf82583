"""Passes as CUDA graphs: the same numbers on a GPU, and nothing changes without one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from tests.method.conftest import Small
from vp2p.t2s.graphs import Passes, recorded


def _gradients(passes: Passes, latents: Tensor, text: Tensor, count: int) -> list[tuple[Tensor, Tensor]]:
    """What so many passes predict, and their gradients to the text; each of other latents, timesteps and texts."""
    torch.manual_seed(1)
    found = []
    for _ in range(count):
        x, at, shift = torch.randn(latents.shape), torch.randint(1000, (1,)), torch.randn(())
        given = (text + shift.to(text.device)).detach().requires_grad_()
        predicted = passes(x.to(latents.device), at.to(latents.device), given)
        gradient = torch.autograd.grad(predicted.square().mean(), given)[0]
        found.append((predicted.detach().clone(), gradient.clone()))
    return found


def test_without_a_gpu_passes_are_the_models_own(sd1: Small) -> None:
    text = sd1.embed("a cat").detach()
    with recorded(sd1.model) as passes:
        found = _gradients(passes, sd1.latents, text, 12)
        assert "forward" not in vars(passes)  # nothing was recorded
    torch.manual_seed(1)
    x, at, shift = torch.randn(sd1.latents.shape), torch.randint(1000, (1,)), torch.randn(())
    assert_close(found[0][0], sd1.model(x, at, text + shift), rtol=0, atol=0)
    assert len({float(one.sum()) for one, _ in found}) == 12


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_recorded_pass_gives_the_same_numbers(sd1: Small) -> None:
    text, latents, model = sd1.embed("a cat").detach().cuda(), sd1.latents.cuda(), sd1.model.cuda()
    wanted = _gradients(Passes(model), latents, text, 10)
    with recorded(model) as passes:
        passes._before = 3
        found = _gradients(passes, latents, text, 10)
        assert "forward" in vars(passes)
    assert "forward" not in vars(passes)
    assert_close(found, wanted, rtol=1e-3, atol=1e-4)
