"""Text that is shown to people: on one line, no longer than that, with nothing in it that steers a terminal."""

from __future__ import annotations

import unicodedata
from typing import Iterable

_LONGEST = 200  # characters of a value within a message
# Besides control characters: marks that turn the direction of text, and line and paragraph separators.
_HIDDEN = {"Cc", "Cs", "Zl", "Zp", "Co", "Cn"}
_DIRECTION = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: str, keep: str = "") -> str:
    """``text`` with control characters, escapes and marks of direction written out, such as ``\\x1b``.

    Args:
        keep: characters that stay as they are, such as a line break.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or not _hides(char) else _written(char) for char in text)


def shorten(value: object, longest: int = _LONGEST) -> str:
    """A value as a message names it: ``repr`` on one line, cut where it is long, whatever it holds."""
    text = _bounded(value, longest)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def one_line(text: str, longest: int = _LONGEST) -> str:
    """What a library says, on one line and cut where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _bounded(value: object, longest: int) -> str:
    """``repr`` of plain values without building more of it than is shown: aliases in YAML may make it endless."""
    if isinstance(value, str):
        return repr(value if len(value) <= longest else value[:longest] + "…")
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4 * longest:
        return "a number of very many digits"
    if isinstance(value, dict):
        return "{" + _joined(((_bounded(key, longest) + ": ", item) for key, item in value.items()), longest) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + _joined((("", item) for item in value), longest) + "]"
    return repr(value)


def _joined(items: Iterable[tuple[str, object]], longest: int) -> str:
    """Items, each with what stands before it, as far as they fit."""
    parts: list[str] = []
    for before, value in items:
        if longest <= 0:
            parts.append("…")
            break
        parts.append(before + _bounded(value, longest))
        longest -= len(parts[-1]) + 2
    return ", ".join(parts)


def _hides(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN or char in _DIRECTION


def _written(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii") if code < 0xD800 or code > 0xDFFF else f"\\u{code:04x}"
