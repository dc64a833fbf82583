"""Words of scripts without spaces, parted where two prompts begin to differ and where they agree again.

Without spaces nothing says where a word ends, but an edit does: of two sentences, what both begin and
end with is the same, and what stands between is the word that changes.
"""

from __future__ import annotations

import dataclasses
from difflib import SequenceMatcher

from vp2p.prompts.scripts import clusters, parts_freely
from vp2p.prompts.words import TokenizedPrompt, Word, key, part


def parted(source: TokenizedPrompt, target: TokenizedPrompt) -> tuple[TokenizedPrompt, TokenizedPrompt]:
    """Both prompts with each changed unspaced word in up to three: what stays before, the change, what stays after."""
    before, after = ([key(word.text) for word in prompt.words] for prompt in (source, target))
    found: tuple[dict[Word, list[Word]], dict[Word, list[Word]]] = ({}, {})
    for what, i0, i1, j0, j1 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for old, new in zip(source.words[i0:i1], target.words[j0:j1]) if what == "replace" else ():
            if _unspaced(old) and _unspaced(new):
                found[0][old], found[1][new] = _parts(source, old, target, new)
    return _with(source, found[0]), _with(target, found[1])


def _unspaced(word: Word) -> bool:
    return all(parts_freely(word.text[start]) for start, _ in clusters(word.text))


def _with(prompt: TokenizedPrompt, parts: dict[Word, list[Word]]) -> TokenizedPrompt:
    if not parts:
        return prompt
    return dataclasses.replace(prompt, words=tuple(piece for word in prompt.words for piece in parts.get(word, [word])))


def _parts(source: TokenizedPrompt, old: Word, target: TokenizedPrompt, new: Word) -> tuple[list[Word], list[Word]]:
    """Both words in parts, whose ends are those that tokens allow on both sides."""
    mine, its = _clusters(source, old), _clusters(target, new)
    before = _alike(mine, its)
    after = _alike(mine[before:][::-1], its[before:][::-1])
    for head in range(before, -1, -1):
        for tail in range(after, -1, -1):
            pieces = _cut(source, old, mine, head, tail), _cut(target, new, its, head, tail)
            if pieces[0] and pieces[1]:
                return pieces
    return [old], [new]


def _clusters(prompt: TokenizedPrompt, word: Word) -> list[str]:
    text = prompt.prompt[word.start : word.end]
    return [text[start:end] for start, end in clusters(text)]


def _alike(one: list[str], other: list[str]) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other)) if key(a) != key(b)), min(len(one), len(other)))


def _cut(prompt: TokenizedPrompt, word: Word, found: list[str], head: int, tail: int) -> list[Word]:
    """A word in its first ``head`` clusters, its last ``tail``, and what is between; empty where a token forbids it."""
    first = word.start + sum(map(len, found[:head]))
    last = word.end - sum(map(len, found[len(found) - tail :]))
    spans = [(a, b) for a, b in ((word.start, first), (first, last), (last, word.end)) if a < b]
    pieces = [part(prompt, *span) for span in spans]
    return [piece for piece in pieces if piece] if all(pieces) else []
