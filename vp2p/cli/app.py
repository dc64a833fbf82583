"""The ``vp2p`` command."""

from __future__ import annotations

import logging
import signal
import sys
from typing import Annotated

import typer
from rich.markup import escape

from vp2p import __version__
from vp2p.cli.commands.demo import demo
from vp2p.cli.commands.draw import draw
from vp2p.cli.commands.edit import edit
from vp2p.cli.commands.init import init
from vp2p.cli.commands.invert import invert
from vp2p.cli.commands.status import status
from vp2p.cli.commands.tune import tune
from vp2p.cli.common import WorkspaceOption
from vp2p.cli.output import output
from vp2p.errors import Vp2pError
from vp2p.stages.saving import Interrupted

_EPILOG = (
    "Exit codes: 0 ok, 1 failure, 2 usage, 10 no workspace here, 11 workspace locked, 130 interrupted, 143 terminated."
)

_LESS_MEMORY = "the same with fewer frames or a smaller size, or: vp2p tune --gradient-checkpointing"

app = typer.Typer(
    name="vp2p",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (init, tune, invert, edit, status, draw, demo):
    app.command(command.__name__)(command)


def _version(value: bool) -> None:
    if value:
        print(f"vp2p {__version__}")
        raise typer.Exit()


@app.callback()
def vp2p(
    ctx: typer.Context,
    workspace: WorkspaceOption = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print results and errors only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print the log, too.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Change what is in a video by changing words, and keep everything else (Video-P2P).

    A workspace holds one video. Tune the model on it, invert it once, then make as many edits as you like.
    """
    ctx.obj = workspace
    output.quiet, output.verbose = quiet, verbose
    source = ctx.get_parameter_source("workspace")
    output.workspace = workspace if source is not None and source.name == "COMMANDLINE" else None
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s: %(message)s"
    )


def _interrupt(signum: int, frame: object) -> None:
    raise Interrupted(signum)


def main() -> None:
    """Runs the command line, and turns what a user can cause into a sentence and an exit code."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)
    try:
        app()
    except Vp2pError as error:
        output.error(error)
        sys.exit(error.exit_code)
    except Interrupted as interrupted:
        output.say(f"[yellow]interrupted;[/yellow] {escape('the same command takes it up again')}")
        sys.exit(128 + interrupted.signum)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if not isinstance(error, MemoryError) and type(error).__name__ != "OutOfMemoryError":
            raise
        output.error(Vp2pError("There is not enough memory for this.", _LESS_MEMORY))
        sys.exit(1)
