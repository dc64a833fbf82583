"""Tags: names for runs, one small file each, so that no two processes write one file for different names."""

from __future__ import annotations

import logging
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Sequence

from vp2p.errors import ArtifactError, UsageError
from vp2p.plain import PlainError, read_yaml
from vp2p.text import shorten
from vp2p.workspace.atomic import check_unlinked, remove_abandoned, write_yaml, writing
from vp2p.workspace.layout import STAGES, TAGS
from vp2p.workspace.lock import run_lock
from vp2p.workspace.names import check_tag_name
from vp2p.workspace.runs import RunFolder
from vp2p.workspace.seal import YAML_FORMAT, DamagedError, check_seal, read_file, sealed

_KEYS = ("stage", "run", "identity", "created")
_SECONDS_TO_WAIT = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tag:
    """A name for the run ``stage``/``run`` of this identity; ``created`` is an ISO time."""

    name: str
    stage: str
    run: str
    identity: str
    created: str

    def means(self, run: RunFolder) -> bool:
        """Whether it names this very run."""
        return (self.stage, self.run, self.identity) == (run.stage, run.name, run.identity)


class Tags:
    """The tags of the workspace in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._workspace = folder
        self.folder = folder / TAGS

    def all(self) -> list[Tag]:
        """All tags by name; one that is damaged is passed over with a warning."""
        found = []
        for path in self.paths():
            try:
                found.append(read_tag(path))
            except ArtifactError as error:
                _log.warning("%s; passed over", error.cause)
        return found

    def paths(self) -> list[Path]:
        """The files of the tags, damaged or not."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if not path.name.startswith("."))

    def check(self, name: str, run: RunFolder) -> str:
        """``name`` as it is kept, if ``run`` may have it: nothing has it yet, or this run, or one that is gone.

        Raises:
            UsageError: it may not be a tag, or another run has it.
        """
        name = check_tag_name(name)
        # Some file systems take names that differ in case alone for one.
        for tag in self.all():
            if tag.name.casefold() == name.casefold() and not tag.means(run) and self._there(tag):
                raise UsageError(
                    f"The tag {tag.name} names {tag.stage}/{tag.run} already.",
                    f"give another name, or: vp2p tag --delete {tag.name}",
                )
        return name

    def set(self, name: str, run: RunFolder, move: bool = False) -> Tag:
        """Name ``run``; with ``move`` the tag may be another run's until now.

        Raises:
            UsageError: see :meth:`check`.
            ArtifactError: the disk refuses.
        """
        check_unlinked(self.folder)
        with run_lock(self.folder / check_tag_name(name), _SECONDS_TO_WAIT):
            with writing(self.folder):
                remove_abandoned(self.folder)
            name = check_tag_name(name) if move else self.check(name, run)
            created = datetime.now(timezone.utc).isoformat(timespec="microseconds")
            tag = Tag(name, run.stage, run.name, run.identity, created)
            known = next((other for other in self.all() if other.name == name and other.means(run)), None)
            if known is None:
                values = {"format": YAML_FORMAT, "name": name, **{key: getattr(tag, key) for key in _KEYS}}
                write_yaml(self.folder / name, sealed(values))
            return known or tag

    def delete(self, name: str, only: Tag | None = None) -> None:
        """Take a tag away; the run stays.

        Args:
            only: what the tag must say, or it stays: another process may have given it to another run.

        Raises:
            UsageError: there is none.
            ArtifactError: the disk refuses.
        """
        check_unlinked(self.folder)
        path = self.folder / unicodedata.normalize("NFC", name)
        if path not in self.paths():
            known = ", ".join(path.name for path in self.paths())
            raise UsageError(f"There is no tag {name!r}.", f"known: {known}" if known else "vp2p tag NAME RUN")
        with writing(path), run_lock(path, _SECONDS_TO_WAIT):
            if only is None or path.exists() and read_tag(path) == only:
                path.unlink(missing_ok=True)

    def _there(self, tag: Tag) -> bool:
        return (self._workspace / tag.stage / tag.run).is_dir()


def names_of(tags: Sequence[Tag], run: RunFolder) -> tuple[str, ...]:
    """Those of ``tags`` that name this run."""
    return tuple(tag.name for tag in tags if tag.means(run))


def read_tag(path: Path) -> Tag:
    """The tag in the file ``path``. Raises ArtifactError if it is missing or damaged."""
    hint = f"vp2p tag --delete {path.name}"
    try:
        values = read_yaml(read_file(path))
        if not isinstance(values, dict):
            raise DamagedError("it names no run")
        check_seal(values)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", hint) from error
    except (DamagedError, PlainError) as error:
        raise ArtifactError(f"{path} is damaged: {error}.", hint) from error
    named = {key: value for key, value in values.items() if key not in ("format", "checksum")}
    own = named.pop("name", unicodedata.normalize("NFC", path.name))  # older ones are known by their file alone
    if own != unicodedata.normalize("NFC", path.name):
        raise ArtifactError(f"{path} is damaged: it is the tag {shorten(own)}.", hint)
    whole = set(named) == set(_KEYS) and all(isinstance(value, str) for value in named.values())
    if not whole or named["stage"] not in STAGES:
        raise ArtifactError(f"{path} is damaged: it names no run.", hint)
    return Tag(path.name, **named)
