r"""Swaps with alternatives: ``cat=dog|rabbit`` asks for two edits, and several such swaps for every combination.

Alternatives stand behind the first equals sign. ``\|`` is a bar of the new word itself.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace

from vp2p.errors import PromptError, UsageError
from vp2p.settings import EditSettings
from vp2p.text import quoted

MOST = 16  # a slip of the keyboard should not ask for hours of work


def alternatives(settings: EditSettings) -> list[EditSettings]:
    """The edits that settings ask for, each once; one where no swap has alternatives.

    Raises:
        PromptError: an alternative is empty.
        UsageError: there are more than 16 combinations.
    """
    each = [_alternatives(swap) for swap in settings.words.swap]
    count = math.prod(map(len, each))
    if count > MOST:
        raise UsageError(
            f"These alternatives make {count} edits, but one command makes at most {MOST}.",
            "give fewer at a time; those that are made already are not made again",
        )
    return [replace(settings, words=replace(settings.words, swap=swaps)) for swaps in itertools.product(*each)]


def single(settings: EditSettings, hint: str) -> EditSettings:
    """The one edit that settings ask for.

    Args:
        hint: what to do where they ask for several.

    Raises:
        PromptError: an alternative is empty.
        UsageError: they ask for several.
    """
    made = alternatives(settings)
    if len(made) > 1:
        swaps = ", ".join(settings.words.swap)
        raise UsageError(f"The alternatives of {quoted(swaps, 80)} make {len(made)} edits, but one is asked for.", hint)
    return made[0]


def as_typed(swap: str) -> str:
    """A swap without alternatives as it is typed: a bar of the new word is marked."""
    old, sign, new = swap.partition("=")
    return old + sign + new.replace("|", r"\|")


def _alternatives(swap: str) -> list[str]:
    """The swaps that one with alternatives stands for."""
    old, sign, new = swap.partition("=")
    words = re.split(r"(?<!\\)\|", new)
    if len(words) > 1 and not all(map(str.strip, words)):
        raise PromptError(
            f"The swap {quoted(swap, 200)} has an empty alternative.",
            r'write it like --swap "cat=dog|rabbit"; a bar of a word itself is \|',
        )
    words = [word.strip() for word in words] if len(words) > 1 else words
    return list(dict.fromkeys(old + sign + word.replace(r"\|", "|") for word in words))
