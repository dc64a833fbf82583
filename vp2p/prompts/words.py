"""The words of a prompt and the tokens that each one became (for attention control by word)."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Collection

from vp2p.errors import PromptError
from vp2p.prompts.scripts import JOINERS, SELECTORS, category, clusters, is_picture, parts_freely, unspaced
from vp2p.text import one_line

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

_INNER_MARKS = "-'\u2019\u2010\u2011"
_LONG = "\u30fc"  # the mark of a long vowel, which both kinds of kana use
_NUMBERED = re.compile(r"(.+)#(\d{1,6})", re.DOTALL)
_ALIKE = str.maketrans({"\u2019": "'", "\u2010": "-", "\u2011": "-", **dict.fromkeys([*JOINERS, *SELECTORS])})


@dataclass(frozen=True)
class Word:
    """A word: lower-case ``text``, its characters ``[start, end)`` of the prompt, its token positions."""

    text: str
    start: int
    end: int
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class TokenizedPrompt:
    """A prompt, its token ids (begin and end token included, no padding) and its words.

    ``offsets`` are the characters ``[start, end)`` of each token; an empty span for begin and end.
    """

    prompt: str
    ids: tuple[int, ...]
    words: tuple[Word, ...]
    offsets: tuple[tuple[int, int], ...] = ()

    def tokens_in(self, start: int, end: int) -> tuple[int, ...]:
        """The positions of the tokens that hold some of the characters ``[start, end)``."""
        return tuple(at for at, (left, right) in enumerate(self.offsets) if left < end and start < right)


def word_spans(prompt: str) -> list[tuple[int, int]]:
    """Character spans of the words: runs of letters and digits, joined by single inner hyphens or apostrophes.

    An emoji is a word. In scripts without spaces a Han character is one, and a run of any other script.
    """
    spans: list[tuple[int, int]] = []
    before: object = None  # what the cluster before continues with: a kind of run, or None
    found = clusters(prompt)
    for place, (start, end) in enumerate(found):
        kind = before if prompt[start] == _LONG and before == "hiragana" else _run(prompt[start:end])
        if kind == before and kind not in (None, "han", "picture"):
            spans[-1] = (spans[-1][0], end)
        elif before == "letters" and prompt[start:end] in _INNER_MARKS and _continues(prompt, found, place + 1):
            spans[-1] = (spans[-1][0], end)
            kind = "letters"
        elif kind is not None:
            spans.append((start, end))
        before = kind
    return spans


def split_prompt(tokenizer: CLIPTokenizer, prompt: str) -> TokenizedPrompt:
    """``prompt`` as words with their token positions, by the tokenizer's own character offsets.

    Punctuation is no word, but its tokens are among the ids: in "a cat, red" the word is "cat". Words
    that share a token, such as two emoji, are one.
    """
    coded = tokenizer(prompt, return_offsets_mapping=True, verbose=False)
    offsets = tuple(map(tuple, coded["offset_mapping"]))
    words: list[Word] = []
    for start, end in word_spans(prompt):
        word = _word(prompt, offsets, start, end)
        if words and set(word.tokens) & set(words[-1].tokens):
            word = _word(prompt, offsets, words.pop().start, end)
        words.append(word)
    return TokenizedPrompt(prompt, tuple(coded["input_ids"]), tuple(words), offsets)


def find_word(tokenized: TokenizedPrompt, query: str) -> Word:
    """The word that ``query`` names: "cat", or "cat#2" for its second occurrence.

    Also any other part of the prompt can be named that begins and ends between tokens and, unless its
    script has no spaces, between words: "$5", "C++", and a word inside a Chinese sentence.

    Raises:
        PromptError: when the prompt has no such word, or has it more than once and no number is given.
    """
    text, number = _read(tokenized, query)
    found = _named(tokenized, text)
    shown = one_line(text, 80)
    sentence = one_line(tokenized.prompt, 500)
    if not found:
        raise PromptError(f'There is no word "{shown}" in the prompt "{sentence}".', _suggest(tokenized, text))
    choices = ", ".join(f"{shown}#{place}" for place in range(1, len(found) + 1))
    if number is None and len(found) > 1:
        raise PromptError(f'The word "{shown}" is {len(found)} times in "{sentence}".', f"say which: {choices}")
    if number is not None and not 1 <= number <= len(found):
        raise PromptError(f'There is no "{shown}#{number}" in the prompt "{sentence}".', f"there is: {choices}")
    return found[(number or 1) - 1]


def holds(tokenized: TokenizedPrompt, query: str) -> bool:
    """Whether the prompt has what ``query`` names, once or more, whatever its number."""
    return bool(_named(tokenized, _read(tokenized, query)[0]))


def part(tokenized: TokenizedPrompt, start: int, end: int) -> Word | None:
    """The characters ``[start, end)`` as a word, or None where they can be none: a border cuts a token or a word."""
    borders = _borders(tokenized)
    return _word(tokenized.prompt, tokenized.offsets, start, end) if start in borders and end in borders else None


def number_in(prompt: str, text: str, at: int) -> int:
    """Which occurrence of ``text`` begins at the character ``at``, from 1."""
    starts = [start for start, end in word_spans(prompt) if key(prompt[start:end]) == key(text)]
    if at not in starts:
        starts = [start for start, _ in clusters(prompt) if prompt[start:].lower().startswith(text.lower())]
    return sum(start <= at for start in starts)


def key(text: str) -> str:
    """What equal words have in common: case, and how accents are composed, do not count."""
    return unicodedata.normalize("NFC", text.lower())


def unknown_words(known: Collection[str] | None, tokenized: TokenizedPrompt) -> list[str]:
    """The prompt's words that are not among ``known``, each once, in order; none where ``known`` is None."""
    if known is None:
        return []
    return list(dict.fromkeys(word.text for word in tokenized.words if word.text not in known))


