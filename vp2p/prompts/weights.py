"""How strongly and when each word is controlled: ``--reweight`` and ``--window``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vp2p.errors import PromptError
from vp2p.prompts.weight import Weight, finite
from vp2p.prompts.words import TokenizedPrompt, Word, find_word
from vp2p.text import quoted


@dataclass(frozen=True)
class WordWeights:
    """What each target token's map is multiplied by.

    ``table`` is (T, L), by step. ``always`` (L,) is true where that counts at every step; elsewhere it counts
    in the token's window. ``words`` are those that have a weight of their own.
    """

    table: Tensor
    always: Tensor
    words: list[Word]


def word_weights(target: TokenizedPrompt, reweights: tuple[str, ...], steps: range, length: int) -> WordWeights:
    """The weights that texts such as ``red:2`` and ``red:0->3`` ask for; one that changes counts at every step.

    Args:
        steps: those of T that the edit takes, the last of which is T-1.

    Raises:
        PromptError: a malformed text, or an unknown word.
    """
    table, always, words = torch.ones(steps.stop, length), torch.zeros(length, dtype=torch.bool), []
    share = torch.linspace(0, 1, len(steps))[:, None]
    for weight in map(Weight.read, reweights):
        word = find_word(target, weight.name)
        table[:, list(word.tokens)] = weight.first
        if weight.changes:
            table[steps.start :, list(word.tokens)] = weight.first + share * (weight.last - weight.first)
        always[list(word.tokens)] = weight.changes
        words.append(word)
    return WordWeights(table, always, words)


def time_windows(
    target: TokenizedPrompt,
    default: tuple[float, float],
    words: dict[str, tuple[float, float]],
    steps: int,
    length: int,
) -> Tensor:
    """When each target token is controlled: (T+1, L), 1 inside its window, else 0.

    Windows are shares of the T+1 rows, rounded down at both ends as in the released code.
    """

    def rows(window: tuple[float, float]) -> slice:
        return slice(int(window[0] * (steps + 1)), int(window[1] * (steps + 1)))

    table = torch.zeros(steps + 1, length)
    table[rows(default)] = 1.0
    for name, window in words.items():
        tokens = list(find_word(target, name).tokens)
        table[:, tokens] = 0.0
        table[rows(window), tokens] = 1.0
    return table


def word_windows(texts: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Windows by word from ``word=start:end`` or ``word=end`` texts, shares of the steps.

    Raises:
        PromptError: a malformed text, or a window that is not within 0…1.
    """
    windows = {}
    for text in texts:
        name, separator, span = text.rpartition("=")
        if not separator or not name.strip():
            shown = quoted(text, 200)
            raise PromptError(f"{shown} is not a word and its window.", "write it like --window dog=0.1:0.8")
        start, _, end = span.rpartition(":")
        first, last = (finite(part, "--window", "write it like --window dog=0.1:0.8") for part in (start or "0", end))
        if not 0 <= first <= last <= 1:
            raise PromptError(
                f"The window {quoted(span, 80)} of {quoted(name.strip(), 80)} is not within the steps.",
                "give shares of the steps, start before end, like --window dog=0.1:0.8",
            )
        windows[name.strip()] = first, last
    return windows
