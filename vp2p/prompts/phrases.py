"""The phrases of a prompt that an edit changes, and the edit of some of them alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Collection, Iterable, Sequence

from vp2p.prompts.blend_words import FUNCTION_WORDS
from vp2p.prompts.plan import EditPlan
from vp2p.prompts.swap import Swapped
from vp2p.prompts.words import TokenizedPrompt, Word, find_word, number_in
from vp2p.settings import EditSettings


@dataclass(frozen=True)
class Phrase:
    """The same part of both prompts: function words and what follows them, as characters ``[start, end)``.

    ``changed`` says whether the edit changes or re-weights a word of it.
    """

    source: tuple[int, int]
    target: tuple[int, int]
    changed: bool


def phrases(plan: EditPlan) -> list[Phrase]:
    """Both prompts from end to end: "a cat | is running | on the grass".

    A phrase begins at a function word that both prompts have there.
    """
    source, target = plan.source, plan.target
    old = _places(source, (span for span, _ in plan.alignment.same))
    new = _places(target, (span for _, span in plan.alignment.same))
    starts, before = [(0, 0)], (-1, -1)
    for pair in zip(old, new):
        if source.words[pair[0]].text in FUNCTION_WORDS:
            if before != (pair[0] - 1, pair[1] - 1):
                starts.append((source.words[pair[0]].start, target.words[pair[1]].start))
            before = pair
    ends = [*starts[1:], (len(source.prompt), len(target.prompt))]
    gone = [word.start for place, word in enumerate(source.words) if place not in old]
    come = [
        word.start
        for place, word in enumerate(target.words)
        if place not in new or bool((plan.weights.table[:, list(word.tokens)] != 1).any())
    ]
    return [
        Phrase((a, a_end), (b, b_end), any(a <= at < a_end for at in gone) or any(b <= at < b_end for at in come))
        for (a, b), (a_end, b_end) in zip(starts, ends)
    ]


def changed_phrases(plan: EditPlan) -> list[int]:
    """The places, among the phrases, of those that the edit changes."""
    return [place for place, part in enumerate(phrases(plan)) if part.changed]


def divides(plan: EditPlan, settings: EditSettings) -> bool:
    """Whether an edit may be made in layers: its words change in several phrases, and outline themselves."""
    wanted = settings.composite.per_phrase and settings.composite.paste and not settings.blend.given
    if not wanted or settings.blend.words or not plan.blend or not any(plan.blend):
        return False
    parts = phrases(plan)
    if plan.alignment.phrases and None in (_holding(parts, one) for one in plan.swaps):
        return False  # a swap of several phrases cannot be made in a part of them
    return sum(part.changed for part in parts) > 1


def changing_only(plan: EditPlan, settings: EditSettings, kept: Collection[int]) -> EditSettings:
    """The settings of an edit that changes only the phrases at the places ``kept`` among a plan's."""
    parts, prompt, starts = phrases(plan), "", []
    for place, part in enumerate(parts):
        starts.append(len(prompt))
        prompt += plan.target.prompt[slice(*part.target)] if place in kept else plan.source.prompt[slice(*part.source)]

    def moved(options: tuple[str, ...], sign: str) -> tuple[str, ...]:
        """Those of the options ``name + sign + value`` whose word stands in a kept phrase, with its name there."""
        found = []
        for option in options:
            name, _, value = option.rpartition(sign)
            word = find_word(plan.target, name.strip())
            place = max(place for place, part in enumerate(parts) if part.target[0] <= word.start)
            if place in kept:
                found.append(f"{_name(prompt, word, starts[place] - parts[place].target[0])}{sign}{value}")
        return tuple(found)

    said = settings.words
    words = replace(said, prompt=prompt, swap=(), reweight=moved(said.reweight, ":"), window=moved(said.window, "="))
    if plan.alignment.phrases:  # the swaps know which phrases stand for each other; a prompt does not
        swaps = tuple(swap for swap, one in zip(said.swap, plan.swaps) if _holding(parts, one) in kept)
        words = replace(words, prompt=None, swap=swaps)
    return replace(settings, words=words)


def _holding(parts: Sequence[Phrase], swap: Swapped) -> int | None:
    """The place of the phrase that a swap is made in; None where it reaches beyond one."""
    start, end = swap.old
    return next((at for at, part in enumerate(parts) if part.source[0] <= start and end <= part.source[1]), None)


def _places(prompt: TokenizedPrompt, spans: Iterable[tuple[int, ...]]) -> list[int]:
    """The places, among a prompt's words, of those with these tokens."""
    places = {tuple(word.tokens): place for place, word in enumerate(prompt.words)}
    return [places[span] for span in spans if span in places]


def _name(prompt: str, word: Word, moved: int) -> str:
    """What to call a word that stands ``moved`` characters further in ``prompt``, such as "cat#2"."""
    return f"{word.text}#{number_in(prompt, word.text, word.start + moved)}"
