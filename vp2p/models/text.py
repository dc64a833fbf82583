"""Prompts to the text embeddings that cross-attention reads."""

from __future__ import annotations

from typing import Sequence

import torch
from torch import Tensor

from vp2p.errors import PromptError
from vp2p.models.loading import LatentModel
from vp2p.text import quoted


@torch.no_grad()
def encode_prompts(model: LatentModel, prompts: Sequence[str]) -> Tensor:
    """The text encoder's last hidden states, padded to the model's token limit.

    Returns:
        float32 (N, L, D) on the model's device, L = ``model.token_limit``, one row a prompt.

    Raises:
        PromptError: when a prompt has more tokens than the limit; it is never cut.
    """
    limit = model.token_limit
    rows = []
    for prompt in prompts:
        ids = model.tokenizer(prompt, verbose=False)["input_ids"]
        check_length(prompt, len(ids), limit)
        rows.append(ids + [model.tokenizer.pad_token_id] * (limit - len(ids)))
    states: Tensor = model.text_encoder(torch.tensor(rows, device=model.device)).last_hidden_state
    return states.float()


def check_length(prompt: str, tokens: int, limit: int) -> None:
    """Raises PromptError if a prompt of ``tokens`` tokens is longer than a model can read."""
    if tokens > limit:
        # The limit counts the begin and the end token, which nobody typed.
        raise PromptError(
            f"The prompt has {tokens - 2} tokens, but this model reads at most {limit - 2}: {quoted(prompt, 500)}",
            "shorten the prompt",
        )
