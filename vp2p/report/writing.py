"""A page on the disk: whole or not at all, and never in place of a file that is not ours."""

from __future__ import annotations

import re
from pathlib import Path

from vp2p.atomic import Seen, sight
from vp2p.errors import ArtifactError, UsageError
from vp2p.report.media import Linked, Media, files_of
from vp2p.report.render import GENERATOR
from vp2p.text import typed
from vp2p.workspace.atomic import check_unlinked, remove_abandoned, write_bytes, write_text, writing

_OURS = f'<meta name="generator" content="{GENERATOR}'.encode()
_NEAR_THE_TOP = 2000  # bytes
_TRIES = 20  # another report may come between the look and the writing as often as there are others
_FILE = re.compile(r"[0-9a-f]{16}\.\w+")


def check_place(path: Path, force: bool) -> Seen:
    """What is at ``path``, where a page may be written; a folder may not be there, even with ``force``.

    Raises:
        UsageError: there is a folder, or a file that is no report; or no folder to hold it.
    """
    seen = sight(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", f"--out {path / 'report.html'}")
    if files_of(path).exists() and not files_of(path).is_dir():
        raise UsageError(f"{files_of(path)} is in the way of the page's files.", "--out another file")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", f"mkdir -p {typed(str(path.parent))}")
    if path.exists() and not force:
        with open(path, "rb") as stream:
            if _OURS not in stream.read(_NEAR_THE_TOP):
                raise UsageError(f"{path} is no report of vp2p.", "--force to replace it, or --out another file")
    return seen


def write_page(path: Path, text: str, media: Media, seen: Seen) -> None:
    """Writes a page and, first, the files it links to; those that no page needs any more go last.

    Args:
        seen: what :func:`check_place` saw. What has been put there since may be replaced if it is a report.

    Raises:
        UsageError: it is none.
        ArtifactError: the disk refuses; the page that was there stays, with its files.
    """
    files = media.files if isinstance(media, Linked) else {}
    folder = files_of(path)
    check_unlinked(folder)
    for name, data in files.items():
        if not (folder / name).exists():
            write_bytes(folder / name, data)
    _replace(path, text, seen)
    if folder.is_dir():
        with writing(folder):
            remove_abandoned(folder)
            for old in folder.iterdir():
                if _FILE.fullmatch(old.name) and old.name not in files:
                    old.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()


def _replace(path: Path, text: str, seen: Seen) -> None:
    """Writes the page in place of what was seen, or of a report that other processes write at the same time."""
    for tries_left in reversed(range(_TRIES)):
        try:
            write_text(path, text, seen if sight(path) == seen else check_place(path, force=False))
            return
        except ArtifactError as error:
            if not tries_left or not isinstance(error.__cause__, FileExistsError):
                raise