def _run(cluster: str) -> str | None:
    """What a cluster goes on with: letters, a script without spaces, a picture, or no word at all."""
    if is_picture(cluster):
        return "picture"
    if category(cluster[0]) not in "LN" and not (category(cluster[0]) == "M" and unspaced(cluster[0])):
        return None
    return unspaced(cluster[0]) or "letters"


def _continues(prompt: str, found: list[tuple[int, int]], place: int) -> bool:
    return place < len(found) and _run(prompt[slice(*found[place])]) == "letters"


def _word(prompt: str, offsets: tuple[tuple[int, int], ...], start: int, end: int) -> Word:
    tokens = tuple(at for at, (left, right) in enumerate(offsets) if left < end and start < right)
    return Word(prompt[start:end].lower(), start, end, tokens)


def _read(tokenized: TokenizedPrompt, query: str) -> tuple[str, int | None]:
    """A query's text and number. A number sign that stands in the prompt itself is a part of the text."""
    text = query.strip().lower()
    numbered = _NUMBERED.fullmatch(text)
    if numbered and not _named(tokenized, text):
        return numbered[1], int(numbered[2])
    return text, None


def _named(tokenized: TokenizedPrompt, text: str) -> list[Word]:
    """The words called ``text``; else the words much like it; else the parts of the prompt that read so."""
    for alike in (key, _loose):
        if found := [word for word in tokenized.words if alike(word.text) == alike(text)]:
            return found
    return _parts(tokenized, key(text)) if key(text) else []


def _loose(text: str) -> str:
    """As :func:`key`; nor do width, joiners, the look of emoji, and the shape of apostrophes and hyphens count."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE)
    return unicodedata.normalize("NFC", folded.replace("i\u0307", "i"))


def _parts(tokenized: TokenizedPrompt, wanted: str) -> list[Word]:
    """The parts of the prompt between its borders that read ``wanted``, without overlaps."""
    borders = _borders(tokenized)
    found: list[Word] = []
    for place, start in enumerate(borders):
        if found and start < found[-1].end:
            continue
        for end in borders[place + 1 :]:
            text = key(tokenized.prompt[start:end])
            if text == wanted:
                word = _word(tokenized.prompt, tokenized.offsets, start, end)
                found += [word] if word.tokens else []
            if len(text) >= len(wanted):
                break
    return found


def _borders(tokenized: TokenizedPrompt) -> list[int]:
    """Where a part that is named may begin or end: between tokens, between clusters, and not inside a spaced word."""
    prompt = tokenized.prompt
    borders = {0, len(prompt), *(start for start, _ in clusters(prompt))}
    for start, end in tokenized.offsets:
        borders.difference_update(range(start + 1, end))
    for word in tokenized.words:
        inside = range(word.start + 1, word.end)
        borders -= {at for at in inside if not (parts_freely(prompt[at - 1]) or parts_freely(prompt[at]))}
    # A character that is composed of several has its tokens at the first of them.
    starts = {start for start, end in tokenized.offsets if start < end}
    return sorted(at for at in borders if at in starts or at in (0, len(prompt)) or _ends(tokenized, at))


def _ends(tokenized: TokenizedPrompt, at: int) -> bool:
    """Whether a border without a token of its own stands at white space."""
    return tokenized.prompt[at].isspace() or tokenized.prompt[at - 1].isspace()


def _suggest(tokenized: TokenizedPrompt, text: str) -> str:
    counts = Counter(word.text for word in tokenized.words)
    near = difflib.get_close_matches(text[:200], counts, n=1)
    words = one_line(", ".join(counts) or "none", 500)
    told = (f"did you mean {near[0]}? " if near else "") + f"words of the prompt: {words}"
    if any(unspaced(word.text[0]) for word in tokenized.words):
        told += '; parts of these, and several together, can be named, too; or give a new sentence by --prompt "…"'
    return told
