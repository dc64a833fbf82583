"""Prompts to the text embeddings that cross-attention reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor

from vp2p.errors import PromptError
from vp2p.models.added import as_row
from vp2p.text import quoted

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

    from vp2p.models.loading import LatentModel


@torch.no_grad()
def encode_prompts(model: LatentModel, prompts: Sequence[str]) -> Tensor:
    """The text encoder's last hidden states, padded to the model's token limit.

    Of two text encoders they are the last but one's, side by side, and one row more holds the second's pooled embedding
    (:func:`vp2p.models.added.as_row`).

    Returns:
        float32 (N, L, D) on the model's device, L = ``model.token_limit`` or one more, one row a prompt.

    Raises:
        PromptError: when a prompt has more tokens than the limit; it is never cut.
    """
    ids = _token_ids(model, model.tokenizer, prompts)
    if model.text_encoder_2 is None or model.tokenizer_2 is None:
        states: Tensor = model.text_encoder(ids).last_hidden_state
        return states.float()
    first = model.text_encoder(ids, output_hidden_states=True).hidden_states[-2]
    second = model.text_encoder_2(_token_ids(model, model.tokenizer_2, prompts), output_hidden_states=True)
    return as_row(second.text_embeds.float(), torch.cat([first, second.hidden_states[-2]], -1).float())


def encode_unconditional(model: LatentModel, prompt: str = "") -> Tensor:
    """What guidance leads away from, as :func:`encode_prompts`: zeros for the empty prompt of a model that reads them.

    Raises:
        PromptError: as :func:`encode_prompts`.
    """
    encoded = encode_prompts(model, [prompt])
    return encoded if prompt or not model.folder.zeros_for_empty else torch.zeros_like(encoded)


def _token_ids(model: LatentModel, tokenizer: CLIPTokenizer, prompts: Sequence[str]) -> Tensor:
    """(N, L), padded. Raises PromptError for a prompt that is too long."""
    limit = model.token_limit
    rows = []
    for prompt in prompts:
        ids = tokenizer(prompt, verbose=False)["input_ids"]
        check_length(prompt, len(ids), limit)
        rows.append(ids + [tokenizer.pad_token_id] * (limit - len(ids)))
    return torch.tensor(rows, device=model.device)


def check_length(prompt: str, tokens: int, limit: int) -> None:
    """Raises PromptError if a prompt of ``tokens`` tokens is longer than a model can read."""
    if tokens > limit:
        # The limit counts the begin and the end token, which nobody typed.
        raise PromptError(
            f"The prompt has {tokens - 2} tokens, but this model reads at most {limit - 2}: {quoted(prompt, 500)}",
            "shorten the prompt",
        )
