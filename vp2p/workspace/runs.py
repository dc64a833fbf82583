"""One run of a stage: a folder that is unfinished and resumable until its manifest is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

from vp2p.errors import ArtifactError
from vp2p.workspace import checkpoint, log, manifest, run_settings
from vp2p.workspace.damage import OnBytes, check_file, damage
from vp2p.workspace.layout import CHECKPOINT, LOG, MANIFEST, SETTINGS
from vp2p.workspace.lock import lock_path
from vp2p.workspace.names import file_in
from vp2p.workspace.parents import Parent, closest
from vp2p.workspace.record import Record

if TYPE_CHECKING:
    from torch import Tensor


class RunFolder:
    """The folder of one run, as far as it can be read without its lock; and its log and checkpoints.

    Its one writer holds ``run_lock(folder)``, and takes it from the beginning to the end by the
    functions of :mod:`vp2p.workspace.lifecycle`.

    Args:
        path: the folder; need not exist.
        stage: one of :data:`vp2p.workspace.layout.STAGES`.
        identity: 64 hex digits that stand for all the run depends on.
        redo: says how a run is redone, for the hints of errors; None names the run alone.
    """

    def __init__(self, path: Path, stage: str, identity: str, redo: Redo | None = None) -> None:
        self.folder = path
        self.stage = stage
        self.identity = identity
        self._redo = redo
        self._known: tuple[object, Record] | None = None

    @classmethod
    def at(cls, path: Path, redo: Redo | None = None) -> RunFolder:
        """The run that the folder ``path`` says it holds; its stage is the name of the folder above.

        Raises:
            ArtifactError: neither of its records can be read.
        """
        run = cls(path, path.parent.name, "", redo)
        try:
            run.identity = run.record().identity
        except ArtifactError:
            run.identity = run_settings.read(path).identity  # the manifest is damaged, as `finished` will say
        return run

    def __repr__(self) -> str:
        return f"RunFolder({str(self.folder)!r}, {self.stage!r}, {self.identity!r})"

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def key(self) -> str:
        """``stage/name``, which names the run in its workspace."""
        return f"{self.stage}/{self.name}"

    @property
    def aside(self) -> Path:
        """Where the run is kept while it is redone."""
        return self.folder.with_name(f".{self.name}.old")

    @property
    def rebuild(self) -> str:
        """What the user does to redo this run, for the hint of an error."""
        return f"redo the run {self.key}" if self._redo is None else self._redo(self)

    @property
    def finished(self) -> bool:
        """Whether the folder holds a finished run of this very identity.

        Raises:
            ArtifactError: the manifest is damaged.
        """
        return self.has_manifest and self.record().identity == self.identity

    @property
    def has_manifest(self) -> bool:
        """Whether some run was finished here, this one or another."""
        return os.path.lexists(self.folder / MANIFEST)

    @property
    def lost_its_manifest(self) -> bool:
        """Whether the run was finished, by its settings.yaml, but its manifest is gone and nobody is writing it."""
        if self.has_manifest or lock_path(self.folder).exists():
            return False
        try:
            return self.record().finished
        except ArtifactError:
            return False

    @property
    def untidy(self) -> bool:
        """Whether a process that was killed left its checkpoint in the finished run, or its lock beside it."""
        return (self.folder / CHECKPOINT).exists() or lock_path(self.folder).exists()

    def path(self, name: str) -> Path:
        """The path of the artifact ``name``. Raises UsageError if it would lie outside the folder."""
        return file_in(self.folder, name)

    def record(self) -> Record:
        """What is recorded of the run: by its manifest if it is finished, else by its settings.yaml.

        Raises:
            ArtifactError: the record is missing or damaged, or of a newer format.
        """
        state = self._state()
        if self._known is None or state is None or self._known[0] != state:
            found = self.manifest() if self.has_manifest else run_settings.read(self.folder)
            self._known = state, found
        return self._known[1]

    def manifest(self) -> Record:
        """What the manifest records. Raises ArtifactError if it is missing, damaged or of a newer format."""
        return manifest.read(self.folder, self._hint)

    def parents(self) -> Mapping[str, Parent]:
        """The runs that this one is made from, by stage.

        Raises:
            ArtifactError: its record is missing or damaged.
        """
        return self.record().parents

    def parent_key(self) -> str | None:
        """The key of the run that this one is directly made from; None if it has none, or its record is damaged."""
        try:
            return closest(self.parents())
        except ArtifactError:
            return None

    def verify(self) -> None:
        """Check every artifact against the manifest.

        Raises:
            ArtifactError: names the first file that is missing, unreadable or damaged.
        """
        for error in self.damage():
            raise error

    def damage(self, on_bytes: OnBytes | None = None, records: bool = False) -> Iterator[ArtifactError]:
        """What is wrong with the files of a finished run; see :func:`vp2p.workspace.damage.damage`."""
        return damage(self.folder, self._hint, on_bytes, records)

    @property
    def step(self) -> int:
        """The step that an unfinished run goes on from, as its newest checkpoint's name says."""
        return checkpoint.newest_step(self.folder / CHECKPOINT)

    def load_checkpoint(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The newest whole checkpoint as (tensors on the CPU, meta), or None to start at step 0."""
        return checkpoint.load_checkpoint(self.folder / CHECKPOINT)

    def damaged_checkpoints(self) -> list[Path]:
        """The checkpoints of an unfinished run that cannot be used."""
        return checkpoint.damaged_checkpoints(self.folder / CHECKPOINT)

    def save_checkpoint(self, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
        """Keep the state after ``meta["step"]`` steps; see :func:`checkpoint.save_checkpoint`."""
        log.sync_log(self.folder / LOG)  # the run goes on behind these lines
        checkpoint.save_checkpoint(self.folder / CHECKPOINT, tensors, meta)

    def append_log(self, entry: Mapping[str, Any]) -> None:
        """Add one line, with an int ``step`` counted from 0, to log.jsonl."""
        log.append_log(self.folder / LOG, entry)

    def read_log(self) -> list[dict[str, Any]]:
        """The entries of log.jsonl, oldest first; none if there is no log.

        Raises:
            ArtifactError: the log of a finished run is not as it was recorded.
        """
        record = self.manifest().records.get(LOG) if self.has_manifest else None
        if record is not None:
            check_file(self.folder / LOG, record, self._hint)
        return log.read_log(self.folder / LOG)

    def _hint(self) -> str:
        return self.rebuild

    def _state(self) -> object:
        """What tells one state of the record's file from another; None where there is no file."""
        for name in (MANIFEST, SETTINGS):
            try:
                found = os.lstat(self.folder / name)
            except OSError:
                continue
            return name, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
        return None


Redo = Callable[[RunFolder], str]
