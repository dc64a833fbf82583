"""The words of a prompt and the tokens that each one became (for attention control by word)."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Collection

from vp2p.errors import PromptError

if TYPE_CHECKING:
    from transformers import CLIPTokenizerFast

_INNER_MARKS = "-'\u2019\u2010\u2011"
_NUMBERED = re.compile(r"(.+)#(\d+)")


@dataclass(frozen=True)
class Word:
    """A word: lower-case ``text``, its characters ``[start, end)`` of the prompt, its token positions."""

    text: str
    start: int
    end: int
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class TokenizedPrompt:
    """A prompt, its token ids (begin and end token included, no padding) and its words."""

    prompt: str
    ids: tuple[int, ...]
    words: tuple[Word, ...]


def word_spans(prompt: str) -> list[tuple[int, int]]:
    """Character spans of the words: runs of letters and digits, joined by single inner hyphens or apostrophes."""
    spans: list[tuple[int, int]] = []
    start = None
    for at, char in enumerate(prompt):
        inside = _in_word(char)
        if start is None and inside:
            start = at
        elif start is not None and not inside:
            joins = char in _INNER_MARKS and at + 1 < len(prompt) and _in_word(prompt[at + 1])
            if not joins:
                spans.append((start, at))
                start = None
    if start is not None:
        spans.append((start, len(prompt)))
    return spans


def split_prompt(tokenizer: CLIPTokenizerFast, prompt: str) -> TokenizedPrompt:
    """``prompt`` as words with their token positions, by the tokenizer's own character offsets.

    Punctuation is no word, but its tokens are among the ids: in "a cat, red" the word is "cat".
    """
    coded = tokenizer(prompt, return_offsets_mapping=True, verbose=False)
    offsets = coded["offset_mapping"]
    words = []
    for start, end in word_spans(prompt):
        tokens = tuple(at for at, (left, right) in enumerate(offsets) if left < end and start < right)
        words.append(Word(prompt[start:end].lower(), start, end, tokens))
    return TokenizedPrompt(prompt, tuple(coded["input_ids"]), tuple(words))


def find_word(tokenized: TokenizedPrompt, query: str) -> Word:
    """The word that ``query`` names: "cat", or "cat#2" for its second occurrence.

    Raises:
        PromptError: when the prompt has no such word, or has it more than once and no number is given.
    """
    text, number = query.strip().lower(), None
    numbered = _NUMBERED.fullmatch(text)
    if numbered:
        text, number = numbered[1], int(numbered[2])
    found = [word for word in tokenized.words if word.text == text]
    if not found:
        raise PromptError(f'There is no word "{text}" in the prompt "{tokenized.prompt}".', _suggest(tokenized, text))
    choices = ", ".join(f"{text}#{place}" for place in range(1, len(found) + 1))
    if number is None and len(found) > 1:
        raise PromptError(f'The word "{text}" is {len(found)} times in "{tokenized.prompt}".', f"say which: {choices}")
    if number is not None and not 1 <= number <= len(found):
        raise PromptError(f'There is no "{text}#{number}" in the prompt "{tokenized.prompt}".', f"there is: {choices}")
    return found[(number or 1) - 1]


def unknown_words(known: Collection[str] | None, tokenized: TokenizedPrompt) -> list[str]:
    """The prompt's words that are not among ``known``, each once, in order; none where ``known`` is None."""
    if known is None:
        return []
    return list(dict.fromkeys(word.text for word in tokenized.words if word.text not in known))


def _in_word(char: str) -> bool:
    """Letters, numbers, and the combining marks that belong to a letter."""
    return unicodedata.category(char)[0] in "LNM"


def _suggest(tokenized: TokenizedPrompt, text: str) -> str:
    counts = Counter(word.text for word in tokenized.words)
    near = difflib.get_close_matches(text, counts, n=1)
    words = ", ".join(counts) or "none"
    return (f"did you mean {near[0]}? " if near else "") + f"words of the prompt: {words}"
