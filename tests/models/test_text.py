"""Prompts to embeddings."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vp2p.errors import PromptError
from vp2p.models.loading import LatentModel
from vp2p.models.text import encode_prompts


def test_shape_is_padded_to_the_limit(sd1: LatentModel, sd2: LatentModel) -> None:
    assert encode_prompts(sd1, ["a cat", ""]).shape == (2, 77, 32)
    assert encode_prompts(sd2, ["a cat"]).shape == (1, 32, 48)


def test_one_prompt_does_not_change_another(sd1: LatentModel) -> None:
    alone = encode_prompts(sd1, ["a cat on the grass"])
    among = encode_prompts(sd1, ["a dog", "a cat on the grass"])
    torch.testing.assert_close(alone[0], among[1])
    assert not torch.allclose(among[0], among[1])


def test_the_longest_prompt_fits_and_one_more_token_does_not(sd2: LatentModel) -> None:
    assert encode_prompts(sd2, ["cat " * 30]).shape == (1, 32, 48)
    with pytest.raises(PromptError, match="31 tokens, but this model reads at most 30"):
        encode_prompts(sd2, ["a dog", "cat " * 31])


def test_agrees_with_the_released_code(golden: Path, golden_model: LatentModel) -> None:
    expected = load_file(golden / "inversion_h8_l2_s10.safetensors")
    found = encode_prompts(golden_model, ["a rabbit is jumping on the grass", ""])
    torch.testing.assert_close(found, torch.cat([expected["cond"], expected["uncond"]]), rtol=0, atol=1e-5)
