"""What a word lends to the others of its prompt: a text encoder tells each word of those before it.

So a word whose attention is taken away still speaks through its neighbours: the "cat" of "a red cat" is red.
"""

from __future__ import annotations

from typing import Callable

from torch import Tensor

from vp2p.prompts.plan import EditPlan
from vp2p.prompts.words import Word


def weakened_text(embed: Callable[[str], Tensor], plan: EditPlan) -> Tensor:
    """The target prompt's embedding (1, rows, width), with as much of each weakened word in the others as it weighs.

    Words with a weight of 0…1 at all steps count. Those with 1 or more, or with a weight that changes, do not.

    Args:
        embed: embeds a prompt, (1, rows, width); rows after the tokens' own, such as a pooled one, are kept apart.
    """
    prompt, rows = plan.target.prompt, plan.weights.table.shape[1]
    whole = text = embed(prompt)
    for word in plan.weights.words:
        weights = plan.weights.table[:, word.tokens[0]]
        if not 0 <= float(weights[0]) < 1 or bool((weights != weights[0]).any()):
            continue
        without = embed(_without(prompt, word))
        text = text + (float(weights[0]) - 1) * (whole - _in_place(without, whole, word, rows))
    return text


def _without(prompt: str, word: Word) -> str:
    return " ".join((prompt[: word.start] + prompt[word.end :]).split())


def _in_place(without: Tensor, whole: Tensor, word: Word, rows: int) -> Tensor:
    """The embedding of a prompt without a word, its tokens where the ``whole`` prompt has them."""
    first, after = word.tokens[0], word.tokens[-1] + 1
    text = whole.clone()
    text[:, :first], text[:, after:rows] = without[:, :first], without[:, first : rows - (after - first)]
    text[:, rows:] = without[:, rows:]
    return text
