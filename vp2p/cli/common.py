"""Options that several commands share, and the workspace they mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vp2p.cli.output import output
from vp2p.settings import from_mapping

if TYPE_CHECKING:
    from vp2p.stages.session import Session
    from vp2p.workspace import Workspace


def _json(value: bool) -> bool:
    output.json = output.json or value
    return value


Json = Annotated[bool, typer.Option("--json", callback=_json, help="Print one JSON envelope on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Do it anew, even where it is up to date.")]
From = Annotated[
    str | None, typer.Option("--from", metavar="RUN", help="The run to go on from; by default the newest.")
]


def workspace(ctx: typer.Context) -> Workspace:
    """The workspace that ``-w`` names, or the nearest one. Raises NoWorkspaceError."""
    from vp2p.workspace import Workspace

    return Workspace.find(explicit=ctx.obj)


def session(ctx: typer.Context, compute: dict[str, Any]) -> Session:
    """That workspace with its model, on the device and in the dtype that the command asks for."""
    from vp2p.stages.session import Session, compute_settings

    return Session(workspace(ctx), compute_settings(compute))


def resolve(cls: type, here: Session, stage: str, given: dict[str, Any]) -> Any:
    """A stage's settings: what was given, else what vp2p.yaml says, else what suits the model, else the defaults."""
    return from_mapping(cls, {**here.folder.suited(stage), **here.workspace.config.stages.get(stage, {}), **given})


WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "-w",
        "--workspace",
        envvar="VP2P_WORKSPACE",
        show_envvar=False,
        help="The workspace's folder; by default the nearest one upward from here.",
    ),
]
