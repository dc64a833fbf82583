"""From ``--swap old=new`` to the new prompt (Prompt-to-Prompt, section 3, word swap)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

from vp2p.errors import PromptError
from vp2p.prompts.articles import article_like
from vp2p.prompts.scripts import parts_freely
from vp2p.prompts.words import TokenizedPrompt, find_word, holds, key, split_prompt, word_spans
from vp2p.text import one_line, quoted, typed

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

_BEFORE = re.compile(r"(?<![\w'\u2019-])(an?|the)\s+$", re.IGNORECASE)
_LEADS = re.compile(r"(an?|the)\s", re.IGNORECASE)


@dataclass(frozen=True)
class Swapped:
    """One swap that was made: the characters ``old`` of the source gave way to the characters ``new`` of the target.

    A ``resized`` one puts a phrase of another number of words in the place of one; words that both begin or end with
    are no part of it.
    """

    old: tuple[int, int]
    new: tuple[int, int]
    resized: bool


def swapped_prompt(tokenizer: CLIPTokenizer, prompt: str, swaps: tuple[str, ...]) -> tuple[str, tuple[Swapped, ...]]:
    """The prompt with each ``old=new`` replaced, and what each swap replaced, in the order of the swaps.

    Where a word holds an equals sign, the last sign counts that has words of the prompt before it. The
    article "a" or "an" before a new word becomes the one that it wants.

    Raises:
        PromptError: a malformed swap, a word that is not there or not unique, or overlapping swaps.
    """
    source = split_prompt(tokenizer, prompt)
    pieces: list[tuple[int, int, str]] = []
    for swap in swaps:
        old, new = _sides(source, swap)
        start, end = _phrase(source, old, new)
        if _meets(pieces, start, end):
            raise PromptError(f"Two swaps change {quoted(old)}.", "give each word one --swap")
        pieces.append((start, end, new))
    for place, (start, end, new) in enumerate(pieces):
        before = _BEFORE.search(prompt[:start])
        if before and _LEADS.match(new) and not _meets(pieces, before.start(), start):
            pieces[place] = (before.start(), end, new)  # it brings its own article
    return _put_in(prompt, pieces, _articles(prompt, pieces))


def _meets(pieces: Sequence[tuple[int, int, str]], start: int, end: int) -> bool:
    return any(start < other_end and other_start < end for other_start, other_end, _ in pieces)


def _articles(prompt: str, pieces: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The articles before new words that do not fit them, with those that do."""
    found = []
    for start, _, new in pieces:
        before = _BEFORE.search(prompt[:start])
        if before and before[1].lower() != "the" and not _meets(pieces, before.start(), start):
            wanted = article_like(before[1], new)
            found += [(*before.span(1), wanted)] if wanted.lower() != before[1].lower() else []
    return found


def _put_in(
    prompt: str, pieces: Sequence[tuple[int, int, str]], articles: Sequence[tuple[int, int, str]]
) -> tuple[str, tuple[Swapped, ...]]:
    result, at = "", 0
    made: dict[tuple[int, int, str], Swapped] = {}
    for piece in sorted([*pieces, *articles]):
        start, end, new = piece
        result += prompt[at:start]
        made[piece] = _swapped(prompt[start:end], start, new, len(result))
        result, at = result + new, end
    return result + prompt[at:], tuple(made[piece] for piece in pieces)


def _swapped(old: str, old_at: int, new: str, new_at: int) -> Swapped:
    """A swap of texts that stand at these characters of source and target."""
    whole = Swapped((old_at, old_at + len(old)), (new_at, new_at + len(new)), False)
    if len(old.split()) == len(new.split()):
        return whole
    mine, its = word_spans(old), word_spans(new)
    while mine and its and key(old[slice(*mine[0])]) == key(new[slice(*its[0])]):
        mine, its = mine[1:], its[1:]
    while mine and its and key(old[slice(*mine[-1])]) == key(new[slice(*its[-1])]):
        mine, its = mine[:-1], its[:-1]
    if not mine or not its:  # words are only added, or only taken away
        return whole
    return Swapped((old_at + mine[0][0], old_at + mine[-1][1]), (new_at + its[0][0], new_at + its[-1][1]), True)


def inner_swaps(swaps: tuple[str, ...]) -> bool:
    """Whether a swap is of a script without spaces, where a part of a sentence is changed rather than a word."""
    return any(map(parts_freely, "".join(swaps)))


def by_prompt(prompt: str) -> str:
    """What to type for an edit to a whole new prompt."""
    safe = prompt.isprintable() and not any(char in prompt for char in '"$`\\!')
    return "vp2p edit --prompt " + (f'"{prompt}"' if safe else typed(prompt))


def _sides(source: TokenizedPrompt, swap: str) -> tuple[str, str]:
    """What is replaced, and by what."""
    parts = swap.split("=")
    pairs = [("=".join(parts[:at]).strip(), " ".join("=".join(parts[at:]).split())) for at in range(1, len(parts))]
    pairs = [(old, new) for old, new in pairs if old and new]
    if not pairs:
        raise PromptError(f"{quoted(swap, 200)} is not a swap.", "write it like --swap cat=dog")
    return next((pair for pair in reversed(pairs[1:]) if holds(source, pair[0])), pairs[0])


def _phrase(source: TokenizedPrompt, old: str, new: str) -> tuple[int, int]:
    """The characters of the word, the run of words, or the part of a sentence without spaces that ``old`` names."""
    wanted = [key(part) for part in old.split()]
    texts = [key(word.text) for word in source.words]
    for start in range(len(texts) - len(wanted) + 1 if len(wanted) > 1 else 0):
        if texts[start : start + len(wanted)] == wanted:
            return source.words[start].start, source.words[start + len(wanted) - 1].end
    if len(wanted) == 1 or holds(source, old):
        if not holds(source, old) and any(map(parts_freely, old)) and old in source.prompt:
            raise PromptError(
                f"The model reads {quoted(old, 80)} together with what stands beside it, so it cannot be named alone.",
                by_prompt(source.prompt.replace(old, new)),
            )
        word = find_word(source, old)
        return word.start, word.end
    words = one_line(", ".join(word.text for word in source.words), 500)
    raise PromptError(f"The prompt does not hold the words {quoted(old, 200)}.", f"its words are: {words}")
