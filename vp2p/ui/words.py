"""What was clicked in a sentence, as the options of ``vp2p edit``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from vp2p.prompts.words import key, number_in, word_spans


@dataclass(frozen=True)
class Change:
    """What becomes of a word: ``new`` takes its place, unless that is empty; its attention is multiplied."""

    new: str = ""
    weight: float = 1.0


Changes = Mapping[int, Change]
"""Changes by the place of their word in the sentence, from 0."""

Piece = tuple[str, str, float]
"""A part of the sentence as it was and as it is to be, and its weight."""


def words_of(sentence: str) -> list[str]:
    """The words that can be clicked."""
    return [sentence[start:end] for start, end in word_spans(sentence)]


def pieces(sentence: str, changes: Changes) -> list[Piece]:
    """The sentence in parts: each word by itself, and what stands between words."""
    found: list[Piece] = []
    at = 0
    for place, (start, end) in enumerate(word_spans(sentence)):
        change = changes.get(place, Change())
        old = sentence[start:end]
        found += [(sentence[at:start], sentence[at:start], 1.0), (old, change.new.strip() or old, change.weight)]
        at = end
    return [*found, (sentence[at:], sentence[at:], 1.0)]


def options(sentence: str, changes: Changes) -> list[str]:
    """The options ``--swap`` and ``--reweight`` that make these changes to a sentence."""
    target = "".join(new for _, new, _ in pieces(sentence, changes))
    swaps, weights, before, after = [], [], 0, 0
    for old, new, weight in pieces(sentence, changes):
        if new != old:
            swaps.append(f"--swap={_named(sentence, old, before)}={new}")
        if weight != 1.0:
            parts = [(after + start, new[start:end]) for start, end in word_spans(new)]
            weights += [f"--reweight={_named(target, word, at)}:{weight:g}" for at, word in parts]
        before, after = before + len(old), after + len(new)
    return swaps + weights


def _named(sentence: str, word: str, at: int) -> str:
    """How an option names the word at a character: ``cat``, or ``cat#2`` where there are several."""
    several = sum(key(one) == key(word) for one in words_of(sentence)) > 1
    return f"{word}#{number_in(sentence, word, at)}" if several else word
