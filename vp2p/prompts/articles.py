"""The article that a word wants in English: "a cat", but "an elephant"."""

from __future__ import annotations

import re

# Letters that are not said as they are written decide otherwise: "a unicorn", "an hour".
_AS_A_CONSONANT = re.compile(r"uni(?![dmn])|u(?:s[aeu]|t[eio]|fo|kul|r[aei])|eu|ew|one(?![a-z])|once", re.IGNORECASE)
_AS_A_VOWEL = re.compile(r"[aeiou]|hour|heir|hon(?:est|ou?r)|x-ray|8|1[18](?!\d)", re.IGNORECASE)


def article(word: str) -> str:
    """``"a"`` or ``"an"``, as the sound that ``word`` begins with wants it."""
    return "an" if _AS_A_VOWEL.match(word) and not _AS_A_CONSONANT.match(word) else "a"


def article_like(before: str, word: str) -> str:
    """The article that ``word`` wants, in capitals where the one ``before`` begins with one."""
    wanted = article(word)
    return wanted.capitalize() if before[0].isupper() else wanted
