"""Text of users and libraries as it may be shown or typed: nothing in it acts on a terminal."""

from __future__ import annotations

import re
import shlex
import unicodedata
from typing import Iterable

# What joins letters and emoji, and the tags of a flag after its emoji, is seen as it is meant.
_KEPT = re.compile("[\u200c\u200d]|(?<=\U0001f3f4)[\U000e0020-\U000e007f]+")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
LONGEST = 2000

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def visible(text: str, keep: str = "") -> str:
    """``text`` with control, direction and other unseen characters, and lone surrogates, as escapes such as ``\\x1b``.

    Args:
        keep: characters that stay as they are, such as a line break.
    """
    if text.isascii() and text.isprintable():
        return text
    parts, at = [], 0
    for match in _KEPT.finditer(text):
        parts += [_shown(text[at : match.start()], keep), match[0]]
        at = match.end()
    return "".join([*parts, _shown(text[at:], keep)])


def one_line(text: object, longest: int = LONGEST) -> str:
    """A message or a value on one line of at most ``longest`` characters, cut in its middle."""
    line = visible(" ".join(str(text).split()) if _breaks(str(text)) else str(text))
    if len(line) <= longest:
        return line
    half = (longest - 3) // 2
    return f"{line[:half]} … {line[-half:]}"


def shorten(value: object, longest: int = 200) -> str:
    """A plain value as a message names it: ``repr`` on one line, cut where it is long."""
    return one_line(_bounded(value, longest), longest)


def quoted(text: str, longest: int = LONGEST) -> str:
    """``text`` in quotes, on one line: what Python's ``repr`` says, but emoji and letters stay whole."""
    line = one_line(text.replace("\\", "\\\\") if text.isascii() else text, longest)
    return f'"{line}"' if "'" in line and '"' not in line else "'" + line.replace("'", "\\'") + "'"


def typed(word: str) -> str:
    """A word as a POSIX shell reads it, plain if it can be; with escapes by ``$'…'`` where it cannot be seen."""
    if visible(word) == word:
        return shlex.quote(word)
    return "$'" + "".join(_escaped_for_shell(char) for char in word) + "'"


def command_line(words: Iterable[str]) -> str:
    """Words as one command to type."""
    return " ".join(map(typed, words))


def _shown(text: str, keep: str) -> str:
    return "".join(char if char in keep or not _hidden(char) else _escape(char) for char in text)


def _hidden(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind in ("Cc", "Cf", "Cs", "Zl", "Zp") or char == "\u034f"


def _escape(char: str) -> str:
    at = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    return f"\\x{at:02x}" if at < 0x100 else f"\\u{at:04x}" if at < 0x10000 else f"\\U{at:08x}"


def _escaped_for_shell(char: str) -> str:
    if char in "'\\":
        return "\\" + char
    if 0xDC80 <= ord(char) <= 0xDCFF:  # a byte of a file name that is not UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return _escape(char) if _hidden(char) and char not in "\u200c\u200d" else char


def _breaks(text: str) -> bool:
    return any(char in text for char in "\n\r\u2028\u2029\x0b\x0c\x85")


def _bounded(value: object, longest: int) -> str:
    """``repr`` of plain values without building more of it than is shown: aliases in YAML may make it endless."""
    if isinstance(value, str):
        return quoted(value, longest)
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


def bytes_told(count: int) -> str:
    """A number of bytes in the unit that suits it."""
    number, unit = float(count), 0
    while number >= 1000 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.0f} {_UNITS[unit]}" if unit == 0 or number >= 100 else f"{number:.1f} {_UNITS[unit]}"
