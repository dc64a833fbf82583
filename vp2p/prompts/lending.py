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

    Words with a weight of at most 1 at all steps count; below 0 there is nothing left to take. Those with more, or with
    a weight that changes, do not.
    """
    prompt, rows = plan.target.prompt, plan.weights.table.shape[1]
    whole = text = embed(prompt)
    for word, weight in _weighted(plan):
        if weight >= 1:
            continue
        text = text + (weight - 1) * (whole - _in_place(embed(_without(prompt, word)), whole, word, rows))
    return text


def led_away(embed: Embed, plan: EditPlan, unconditional: Tensor) -> Tensor:
    """Unconditional embeddings (…, rows, width) from which guidance leads to the weights that words are given.

    A word of weight w below 1 brings them nearer to the prompt, by 1 - w and at most all the way: it is what guidance
    leads away from. Above 1, it brings them nearer to the prompt without the word, by 1 - 1/w: guidance leads to the
    word. Where other words change, too, guidance must lead to those, and the embeddings stay. So they do for weights
    that change.
    """
    prompt = plan.target.prompt
    led = [
        (1 - weight, prompt) if weight < 1 else (1 - 1 / weight, _without(prompt, word))
        for word, weight in _weighted(plan)
    ]
    total = sum(share for share, _ in led)
    if plan.kind != "reweight" or not total:
        return unconditional
    found = unconditional.clone()
    for share, text in led:
        embedded = embed(text)
        rows = embedded.shape[1]  # what follows, such as a picture's, is no text
        found[..., :rows, :] += share / max(1.0, total) * (embedded - unconditional[..., :rows, :])
    return found


def _weighted(plan: EditPlan) -> Iterator[tuple[Word, float]]:
    """The words with a weight of their own that is the same at all steps; one below 0 counts as 0."""
    for word in plan.weights.words:
        weights = plan.weights.table[:, word.tokens[0]]
        if not bool((weights != weights[0]).any()):
            yield word, max(0.0, float(weights[0]))


def _without(prompt: str, word: Word) -> str:
    return " ".join((prompt[: word.start] + prompt[word.end :]).split())


def _in_place(without: Tensor, whole: Tensor, word: Word, rows: int) -> Tensor:
    """The embedding of a prompt without a word, its tokens where the ``whole`` prompt has them."""
    first, after = word.tokens[0], word.tokens[-1] + 1
    text = whole.clone()
    text[:, :first], text[:, after:rows] = without[:, :first], without[:, first : rows - (after - first)]
    text[:, rows:] = without[:, rows:]
    return text
