"""One run of a stage: a folder that is unfinished and resumable until its manifest is written."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

from vp2p import __version__
from vp2p.atomic import make_folder, sync
from vp2p.errors import ArtifactError
from vp2p.text import typed
from vp2p.workspace import checkpoint, log, manifest, run_settings
from vp2p.workspace.atomic import check_unlinked, remove_leftovers, write_json, writing
from vp2p.workspace.command import rebuild_command
from vp2p.workspace.identity import file_digest
from vp2p.workspace.lock import lock_path
from vp2p.workspace.names import file_in
from vp2p.workspace.parents import Parent, to_record
from vp2p.workspace.record import FORMAT, Record, sealed

if TYPE_CHECKING:
    from torch import Tensor

_LOG = "log.jsonl"
_CHECKPOINT = "checkpoint"
_NO_ARTIFACTS = (run_settings.NAME, _LOG, manifest.NAME)


class RunFolder:
    """The folder of one run.

    Its one writer holds ``run_lock(path)`` and calls, in this order, :meth:`begin`, :meth:`resume`,
    :meth:`append_log` and :meth:`save_checkpoint` as it goes, and :meth:`finish`. Reading needs no lock.

    Args:
        path: the folder; need not exist.
        stage: ``source``, ``tune``, ``invert`` or ``edit``.
        identity: 64 hex digits that stand for all the run depends on.
    """

    def __init__(self, path: Path, stage: str, identity: str) -> None:
        self.folder = path
        self.stage = stage
        self.identity = identity
        self._known: tuple[object, Record] | None = None

    @classmethod
    def at(cls, path: Path) -> RunFolder:
        """The run that the folder ``path`` says it holds; its stage is the name of the folder above.

        Raises:
            ArtifactError: neither of its records can be read.
        """
        run = cls(path, path.parent.name, "")
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
    def aside(self) -> Path:
        """Where the run is kept while it is made anew."""
        return self.folder.with_name(f".{self.name}.old")

    @property
    def rebuild(self) -> str:
        """What the user does to have this run made anew."""
        if self.stage == "source":
            return f"rm -r {typed(str(self.folder))}, then the same command again"
        return rebuild_command(self.folder, self.stage)

    @property
    def finished(self) -> bool:
        """Whether the folder holds a finished run of this very identity.

        Raises:
            ArtifactError: the manifest is damaged.
        """
        return self._has_manifest and self.record().identity == self.identity

    @property
    def lost_its_manifest(self) -> bool:
        """Whether the run was finished, by its settings.yaml, but its manifest is gone and nobody is writing it."""
        if self._has_manifest or lock_path(self.folder).exists():
            return False
        try:
            return self.record().finished
        except ArtifactError:
            return False

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
            found = self.manifest() if self._has_manifest else run_settings.read(self.folder)
            self._known = state, found
        return self._known[1]

    def manifest(self) -> Record:
        """What the manifest records. Raises ArtifactError if it is missing, damaged or of a newer format."""
        return manifest.read(self.folder, lambda: self.rebuild)

    def parents(self) -> Mapping[str, Parent]:
        """The runs that this one is made from, by stage.

        Raises:
            ArtifactError: its record is missing or damaged.
        """
        return self.record().parents

    @property
    def _has_manifest(self) -> bool:
        return os.path.lexists(self.folder / manifest.NAME)

    def _state(self) -> object:
        """What tells one state of the record's file from another; None where there is no file."""
        for name in (manifest.NAME, run_settings.NAME):
            try:
                found = os.lstat(self.folder / name)
            except OSError:
                continue
            return name, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
        return None

    @property
    def step(self) -> int:
        """The step that an unfinished run goes on from, as its newest checkpoint's name says."""
        return checkpoint.newest_step(self.folder / _CHECKPOINT)

    def begin(self, settings: Mapping[str, Any], parents: Mapping[str, RunFolder] | None = None) -> None:
        """Make the folder, with settings.yaml in it, or take it up again.

        Args:
            settings: plain values.
            parents: the runs that this one is made from, by stage.

        Raises:
            ArtifactError: the folder holds a finished run or one of another identity, its
                settings.yaml is damaged, or the disk refuses.
        """
        created = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        self.check_unlinked()
        if self._has_manifest:
            raise ArtifactError(f"{self.folder} holds a finished run.", self.rebuild)
        if (self.folder / run_settings.NAME).exists():
            known = run_settings.read(self.folder)
            if known.identity != self.identity:
                raise ArtifactError(f"{self.folder} holds an unfinished run with other settings.", self.rebuild)
            created = known.created
        with writing(self.folder):
            make_folder(self.folder)
            remove_leftovers(self.folder)
        run_settings.write(self.folder, self._head(created, parents or {}), settings)
        with writing(self.folder):
            # Also where a run that was killed had made them.
            sync(self.folder.parent)
            sync(self.folder.parent.parent)

    def resume(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The newest whole checkpoint as (tensors on the CPU, meta), or None to start at step 0.

        Cuts the log back to the step the run goes on from, so that in the end it equals the log of
        an unbroken run.
        """
        found = self.load_checkpoint()
        log.truncate_log(self.folder / _LOG, found[1]["step"] if found else 0)
        return found

    def load_checkpoint(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """As :meth:`resume`, but changes nothing."""
        return checkpoint.load_checkpoint(self.folder / _CHECKPOINT)

    def save_checkpoint(self, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
        """Keep the state after ``meta["step"]`` steps; see :func:`checkpoint.save_checkpoint`."""
        self._sync_log()  # the run goes on behind these lines
        checkpoint.save_checkpoint(self.folder / _CHECKPOINT, tensors, meta)

    def append_log(self, entry: Mapping[str, Any]) -> None:
        """Add one line, with an int ``step`` counted from 0, to log.jsonl."""
        log.append_log(self.folder / _LOG, entry)

    def read_log(self) -> list[dict[str, Any]]:
        """The entries of log.jsonl, oldest first; none if there is no log.

        Raises:
            ArtifactError: the log of a finished run is not as it was recorded.
        """
        record = self.manifest().records.get(_LOG) if self._has_manifest else None
        if record is not None:
            manifest.verify_artifact(self.folder / _LOG, record, lambda: self.rebuild)
        return log.read_log(self.folder / _LOG)

    def finish(self, parents: Mapping[str, RunFolder], settings: Mapping[str, Any]) -> None:
        """Record every artifact's checksum, write the manifest last, and drop the checkpoint.

        Args:
            parents: the runs this one was made from, by stage.
            settings: the resolved settings, plain values.

        Raises:
            ArtifactError: the disk refuses, or settings.yaml is damaged.
        """
        self._sync_log()
        head = self._head(run_settings.read(self.folder).created, parents)
        with writing(self.folder):
            remove_leftovers(self.folder)
        run_settings.write(self.folder, head, settings, finished=True)
        with writing(self.folder):
            artifacts = {}
            folders = {self.folder}
            for path in self._artifacts():
                sync(path)
                folders.add(path.parent)
                artifacts[path.relative_to(self.folder).as_posix()] = _fingerprint(path)
            for folder in folders:
                sync(folder)
            others = [path for name in (run_settings.NAME, _LOG) if (path := self.folder / name).exists()]
            records = {path.name: _fingerprint(path) for path in others}
        written = {"format": FORMAT, "name": self.name, **head, "settings": dict(settings)}
        written |= {"vp2p": __version__, "artifacts": artifacts, "records": records}
        write_json(self.folder / manifest.NAME, sealed(written))
        self.tidy()

    def _head(self, created: str, parents: Mapping[str, RunFolder]) -> dict[str, Any]:
        """How both records of the run begin."""
        return {"stage": self.stage, "identity": self.identity, "created": created, "parents": to_record(parents)}

    @property
    def untidy(self) -> bool:
        """Whether a process that was killed left its checkpoint in the finished run, or its lock beside it."""
        return (self.folder / _CHECKPOINT).exists() or lock_path(self.folder).exists()

    def tidy(self) -> None:
        """Drop the checkpoint of a finished run. Only the writer may call this."""
        shutil.rmtree(self.folder / _CHECKPOINT, ignore_errors=True)

    def verify(self) -> None:
        """Check every artifact against the manifest.

        Raises:
            ArtifactError: names the first file that is missing, unreadable or damaged.
        """
        for error in self.damage():
            raise error

    def damage(self, on_bytes: Callable[[int], None] | None = None, records: bool = False) -> Iterator[ArtifactError]:
        """What is wrong with the files of a finished run, each as the error to raise for it.

        Args:
            on_bytes: is told how many more bytes were read.
            records: look at settings.yaml and the log, too, which no result is made from.
        """
        try:
            found = self.manifest()
        except ArtifactError as error:
            yield error
            return
        for name, record in {**found.artifacts, **(found.records if records else {})}.items():
            try:
                manifest.verify_artifact(self.path(name), record, lambda: self.rebuild, on_bytes)
            except ArtifactError as error:
                yield error
        if records and not found.records:  # of an older format, which kept no checksum of it
            yield from self._contradictions(found)
        elif records and self._is_anothers(found):
            path = self.folder / manifest.NAME
            yield ArtifactError(f"{path} is damaged: it is of another run than settings.yaml.", self.rebuild)

    def _is_anothers(self, found: Record) -> bool:
        """Whether settings.yaml, which can be read, is of another run than the manifest."""
        try:
            return run_settings.read(self.folder).identity != found.identity
        except ArtifactError:
            return False

    def _contradictions(self, found: Record) -> Iterator[ArtifactError]:
        path = self.folder / run_settings.NAME
        try:
            said = run_settings.read(self.folder)
        except ArtifactError as error:
            yield ArtifactError(error.cause, self.rebuild)
            return
        for name in ("identity", "created", "settings"):
            if getattr(said, name) != getattr(found, name):
                yield ArtifactError(f"{path} is damaged: its {name} differ from the manifest's.", self.rebuild)

    def damaged_checkpoints(self) -> list[Path]:
        """The checkpoints of an unfinished run that cannot be used."""
        return checkpoint.damaged_checkpoints(self.folder / _CHECKPOINT)

    def clear(self) -> None:
        """Delete all that the folder holds, the manifest first, so that the run can be made anew.

        Raises:
            ArtifactError: the disk refuses, or the folder is a link.
        """
        check_unlinked(self.folder.parent, self.folder)
        with writing(self.folder):
            (self.folder / manifest.NAME).unlink(missing_ok=True)
            if self.folder.is_dir():
                sync(self.folder)
                shutil.rmtree(self.folder)

    def check_unlinked(self) -> None:
        """Raises ArtifactError if the folder, its stage's or something in it is a link: writers follow none."""
        inside = self.folder.iterdir() if self.folder.is_dir() else ()
        check_unlinked(self.folder.parent, self.folder, *inside)

    def _sync_log(self) -> None:
        path = self.folder / _LOG
        with writing(path):
            if path.exists():
                sync(path)
                sync(self.folder)

    def _artifacts(self) -> list[Path]:
        found = []
        for path in sorted(self.folder.rglob("*")):
            parts = path.relative_to(self.folder).parts
            hidden = any(part.startswith(".") for part in parts)
            if path.is_file() and not hidden and parts[0] not in (*_NO_ARTIFACTS, _CHECKPOINT):
                found.append(path)
        return found


def _fingerprint(path: Path) -> dict[str, Any]:
    return {"sha256": file_digest(path), "bytes": path.stat().st_size}
