"""Which source tokens' maps each target token takes (Prompt-to-Prompt, section 3).

Prompts are aligned by units: a word with all its tokens, or a token of punctuation. An unchanged
word therefore keeps its own map, however many tokens its neighbours split into.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import torch
from torch import Tensor

from vp2p.prompts.words import TokenizedPrompt

Span = tuple[int, ...]


@dataclass(frozen=True)
class Unit:
    """A word, a punctuation token, or a start or end token: what it says and where it stands."""

    key: object
    tokens: Span
    is_word: bool


@dataclass(frozen=True)
class Alignment:
    """Pairs of spans, and the spans that have no partner.

    ``same`` and ``swapped`` hold (source tokens, target tokens) of words, ``phrases`` of phrases that
    are swapped as a whole; ``added`` target tokens, ``removed`` source tokens.
    """

    same: tuple[tuple[Span, Span], ...]
    swapped: tuple[tuple[Span, Span], ...]
    added: tuple[Span, ...]
    removed: tuple[Span, ...]
    phrases: tuple[tuple[Span, Span], ...] = ()

    @property
    def replaced(self) -> tuple[tuple[Span, Span], ...]:
        """The words and phrases that others stand for."""
        return self.swapped + self.phrases

    @property
    def kind(self) -> str:
        """``same``, ``swap`` (words or phrases stand for others, one for one) or ``refine``."""
        if self.added or self.removed:
            return "refine"
        return "swap" if self.replaced else "same"


@dataclass(frozen=True)
class TokenMap:
    """Edited maps are linear in both maps: ``A' = A_source · source + A_target · diag(keep)``.

    ``source`` is (L, L), rows source tokens, columns target tokens; ``keep`` is (L,).
    """

    source: Tensor
    keep: Tensor


def units(prompt: TokenizedPrompt) -> list[Unit]:
    """The prompt's tokens, start and end included, grouped into units in order."""
    in_word = {position: word for word in prompt.words for position in word.tokens}
    result: list[Unit] = []
    for position, token in enumerate(prompt.ids):
        word = in_word.get(position)
        if word is None:
            result.append(Unit(token, (position,), False))
        elif position == word.tokens[0]:
            # "a" before a cat and "an" before an owl are one word.
            result.append(Unit("a" if word.text == "an" else word.text, tuple(word.tokens), True))
    return result


def _matches(source: Sequence[Unit], target: Sequence[Unit]) -> list[tuple[int, int]]:
    """Indices of equal units by global alignment: gap 0, match 1, mismatch -1.

    Ties prefer a gap in the source, then one in the target, then the diagonal, as published.
    """
    rows, columns = len(source), len(target)
    score = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            diagonal = score[i - 1][j - 1] + (1 if source[i - 1].key == target[j - 1].key else -1)
            score[i][j] = max(score[i][j - 1], score[i - 1][j], diagonal)
    pairs = []
    i, j = rows, columns
    while i and j:
        if score[i][j] == score[i][j - 1]:
            j -= 1
        elif score[i][j] == score[i - 1][j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def align(source: TokenizedPrompt, target: TokenizedPrompt, phrases: Sequence[tuple[Span, Span]] = ()) -> Alignment:
    """Aligns two prompts.

    Between unchanged units, as many changed words on both sides are swapped one for one. Where the
    counts differ, the last ones are paired, since in English the head of a phrase stands last
    ("cat" and "red dog" pair cat with dog); the rest is added or removed.

    Args:
        phrases: source and target tokens of phrases that are known to stand for each other, in order. One that
            cuts a word is passed over.
    """
    source_units, target_units = units(source), units(target)
    known = [(_covered(source_units, old), _covered(target_units, new)) for old, new in phrases]
    ends = slice(len(source_units), None), slice(len(target_units), None)
    found, at = Alignment((), (), (), ()), (0, 0)
    for old, new in [*((old, new) for old, new in known if old and new), ends]:
        between = _align(source_units[at[0] : old.start], target_units[at[1] : new.start])
        whole = _tokens(source_units[old]), _tokens(target_units[new])
        found = Alignment(
            found.same + between.same,
            found.swapped + between.swapped,
            found.added + between.added,
            found.removed + between.removed,
            found.phrases + ((whole,) if all(whole) else ()),
        )
        at = old.stop, new.stop
    return found


def _align(source_units: Sequence[Unit], target_units: Sequence[Unit]) -> Alignment:
    """The alignment of parts of two prompts."""
    matches = _matches(source_units, target_units)
    same = tuple((source_units[i].tokens, target_units[j].tokens) for i, j in matches)
    swapped: list[tuple[Span, Span]] = []
    added: list[Span] = []
    removed: list[Span] = []
    borders = [(-1, -1), *matches, (len(source_units), len(target_units))]
    for (i0, j0), (i1, j1) in zip(borders, borders[1:]):
        old, new = source_units[i0 + 1 : i1], target_units[j0 + 1 : j1]
        old_words, new_words = [u for u in old if u.is_word], [u for u in new if u.is_word]
        paired = min(len(old_words), len(new_words))
        for u, v in zip(old_words[len(old_words) - paired :], new_words[len(new_words) - paired :]):
            swapped.append((u.tokens, v.tokens))
        removed += [u.tokens for u in old if u not in old_words[len(old_words) - paired :]]
        added += [v.tokens for v in new if v not in new_words[len(new_words) - paired :]]
    return Alignment(same, tuple(swapped), tuple(added), tuple(removed))


def _covered(found: Sequence[Unit], tokens: Span) -> slice | None:
    """The places of the units that have these tokens; None where they are not whole units."""
    places = [place for place, unit in enumerate(found) if set(unit.tokens) & set(tokens)]
    whole = bool(places) and set(_tokens(found[places[0] : places[-1] + 1])) == set(tokens)
    return slice(places[0], places[-1] + 1) if whole else None


def _tokens(found: Sequence[Unit]) -> Span:
    return tuple(token for unit in found for token in unit.tokens)


def token_map(alignment: Alignment, source: TokenizedPrompt, target: TokenizedPrompt, length: int) -> TokenMap:
    """The linear form of an alignment over ``length`` padded tokens.

    A word that splits into another number n of tokens gives 1/n of each source token's map to each of
    them, and so does a phrase in any case. Padding takes the padding's maps, never a word's.
    """
    taken = torch.zeros(length, length)
    keep = torch.zeros(length)
    for old, new in alignment.same + alignment.swapped:
        if len(old) == len(new):
            taken[list(old), list(new)] = 1.0
        else:
            _share(taken, old, new)
    for old, new in alignment.phrases:
        _share(taken, old, new)
    for new in alignment.added:
        keep[list(new)] = 1.0
    for j in range(len(target.ids), length):
        i = j if j >= len(source.ids) else min(len(source.ids) + j - len(target.ids), length - 1)
        taken[i, j] = 1.0
    return TokenMap(taken, keep)


def _share(taken: Tensor, old: Span, new: Span) -> None:
    taken[torch.tensor(old)[:, None], torch.tensor(new)[None]] = 1.0 / len(new)
