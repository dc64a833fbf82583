"""Two prompts side by side, with the words marked that the other has not."""

from __future__ import annotations

from difflib import SequenceMatcher

from vp2p.prompts.words import word_spans
from vp2p.report.content import Piece


def marked(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both prompts in pieces; put together again they are the prompts, character for character."""
    spans = word_spans(before), word_spans(after)
    old_words = [_key(before[start:end]) for start, end in spans[0]]
    new_words = [_key(after[start:end]) for start, end in spans[1]]
    matcher = SequenceMatcher(None, old_words, new_words, autojunk=False)
    changed: tuple[set[int], set[int]] = set(), set()
    for what, old, old_end, new, new_end in matcher.get_opcodes():
        if what != "equal":
            changed[0].update(range(old, old_end))
            changed[1].update(range(new, new_end))
    return _pieces(before, spans[0], changed[0]), _pieces(after, spans[1], changed[1])


def changed_words(before: str, after: str) -> tuple[str, ...]:
    """The words of either prompt that the other has not, lower-case, each once."""
    pieces = [piece for prompt in marked(before, after) for piece in prompt if piece.changed]
    words = (piece.text[start:end].lower() for piece in pieces for start, end in word_spans(piece.text))
    return tuple(dict.fromkeys(words))


def _key(word: str) -> str:
    # As in the alignment of the edit: "a" before a cat and "an" before an owl are one word.
    word = word.lower()
    return "a" if word == "an" else word


def _pieces(prompt: str, spans: list[tuple[int, int]], changed: set[int]) -> tuple[Piece, ...]:
    """Neighbouring changed words make one piece, with what stands between them."""
    pieces: list[Piece] = []
    at = 0
    for number, (start, end) in enumerate(spans):
        if number not in changed:
            continue
        if pieces and number - 1 in changed:
            pieces[-1] = Piece(pieces[-1].text + prompt[at:end], True)
        else:
            pieces += [Piece(prompt[at:start], False)] if start > at else []
            pieces.append(Piece(prompt[start:end], True))
        at = end
    return (*pieces, Piece(prompt[at:], False)) if at < len(prompt) else tuple(pieces)
