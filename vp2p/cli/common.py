"""Options that several commands share, and the workspace they mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vp2p.cli import completion, panels, ranks
from vp2p.cli.output import output

if TYPE_CHECKING:
    from vp2p.stages.session import Session
    from vp2p.workspace import Workspace


def _json(value: bool) -> bool:
    output.json = output.json or value
    return value


Json = Annotated[
    bool,
    typer.Option("--json", callback=_json, rich_help_panel=panels.RUN, help="Print one JSON envelope on stdout."),
]
Force = Annotated[
    bool, typer.Option("--force", rich_help_panel=panels.RUN, help="Redo it, even where it is up to date.")
]
Wait = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0.0,
        show_default=False,
        rich_help_panel=panels.RUN,
        help="Wait this long for another process that is writing the run. By default not at all.",
        autocompletion=completion.fixed("10", "60", "600"),
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "-n",
        "--dry-run",
        rich_help_panel=panels.RUN,
        help="Only say what would run, resume or be skipped, and why.",
    ),
]

As = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Give the run this name, as a tag.", autocompletion=completion.tags),
]


def _from(stage: str) -> Any:
    return typer.Option(
        "--from",
        metavar="RUN",
        help=f"The {stage} run to start from. By default the newest.",
        autocompletion=completion.runs(stage),
    )


FromTune = Annotated[str | None, _from("tune")]
FromInvert = Annotated[str | None, _from("invert")]


def run_arguments(help: str) -> Any:
    """The argument of a command that takes any number of runs, of any stage."""
    return typer.Argument(metavar="RUN", help=help, show_default=False, autocompletion=completion.any_run)


def workspace(ctx: typer.Context) -> Workspace:
    """The workspace that ``-w`` names, or the nearest one. Raises NoWorkspaceError."""
    from vp2p.stages.redo import redo
    from vp2p.workspace import Workspace

    found = Workspace.find(explicit=ctx.obj, redo=redo)
    return Workspace(ranks.own_folder(found.folder), redo) if ranks.launched() else found


def session(ctx: typer.Context, compute: dict[str, Any], wait: float = 0.0) -> Session:
    """That workspace with its model, on the device and in the dtype that the command asks for."""
    from vp2p.stages.running import Patience
    from vp2p.stages.session import Session, compute_settings

    patience = Patience(wait, lambda locked: output.say(f"waiting: {locked.cause}"))
    return Session(workspace(ctx), compute_settings(compute), patience)


def resolve(here: Session, stage: str, given: dict[str, Any]) -> Any:
    """A stage's settings: what was given by option or environment, else by :mod:`vp2p.defaults`."""
    from vp2p.config.in_force import stage_layers
    from vp2p.defaults import for_model

    return for_model(here.folder, stage, given, stage_layers(stage, here.workspace))


WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "-w",
        "--workspace",
        envvar="VP2P_WORKSPACE",
        show_envvar=False,
        autocompletion=completion.workspaces,
        help="The workspace's folder. By default the nearest one upward from here.",
    ),
]
