"""``vp2p verify``: every file of a workspace against what is recorded of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator, Sequence

from vp2p.errors import ArtifactError, Vp2pError
from vp2p.progress import Progress, silent
from vp2p.stages.redo import run_command
from vp2p.upkeep.sizes import in_megabytes
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.config import NAME as CONFIG
from vp2p.workspace.layout import MANIFEST, SETTINGS
from vp2p.workspace.lock import holder
from vp2p.workspace.tags import read_tag


@dataclass(frozen=True)
class Damage:
    """What is wrong, and the command that mends it."""

    cause: str
    hint: str


@dataclass(frozen=True)
class Verified:
    """One run, tag or file: how much of it was compared, and all that is wrong with it.

    ``state`` is ``finished``, ``interrupted`` or ``being written`` of a run, else empty.
    """

    name: str
    state: str
    files: int
    bytes: int
    damage: tuple[Damage, ...]


def verify(workspace: Workspace, named: Sequence[RunFolder] = (), progress: Progress = silent) -> tuple[Verified, ...]:
    """Compares the named runs, or vp2p.yaml, all runs and all tags, with their records."""
    there = workspace.all_runs()
    runs = list(named) or there
    total = sum(_bytes(run) for run in runs)
    on_bytes = in_megabytes(progress, "verify", total)
    found = [] if named else [_config(workspace)]
    found += [_run(run, there, on_bytes) for run in runs]
    return tuple(found if named else [*found, *_strangers(workspace, there), *_tags(workspace, there)])


def _config(workspace: Workspace) -> Verified:
    try:
        _ = workspace.config
    except Vp2pError as error:
        return Verified(CONFIG, "", 1, 0, (Damage(error.cause, error.hint),))
    return Verified(CONFIG, "", 1, (workspace.folder / CONFIG).stat().st_size, ())


def _run(run: RunFolder, there: Sequence[RunFolder], on_bytes: Callable[[int], None]) -> Verified:
    try:
        finished = run.finished
        artifacts = {**run.manifest().artifacts, **run.manifest().records} if finished else {}
    except ArtifactError as error:
        return Verified(run.key, "finished", 0, 0, (Damage(error.cause, error.hint),))
    errors = [*(run.damage(on_bytes, records=True) if finished else _unfinished(run, there)), *_parents(run, there)]
    state = "finished" if finished else "being written" if holder(run.folder) else "interrupted"
    size = sum(record["bytes"] for record in artifacts.values())
    return Verified(run.key, state, len(artifacts), size, tuple(Damage(one.cause, one.hint) for one in errors))


def _unfinished(run: RunFolder, there: Sequence[RunFolder]) -> Iterator[ArtifactError]:
    made = next((one for one in there if _is_made_from(one, run)), None)
    if run.lost_its_manifest or made is not None:
        why = f"{made.key} is made from it" if made is not None else "the run was finished"
        yield ArtifactError(f"{run.folder / MANIFEST} is missing, although {why}.", run.rebuild)
    if run.stage != "edit" and not run.identity.startswith(run.name):  # an edit's name is the user's
        yield ArtifactError(f"{run.folder / SETTINGS} is damaged: it is another run's.", run.rebuild)
    if holder(run.folder) is None:  # checkpoints come and go while it is written
        again = f"{run_command(run)}   (goes on from an older one, or starts over)"
        yield from (ArtifactError(f"{path} is damaged.", again) for path in run.damaged_checkpoints())


def _is_made_from(one: RunFolder, run: RunFolder) -> bool:
    try:
        parent = one.parents().get(run.stage) if one.finished and holder(run.folder) is None else None
    except ArtifactError:
        return False
    # A run that --force redoes is kept beside until it is finished.
    return parent is not None and parent.name == run.name and not run.aside.exists()


def _parents(run: RunFolder, there: Sequence[RunFolder]) -> Iterator[ArtifactError]:
    try:
        parents = run.parents()
    except ArtifactError as error:
        yield error
        return
    identities = {one.key: one.identity for one in there}
    for stage, parent in parents.items():
        key = f"{stage}/{parent.name}"
        if key not in identities:
            again = "vp2p tune   (reads the frames again)" if stage == "source" else "vp2p gc   (lists what can go)"
            yield ArtifactError(f"{key}, which {run.key} is made from, is gone.", again)
        elif parent.identity not in (None, identities[key]):
            yield ArtifactError(f"{run.key} is made from another {key} than is there.", run.rebuild)


def _strangers(workspace: Workspace, there: Sequence[RunFolder]) -> Iterator[Verified]:
    """Folders among the runs that do not say what they hold."""
    for path in workspace.strangers(there):
        if path.is_symlink():
            damage = Damage(f"{path} is a link, which no command follows.", "move the run itself there")
        else:
            damage = Damage(f"{path} does not say what it holds.", "vp2p gc   (lists what can go)")
        yield Verified(f"{path.parent.name}/{path.name}", "", 0, 0, (damage,))


def _tags(workspace: Workspace, there: Sequence[RunFolder]) -> Iterator[Verified]:
    for path in workspace.tags.paths():
        damage: tuple[Damage, ...] = ()
        try:
            tag = read_tag(path)
            if not any(tag.means(run) for run in there):
                cause = f"The tag {tag.name} names {tag.stage}/{tag.run}, which is gone."
                damage = (Damage(cause, f"vp2p tag --delete {tag.name}"),)
        except ArtifactError as error:
            damage = (Damage(error.cause, error.hint),)
        yield Verified(f"tag {path.name}", "", 1, path.stat().st_size, damage)


def _bytes(run: RunFolder) -> int:
    try:
        return sum(record["bytes"] for record in run.manifest().artifacts.values()) if run.finished else 0
    except ArtifactError:
        return 0
