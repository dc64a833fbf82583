"""Names that may become file names: those of edits, of tags, and of files in a run folder."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath

from vp2p.errors import UsageError

_MAX_CHARACTERS = 64
# A file name may have 255 bytes on common file systems; some are left for lock and temporary names.
_MAX_BYTES = 200
# Names made of words stay short enough to be read in a table.
_FROM_WORDS = 48
# What only says how an emoji looks, or how letters join.
_UNSEEN = dict.fromkeys([*range(0xFE00, 0xFE10), 0x20E3, 0x200C, 0x200D])
_ID = re.compile(r"[0-9a-f]{12,64}")


def check_edit_name(name: str) -> str:
    """``name`` in Unicode normal form C, if it may name an edit.

    Raises:
        UsageError: it is empty, longer than 64 characters, starts with ``.`` or ``-``, or holds
            anything but letters and digits of any script, ``.``, ``_`` and ``-``.
    """
    return _checked(name, "edit", "--name letters")


def check_workspace_name(name: str) -> str:
    """``name`` in Unicode normal form C, if it may name a workspace's folder beside others; as for an edit.

    Raises:
        UsageError: it may not.
    """
    return _checked(name, "workspace", "letters")


def check_tag_name(name: str) -> str:
    """``name`` in Unicode normal form C, if it may be a tag; as for an edit, and it may not look like a run's id.

    Raises:
        UsageError: it may not.
    """
    name = _checked(name, "tag", "letters")
    if _ID.fullmatch(name):
        raise UsageError(f"The tag {name!r} looks like the id of a run.", "give it a name of its own, such as short")
    return name


def _checked(name: str, what: str, start: str) -> str:
    hint = f"give {start}, digits, . _ or -, at most 64, not starting with . or -"
    name = unicodedata.normalize("NFC", name)
    if not name:
        raise UsageError(f"The name of the {what} is empty.", hint)
    if len(name) > _MAX_CHARACTERS or len(name.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        raise UsageError(f"The name {name[:20]!r}… of the {what} is too long: {len(name)} characters.", hint)
    if name[0] in ".-":
        raise UsageError(f"The name {name!r} of the {what} starts with {name[0]!r}.", hint)
    for character in name:
        if character not in "._-" and unicodedata.category(character)[0] not in "LMN":
            raise UsageError(f"The name {name!r} of the {what} holds {character!r}.", hint)
    return name


def file_in(folder: Path, name: str) -> Path:
    """The path of the file ``name``, such as ``edited.mp4`` or ``edited/0001.png``, in ``folder``.

    Raises:
        UsageError: ``name`` is empty or absolute, or leads out of the folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or "\0" in name or "\\" in name or ".." in parts or PurePosixPath(name).is_absolute():
        raise UsageError(f"{name!r} is no file of a run.", f"name a file in {folder}")
    return folder.joinpath(*parts)


def name_of_words(text: str) -> str:
    """A name of at most 48 characters that is made of any text; empty where nothing of it can be read.

    Letters, digits and their marks stay; an emoji or sign gives its Unicode name: ``dog-face``.
    """
    name = unicodedata.normalize("NFC", "".join(map(_in_name, text.translate(_UNSEEN))))
    name = re.sub("-*\0[-\0]*", "-", name).strip("-._")
    while len(name) > _FROM_WORDS or len(name.encode("utf-8", "surrogatepass")) > _MAX_BYTES - 20:
        cut = name[: min(_FROM_WORDS, len(name) - 1)]
        marks = len(name) > len(cut) and unicodedata.category(name[len(cut)])[0] == "M"
        name = (cut.rstrip(cut[-1]) if marks and len(cut) > 1 else cut).rstrip("-._")
    return name


def _in_name(character: str) -> str:
    kind = unicodedata.category(character)
    if character in "._-" or kind[0] in "LMN":
        return character
    if kind[0] == "S" or character in "&%@*":
        told = unicodedata.name(character, "").lower().replace("emoji modifier fitzpatrick ", "")
        return f"\0{told.replace('regional indicator symbol letter ', 'flag ').replace(' ', '-')}\0"
    return "\0"


def cut_name(name: str, suffix: str) -> str:
    """``name`` with ``suffix``, shortened before the suffix where it would be too long for an edit."""
    while len(name + suffix) > _MAX_CHARACTERS or len((name + suffix).encode("utf-8")) > _MAX_BYTES:
        name = name[:-1]
    return name + suffix
