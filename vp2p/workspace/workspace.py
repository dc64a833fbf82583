"""A workspace folder: made by ``init``, found from anywhere inside it, and its runs listed."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import Collection, Sequence

from vp2p.atomic import TEMPORARY_PREFIX
from vp2p.errors import ArtifactError, NoWorkspaceError, UsageError
from vp2p.text import typed
from vp2p.workspace.config import NAME as CONFIG
from vp2p.workspace.config import WorkspaceConfig, read_config
from vp2p.workspace.create import making, taken
from vp2p.workspace.layout import STAGES
from vp2p.workspace.lock import holder
from vp2p.workspace.lookup import find
from vp2p.workspace.names import check_edit_name, cut_name
from vp2p.workspace.run_settings import read as read_settings
from vp2p.workspace.runs import Redo, RunFolder
from vp2p.workspace.tags import Tags

_ID_DIGITS = 12
_INIT = 'vp2p init {} --video VIDEO --prompt "what the video shows"'
_log = logging.getLogger(__name__)


class Workspace:
    """The workspace in ``folder``, which holds a vp2p.yaml; made by :meth:`create` or :meth:`find`.

    ``redo`` says how a run of it is redone, for the hints of errors: see :func:`vp2p.stages.redo.redo`.
    """

    def __init__(self, folder: Path, redo: Redo | None = None) -> None:
        self.folder = folder
        self._redo = redo
        self._seen: dict[Path, RunFolder] = {}

    @classmethod
    def create(cls, folder: Path, config: WorkspaceConfig, redo: Redo | None = None) -> Workspace:
        """Make the workspace ``folder``; all of it appears at once, or nothing does.

        Args:
            folder: must not exist, or be empty.
            config: what goes into vp2p.yaml.

        Raises:
            UsageError: the folder exists and is not empty, or its name cannot be one.
            ArtifactError: the disk refuses.
        """
        folder = Path(folder).absolute()
        with making(folder, config) as new:
            if not new:
                raise taken(folder)
        return cls(folder, redo)

    @classmethod
    def find(cls, start: Path | None = None, explicit: Path | None = None, redo: Redo | None = None) -> Workspace:
        """The workspace the user means.

        Args:
            start: where to look, and upward from; None for the current folder.
            explicit: what ``-w`` named, taken in place of looking.

        Raises:
            NoWorkspaceError: there is none.
        """
        if explicit is not None:
            if not (Path(explicit) / CONFIG).is_file():
                raise NoWorkspaceError(
                    f"{explicit} is no workspace: it holds no {CONFIG}.", _INIT.format(typed(str(explicit)))
                )
            return cls(Path(explicit).absolute(), redo)
        here = Path.cwd() if start is None else Path(start).absolute()
        for folder in (here, *here.parents):
            if (folder / CONFIG).is_file():
                return cls(folder, redo)
        raise NoWorkspaceError(
            f"There is no {CONFIG} in {here} or above.", f"{_INIT.format('FOLDER')}, or name one by vp2p -w FOLDER"
        )

    @cached_property
    def config(self) -> WorkspaceConfig:
        """What vp2p.yaml says. Raises UsageError if it is damaged (see :func:`read_config`)."""
        return read_config(self.folder / CONFIG)

    @property
    def tags(self) -> Tags:
        """The names that runs were given."""
        return Tags(self.folder)

    @property
    def video(self) -> Path:
        """The path of the video, which need not exist any more."""
        return self.folder / self.config.video

    def run(self, stage: str, identity: str, name: str | None = None) -> RunFolder:
        """The folder of the run of ``stage`` with ``identity`` (64 hex digits), made or not.

        ``name`` names an edit and is given for no other stage. Raises UsageError if it may not be one.
        """
        if (stage == "edit") != (name is not None):
            raise ValueError("an edit has a name, and no other stage has")
        name = identity[:_ID_DIGITS] if name is None else check_edit_name(name)
        return RunFolder(self._stage(stage) / name, stage, identity, self._redo)

    def runs(self, stage: str) -> list[RunFolder]:
        """All runs of ``stage``, finished or not, in the order of their creation.

        A folder that does not say what it holds is passed over with a warning.
        """
        found = []
        root = self._stage(stage)
        for folder in root.iterdir() if root.is_dir() else ():
            if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
                continue
            try:
                run, created = self._run_at(folder)
            except ArtifactError as error:
                _log.warning("%s; passed over", error.cause)
                continue
            found.append((created, folder.name, run))
        return [run for _, _, run in sorted(found, key=lambda item: item[:2])]

    def _run_at(self, folder: Path) -> tuple[RunFolder, str]:
        """The run in a folder and when it was created; its record is read once as long as it stays the same."""
        known = self._seen.get(folder)
        try:
            if known is not None and known.record().identity == known.identity:
                return known, known.record().created
            run = self._seen[folder] = RunFolder.at(folder, self._redo)
            return run, run.record().created
        except ArtifactError:
            run = RunFolder.at(folder, self._redo)
            return run, read_settings(folder).created

    def newest(self, stage: str) -> RunFolder | None:
        """The finished run of ``stage`` that was created last, or None.

        Raises:
            ArtifactError: the manifest of a newer one is damaged.
        """
        return next((run for run in reversed(self.runs(stage)) if run.finished), None)

    def all_runs(self) -> list[RunFolder]:
        """The runs of every stage, stage by stage; see :meth:`runs`."""
        return [run for stage in STAGES for run in self.runs(stage)]

    def parents_of(self, run: RunFolder) -> dict[str, RunFolder]:
        """The runs that a run is made from, by stage; they need not be there any more.

        Raises:
            ArtifactError: its record is missing or damaged.
        """
        return {
            stage: RunFolder(self._stage(stage) / parent.name, stage, parent.identity or "", self._redo)
            for stage, parent in run.parents().items()
        }

    def strangers(self, runs: Sequence[RunFolder]) -> list[Path]:
        """The folders among the runs, besides ``runs``, that nobody is writing: they do not say what they hold."""
        known = {run.folder for run in runs}
        roots = [self._stage(stage) for stage in STAGES]
        paths = sorted(path for root in roots if root.is_dir() for path in root.iterdir() if path.is_dir())
        return [path for path in paths if path not in known and path.name[0] != "." and holder(path) is None]

    def by_name(self, stage: str, text: str) -> RunFolder:
        """The run of ``stage`` with this name, id or tag, or the only one whose name starts so.

        ``text`` may name the stage, too: ``tune/short``.

        Raises:
            UsageError: none or several match, or it names another stage; the hint lists names to type.
        """
        given, slash, rest = text.partition("/")
        if slash and given in STAGES:
            if given != stage:
                raise UsageError(f"{text!r} is no {stage} run.", f"give one of the runs under {stage}/: vp2p log")
            text = rest
        return find(self.runs(stage), self.tags.all(), text, stage)

    def find_run(self, text: str) -> RunFolder:
        """The run of any stage that ``text`` means, as for :meth:`by_name`, or ``stage/name``."""
        stage, slash, _ = text.partition("/")
        if slash and stage in STAGES:
            return self.by_name(stage, text)
        return find(self.all_runs(), self.tags.all(), text)

    def free_edit_name(self, base: str, besides: Collection[str] = ()) -> str:
        """``base``, or the first of ``base-2``, ``base-3``, … that no edit has, nor is among the names ``besides``.

        Raises:
            UsageError: ``base`` may not name an edit.
        """
        name = check_edit_name(base)
        root = self._stage("edit")
        # Some file systems take names that differ in case alone for one.
        names = [path.name for path in root.iterdir() if not _unused(path)] if root.is_dir() else []
        taken = {name.casefold() for name in (*names, *besides)}
        number = 1
        candidate = name
        while candidate.casefold() in taken:
            number += 1
            candidate = cut_name(name, f"-{number}")
        return candidate

    def _stage(self, stage: str) -> Path:
        if stage not in STAGES:
            raise ValueError(f"stage is {stage!r}, but must be one of {', '.join(STAGES)}")
        return self.folder / stage


def _unused(path: Path) -> bool:
    """Whether this is a folder in which a process that was killed had not even begun a run."""
    return path.is_dir() and all(file.name.startswith(TEMPORARY_PREFIX) for file in path.iterdir())
