"""One run of a stage: a folder that is unfinished and resumable until its manifest is written."""

from __future__ import annotations

import shlex
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

from vp2p import __version__
from vp2p.atomic import make_folder, sync
from vp2p.errors import ArtifactError
from vp2p.workspace import checkpoint, log, manifest, run_settings
from vp2p.workspace.atomic import check_unlinked, remove_leftovers, write_json, writing
from vp2p.workspace.command import rebuild_command
from vp2p.workspace.identity import file_digest
from vp2p.workspace.lock import lock_path
from vp2p.workspace.names import file_in
from vp2p.workspace.parents import Parent, from_record, to_record

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
            return f"rm -r {shlex.quote(str(self.folder))}, then the same command again"
        return rebuild_command(self.folder, self.stage)

    @property
    def finished(self) -> bool:
        """Whether the folder holds a finished run of this very identity.

        Raises:
            ArtifactError: the manifest is damaged.
        """
        return (self.folder / manifest.NAME).exists() and self.manifest()["identity"] == self.identity

    def path(self, name: str) -> Path:
        """The path of the artifact ``name``. Raises UsageError if it would lie outside the folder."""
        return file_in(self.folder, name)

    def manifest(self) -> dict[str, Any]:
        """The manifest. Raises ArtifactError if it is missing, damaged or of a newer format."""
        return manifest.read_manifest(self.folder, self.rebuild)

    def parents(self) -> dict[str, Parent]:
        """The runs that this one is made from, by stage.

        Raises:
            ArtifactError: its record is missing or damaged.
        """
        finished = (self.folder / manifest.NAME).exists()
        record = self.manifest() if finished else run_settings.read_run_settings(self.folder)
        return from_record(record["parents"])

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
        if (self.folder / manifest.NAME).exists():
            raise ArtifactError(f"{self.folder} holds a finished run.", self.rebuild)
        if (self.folder / run_settings.NAME).exists():
            known = run_settings.read_run_settings(self.folder)
            if known["identity"] != self.identity:
                raise ArtifactError(f"{self.folder} holds an unfinished run with other settings.", self.rebuild)
            created = known["created"]
        with writing(self.folder):
            make_folder(self.folder)
            remove_leftovers(self.folder)
        record = to_record(parents or {})
        run_settings.write_run_settings(self.folder, self.stage, self.identity, created, record, settings)
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
        """The entries of log.jsonl, oldest first; none if there is no log."""
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
        with writing(self.folder):
            remove_leftovers(self.folder)
            artifacts = {}
            folders = {self.folder}
            for path in self._artifacts():
                sync(path)
                folders.add(path.parent)
                name = path.relative_to(self.folder).as_posix()
                artifacts[name] = {"sha256": file_digest(path), "bytes": path.stat().st_size}
            for folder in folders:
                sync(folder)
        record = {
            "format": manifest.FORMAT,
            "stage": self.stage,
            "identity": self.identity,
            "name": self.name,
            "parents": to_record(parents),
            "settings": dict(settings),
            "created": run_settings.read_run_settings(self.folder)["created"],
            "vp2p": __version__,
            "artifacts": artifacts,
        }
        write_json(self.folder / manifest.NAME, manifest.sealed(record))
        self.tidy()

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

    def damage(self, on_bytes: Callable[[int], None] | None = None) -> Iterator[ArtifactError]:
        """What is wrong with the files of a finished run, each as the error to raise for it.

        Args:
            on_bytes: is told how many more bytes were read.
        """
        try:
            artifacts = self.manifest()["artifacts"]
        except ArtifactError as error:
            yield error
            return
        for name, record in artifacts.items():
            try:
                manifest.verify_artifact(self.path(name), record, self.rebuild, on_bytes)
            except ArtifactError as error:
                yield error

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
