"""What a word lends to the others of its prompt: a text encoder tells each word of those before it.

So a word whose attention is taken away still speaks through its neighbours: the "cat" of "a red cat" is red.
"""

from __future__ import annotations

from typing import Callable, Iterator

from torch import Tensor

from vp2p.prompts.plan import EditPlan
from vp2p.prompts.words import Word

Embed = Callable[[str], Tensor]
"""Embeds a prompt: (1, rows, width). Rows after the tokens' own, such as a pooled one, are kept apart."""


def weakened_text(embed: Embed, plan: EditPlan) -> Tensor:
    """The target prompt's embedding (1, rows, width), with as much of each weakened word in the others as it weighs.

    Words with a weight of 0…1 at all steps count. Those with 1 or more, or with a weight that changes, do not.
    """
    prompt, rows = plan.target.prompt, plan.weights.table.shape[1]
    whole = text = embed(prompt)
    for word, weight in _weakened(plan):
        text = text + (weight - 1) * (whole - _in_place(embed(_without(prompt, word)), whole, word, rows))
    return text


def led_away(embed: Embed, plan: EditPlan, unconditional: Tensor) -> Tensor:
    """Unconditional embeddings (…, rows, width) from which guidance leads away from the weakest of weakened words.

    The less it weighs, the nearer they are to the prompt itself, which differs from the target in that word alone.
    Where other words change, too, guidance must lead to those, and the embeddings stay.
    """
    share = 1 - min((weight for _, weight in _weakened(plan)), default=1.0)
    if plan.kind != "reweight" or not share:
        return unconditional
    whole, led = embed(plan.target.prompt), unconditional.clone()
    rows = whole.shape[1]  # what follows, such as a picture's, is no text
    led[..., :rows, :] += share * (whole - led[..., :rows, :])
    return led


def _weakened(plan: EditPlan) -> Iterator[tuple[Word, float]]:
    for word in plan.weights.words:
        weights = plan.weights.table[:, word.tokens[0]]
        if 0 <= float(weights[0]) < 1 and not bool((weights != weights[0]).any()):
            yield word, float(weights[0])


def _without(prompt: str, word: Word) -> str:
    return " ".join((prompt[: word.start] + prompt[word.end :]).split())


def _in_place(without: Tensor, whole: Tensor, word: Word, rows: int) -> Tensor:
    """The embedding of a prompt without a word, its tokens where the ``whole`` prompt has them."""
    first, after = word.tokens[0], word.tokens[-1] + 1
    text = whole.clone()
    text[:, :first], text[:, after:rows] = without[:, :first], without[:, first : rows - (after - first)]
    text[:, rows:] = without[:, rows:]
    return text
