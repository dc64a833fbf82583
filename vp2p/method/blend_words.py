"""Which words' attention outlines an edit: those named, else those that change."""

from __future__ import annotations

from vp2p.method.alignment import Alignment
from vp2p.models.words import TokenizedPrompt, Word, find_word

# Words that name no region of a picture; an added word that stands before one edits the whole picture.
FUNCTION_WORDS = frozenset(
    "a an the this that these those of on in at by to for from with without into onto over under near and or but "
    "is are was were be been being as it its his her their my your our".split()
)


def changed_words(prompt: TokenizedPrompt, alignment: Alignment, target: bool) -> list[Word]:
    """The words of one side that the other has not, in order; swapped, added and removed ones."""
    spans = {pair[1] if target else pair[0] for pair in alignment.swapped}
    spans |= set(alignment.added if target else alignment.removed)
    return [word for word in prompt.words if tuple(word.tokens) in spans]


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
    swapped = {tuple(pair[1]) for pair in alignment.swapped}
    old = {position for word in changed_words(source, alignment, target=False) for position in word.tokens}
    new: set[int] = set()
    partner = {tuple(pair[1]): pair[0] for pair in alignment.same}
    words = list(target.words)
    for word in changed_words(target, alignment, target=True) + reweighted:
        new |= set(word.tokens)
        if tuple(word.tokens) in swapped:
            continue
        # What an added or re-weighted word says is seen on the words it stands before: "red cat".
        described = []
        for following in words[words.index(word) + 1 :]:
            if following.text in FUNCTION_WORDS:
                break
            described.append(following)
        if not described and word not in reweighted:
            return None  # a style or the like: it belongs to the whole picture
        for following in described + ([word] if word in reweighted else []):
            new |= set(following.tokens)
            old |= set(partner.get(tuple(following.tokens), ()))
    return tuple(sorted(old)), tuple(sorted(new))


def _named(
    source: TokenizedPrompt, target: TokenizedPrompt, names: tuple[str, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    sides: tuple[set[int], set[int]] = (set(), set())
    for name in names:
        text = name.partition("#")[0].lower()
        holding = [
            (side, prompt)
            for side, prompt in zip(sides, (source, target))
            if any(word.text == text for word in prompt.words)
        ]
        if not holding:
            find_word(target, name)  # raises, and names the words there are
        for side, prompt in holding:
            side |= set(find_word(prompt, name).tokens)
    return tuple(sorted(sides[0])), tuple(sorted(sides[1]))
