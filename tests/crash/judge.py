"""What any command may never do, however it was misled: what it says, and what it leaves alone."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Iterator

from tests.crash.trials import HUNG, Ended

CODES = (0, 1, 2, 3, 10, 11, 130, 143)
# Each of these says "error:" and "hint:"; a batch that failed in part (3) and a signal have words of their own.
_FAILURES = (1, 2, 10, 11)
# What moves a terminal's cursor, rings its bell, or turns the direction of what follows; and half characters.
_RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_LINE = 4000
Listing = dict[str, str]


def wrong(ended: Ended, words: tuple[str, ...] = ()) -> Iterator[str]:
    """What is wrong with the way a command ended and with what it said, one sentence each."""
    said = ended.out + ended.err
    if ended.code == HUNG:
        yield "hangs"
        return
    if "Traceback" in said:
        yield f"traceback: {said.strip().splitlines()[-1][:300]}"
    elif ended.code not in CODES:
        yield f"ended with {ended.code}: {said[-300:]!r}"
    elif ended.code in _FAILURES and not _told(ended):
        yield f"ended with {ended.code} and no cause or hint: {said[-300:]!r}"
    shown = _without(ended.out, words) + ended.err
    if found := _RAW.search(shown):
        at = found.start()
        yield f"prints {found[0]!r} raw: {shown[max(0, at - 40) : at + 40]!r}"
    if (long := max(map(len, ended.err.splitlines()), default=0)) > _LONGEST_LINE:
        yield f"prints a line of {long} characters"
    if "--json" in words and ended.code in (0, *_FAILURES) and not _is_json(ended.out):
        yield f"prints no envelope: {ended.out[-200:]!r}"


def _without(text: str, words: tuple[str, ...]) -> str:
    """``text`` but for the words that were typed: off a terminal, a path is printed as its very bytes."""
    for word in words:
        text = text.replace(word, "") if word else text
    return text


def _told(ended: Ended) -> bool:
    """Cause and hint; ``verify`` names each damage with a hint, and the help that no words bring is no error."""
    cause = re.search(r"^error: \S", ended.err, re.MULTILINE) or "✗" in ended.err
    return bool(cause and re.search(r"^ *hint: \S", ended.err, re.MULTILINE)) or "Usage:" in ended.out


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def listing(root: Path) -> Listing:
    """Everything below ``root`` by what it is: links are not followed, and what cannot be read is said to be so."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder) / name
            found[path.relative_to(root).as_posix()] = _is(path)
    return found


def _is(path: Path) -> str:
    if path.is_symlink():
        return f"a link to {os.readlink(path)}"
    if path.is_dir():
        return "a folder"
    if not path.is_file():
        return "no file"
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"unreadable: {error.strerror}"


def harmed(before: Listing, after: Listing, allowed: tuple[str, ...] = ()) -> list[str]:
    """What was there before and is now changed or gone, but for locks, and for names that begin so."""
    names = (name for name in before if after.get(name) != before[name] and not name.endswith(".lock"))
    names = (name for name in names if not name.startswith(allowed))
    return [f"{'changed' if name in after else 'took away'} {name}" for name in names]
