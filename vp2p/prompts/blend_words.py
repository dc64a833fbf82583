"""Which words' attention outlines an edit: those named, else those that change."""

from __future__ import annotations

from vp2p.prompts.align import Alignment
from vp2p.prompts.scripts import unspaced
from vp2p.prompts.words import TokenizedPrompt, Word, find_word, holds

# Words that name no region of a picture; an added word that stands before one edits the whole picture.
FUNCTION_WORDS = frozenset(
    "a an the this that these those of on in at by to for from with without into onto over under near and or but "
    "is are was were be been being as it its his her their my your our".split()
)


def changed_words(prompt: TokenizedPrompt, alignment: Alignment, target: bool) -> list[Word]:
    """The words of one side that the other has not, in order; swapped, added and removed ones."""
    spans = [pair[target] for pair in alignment.replaced] + [*(alignment.added if target else alignment.removed)]
    changed = {token for span in spans for token in span}
    return [word for word in prompt.words if word.tokens and changed.issuperset(word.tokens)]


def blend_tokens(
    source: TokenizedPrompt,
    target: TokenizedPrompt,
    alignment: Alignment,
    reweighted: list[Word],
    names: tuple[str, ...],
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The token positions whose maps outline the edit, in the source and in the target.

    Without names: swapped words outline themselves. An added or re-weighted word outlines itself
    and the words it stands before, up to the next function word. An added word that stands before
    none changes the whole picture, and the result is None. No change gives two empty tuples.

    Raises:
        PromptError: a name is in neither prompt, or not unique.
    """
    if names:
        return _named(source, target, names)
    replaced = {token for _, span in alignment.replaced for token in span}
    old = {position for word in changed_words(source, alignment, target=False) for position in word.tokens}
    new: set[int] = set()
    partner: dict[tuple[int, ...], tuple[int, ...]] = {
        (at,): (before,) for pair in alignment.same for before, at in zip(*pair)
    }
    partner |= {tuple(pair[1]): pair[0] for pair in alignment.same}
    for word in changed_words(target, alignment, target=True) + reweighted:
        new |= set(word.tokens)
        if replaced.issuperset(word.tokens):
            continue
        described = _described(target, word, word in reweighted)
        if not described and word not in reweighted:
            return None  # a style or the like: it belongs to the whole picture
        for following in described + ([word] if word in reweighted else []):
            new |= set(following.tokens)
            pieces = [following.tokens] if following.tokens in partner else [(at,) for at in following.tokens]
            old |= {before for piece in pieces for before in partner.get(piece, ())}
    return tuple(sorted(old)), tuple(sorted(new))


def _described(target: TokenizedPrompt, word: Word, reweighted: bool) -> list[Word]:
    """What an added or re-weighted word says is seen on the words it stands before: "red cat".

    Without spaces no function word ends the phrase: an added word is seen on the very next one, a
    re-weighted one on itself.
    """
    following = [other for other in target.words if other.start >= word.end]
    if unspaced(word.text[-1]):
        return [other for other in following[:1] if other.start == word.end and not reweighted]
    ends = (place for place, other in enumerate(following) if other.text in FUNCTION_WORDS)
    return following[: next(ends, None)]


def _named(
    source: TokenizedPrompt, target: TokenizedPrompt, names: tuple[str, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    sides: tuple[set[int], set[int]] = (set(), set())
    for name in names:
        holding = [(side, prompt) for side, prompt in zip(sides, (source, target)) if holds(prompt, name)]
        if not holding:
            find_word(target, name)  # raises, and names the words there are
        for side, prompt in holding:
            side |= set(find_word(prompt, name).tokens)
    return tuple(sorted(sides[0])), tuple(sorted(sides[1]))
