"""Workspaces, and the runs in them with their tags."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import typer

from vp2p.cli.completing import Completer, looking
from vp2p.cli.completion.paths import below
from vp2p.workspace import Workspace
from vp2p.workspace.config import NAME as CONFIG
from vp2p.workspace.layout import STAGES


def workspace(ctx: typer.Context) -> Workspace:
    """The one that the line means."""
    return Workspace.find(explicit=ctx.find_root().params.get("workspace"))


def _is_workspace(path: Path) -> bool:
    return (path / CONFIG).is_file()


@looking
def workspaces(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Folders that hold a vp2p.yaml, a few levels down from what is typed."""
    yield from below(incomplete, _is_workspace)


@looking
def workspaces_or_folders(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Those, and the folders in which they lie."""
    found = list(below(incomplete, _is_workspace))
    yield from (folder for one in found if (folder := one.rpartition("/")[0]))
    yield from found


def runs(stage: str) -> Completer:
    """The runs of a stage, newest first, and their tags."""

    @looking
    def find(ctx: typer.Context, incomplete: str) -> Iterator[str]:
        here = workspace(ctx)
        yield from (run.name for run in reversed(here.runs(stage)))
        yield from (tag.name for tag in here.tags.all() if tag.stage == stage)

    return find


@looking
def any_run(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The tags, and all runs with their stage, the newest of each first."""
    here = workspace(ctx)
    yield from (tag.name for tag in here.tags.all())
    yield from (f"{stage}/{run.name}" for stage in reversed(STAGES) for run in reversed(here.runs(stage)))


@looking
def shown_runs(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The edits, newest first; then the stages that have runs, and what else there is."""
    here = workspace(ctx)
    yield from (run.name for run in reversed(here.runs("edit")))
    yield from (stage for stage in reversed(STAGES) if here.runs(stage))
    yield from any_run.__wrapped__(ctx, incomplete)  # type: ignore[attr-defined]


@looking
def tags(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from (tag.name for tag in workspace(ctx).tags.all())


@looking
def edit_names(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from (run.name for run in workspace(ctx).runs("edit"))
