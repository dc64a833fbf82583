"""Characters as people see them, and how scripts part words (Unicode Standard Annex 29, in short).

A cluster is what a reader takes for one character: a letter with its marks, an emoji with its joiners.
"""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_KEYCAP = "\u20e3"
_TONES = range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)
_TAGS = range(0xE0020, 0xE0080)
# So (Symbol, other) begins with signs of plain text, such as the degree sign; pictures come from here on.
_FIRST_PICTURE = 0x2190
# Scripts that are written without spaces. Each Han character is a word or a part of one that has a meaning.
_HAN = ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_UNSPACED = {
    "hiragana": ((0x3041, 0x309F),),
    "katakana": ((0x30A0, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),
    "thai": ((0x0E00, 0x0E7F),),
    "lao": ((0x0E80, 0x0EFF),),
    "tibetan": ((0x0F00, 0x0FFF),),
    "myanmar": ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
    "khmer": ((0x1780, 0x17FF), (0x19E0, 0x19FF)),
}
# Korean parts words by spaces, but its particles stand at the word itself.
_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF))


def clusters(text: str) -> list[tuple[int, int]]:
    """The characters ``[start, end)`` of each cluster, from end to end."""
    found: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        end = start + 1
        if ord(text[start]) in _FLAGS and end < len(text) and ord(text[end]) in _FLAGS:
            end += 1
        while end < len(text):
            if text[end - 1] == "\u200d" and is_picture(text[start]) and is_picture(text[end]):
                end += 1
            elif extends(text[end]) and not text[start].isspace():
                end += 1
            else:
                break
        found.append((start, end))
        start = end
    return found


def extends(char: str) -> bool:
    """Whether a character belongs to the one before it: marks, joiners, skin tones, tags of flags."""
    return category(char) == "M" or char in JOINERS or ord(char) in _TONES or ord(char) in _TAGS


def is_picture(cluster: str) -> bool:
    """Whether a cluster is an emoji or another picture, which is a word by itself."""
    first = ord(cluster[0])
    if cluster[1:] and ("\ufe0f" in cluster[1:] or _KEYCAP in cluster[1:]):
        return not cluster[0].isalpha()
    return first in _TONES or (first >= _FIRST_PICTURE and unicodedata.category(cluster[0]) == "So")


def unspaced(char: str) -> str | None:
    """The script of a character that is written without spaces between words, or None."""
    at = ord(char)
    if at < 0x0E00:
        return None
    if _within(at, _HAN):
        return "han"
    return next((name for name, ranges in _UNSPACED.items() if _within(at, ranges)), None)


def parts_freely(char: str) -> bool:
    """Whether a part of a word may be named where it begins or ends at such a character."""
    return unspaced(char) is not None or _within(ord(char), _HANGUL)


def category(char: str) -> str:
    """The first letter of a character's general category."""
    return unicodedata.category(char)[0]


def flag_letter(char: str) -> str | None:
    """The letter that a regional indicator stands for, two of which make a flag."""
    return chr(ord("a") + ord(char) - _FLAGS.start) if ord(char) in _FLAGS else None


def _within(at: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= at <= last for first, last in ranges)
