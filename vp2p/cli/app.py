"""The ``vp2p`` command."""

from __future__ import annotations

import functools
import logging
import signal
import sys
import traceback
from typing import Annotated, Any, Callable

import typer

from vp2p import printing
from vp2p.cli import panels, ranks
from vp2p.cli.command import Command, Group
from vp2p.cli.commands.attention import attention
from vp2p.cli.commands.batch import batch
from vp2p.cli.commands.config import config
from vp2p.cli.commands.demo import demo
from vp2p.cli.commands.diff import diff
from vp2p.cli.commands.draw import draw
from vp2p.cli.commands.edit import edit
from vp2p.cli.commands.eval_ import eval_
from vp2p.cli.commands.export import export
from vp2p.cli.commands.full import full
from vp2p.cli.commands.gc import gc
from vp2p.cli.commands.import_ import import_
from vp2p.cli.commands.init import init
from vp2p.cli.commands.invert import invert
from vp2p.cli.commands.log import log
from vp2p.cli.commands.mask import mask
from vp2p.cli.commands.models import models
from vp2p.cli.commands.report import report
from vp2p.cli.commands.show import show
from vp2p.cli.commands.status import status
from vp2p.cli.commands.tag import tag
from vp2p.cli.commands.tune import tune
from vp2p.cli.commands.ui import ui
from vp2p.cli.commands.verify import verify
from vp2p.cli.common import WorkspaceOption
from vp2p.cli.completing import mend_words
from vp2p.cli.output import output
from vp2p.cli.usage import ParserError, usage_error
from vp2p.cli.warned import warnings_noted
from vp2p.errors import Vp2pError, failed_call, is_out_of_memory
from vp2p.garbage import unsearched_at_exit
from vp2p.stages.saving import interrupt, interruption
from vp2p.version import __version__

_EPILOG = (
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 some of a batch failed, 10 no workspace here, 11 workspace locked, "
    "130 interrupted, 143 terminated."
)

_LESS_MEMORY = "the same with fewer frames or a smaller size, or with --memory low"

app = typer.Typer(
    name="vp2p",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = {
    command.__name__.rstrip("_"): command
    for command in (
        *(init, tune, invert, mask, edit, full, batch),
        *(status, show, report, eval_, attention, log, diff),
        *(config, tag, verify, gc, export, import_),
        *(models, demo, draw, ui),
    )
}
for panel, names in panels.COMMANDS.items():
    for name in names:
        app.command(name, cls=Command, rich_help_panel=panel)(COMMANDS[name])


def _version(value: bool) -> None:
    if value:
        printing.line(f"vp2p {__version__}")
        raise typer.Exit()


@app.callback()
def vp2p(
    ctx: typer.Context,
    workspace: WorkspaceOption = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print results and errors only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Also print the log.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Change what is in a video by changing words, and keep everything else (Video-P2P).

    A workspace holds one video. Tune the model on it, invert it once, then make as many edits as you like.

    Examples:

      vp2p demo

      vp2p init walk --video cat.mp4 --prompt "a cat on the grass"

      vp2p -w walk tune

      vp2p -w walk -v invert

      vp2p -w walk edit --swap cat=dog

      vp2p -v batch plan.yaml

      vp2p -q -w walk show dog --out dog.png

      vp2p -q eval
    """
    ctx.obj = workspace
    ranks.check(ctx.invoked_subcommand)
    output.quiet, output.verbose = quiet, verbose
    source = ctx.get_parameter_source("workspace")
    output.workspace = workspace if source is not None and source.name == "COMMANDLINE" else None
    logging.basicConfig(
        handlers=[printing.LogLines()],
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s: %(message)s",
    )


@functools.cache
def command_line() -> Callable[..., Any]:
    """Every command with its options, which take Typer 30 ms to make: once a process."""
    return typer.main.get_command(app)


def main() -> None:
    """Runs the command line, alone or as one of several ranks."""
    unsearched_at_exit()
    sys.exit(ranks.in_step(_main) if ranks.launched() else _main())


def _main() -> int:
    """Runs the command line, and turns what a user can cause into a sentence and an exit code."""
    with printing.opened() as ended, warnings_noted():
        try:
            for signum in (signal.SIGINT, signal.SIGTERM):
                signal.signal(signum, interrupt)  # from here on, one may come
            mend_words()
            code = command_line()(prog_name="vp2p", standalone_mode=False)
        except BaseException as error:
            code = _end(error)
        return ended(code or 0)


def _end(error: BaseException) -> int:
    """Says what broke a command off; the exit code. Raises the error if no user can cause it."""
    if interrupted := interruption(error):
        code = 128 + interrupted.signum
        output.interrupted(code)
        return code
    if isinstance(error, Vp2pError):
        return _fail(error)
    if isinstance(error, ParserError):
        if type(error).__name__ == "NoArgsIsHelpError":
            return int(error.exit_code)  # without any words, the help is printed already
        output.json = output.json or "--json" in sys.argv
        return _fail(usage_error(error))
    if is_out_of_memory(error):
        traceback.clear_frames(error.__traceback__)  # what they hold is memory to say it in
        return _fail(Vp2pError("There is not enough memory for this.", _LESS_MEMORY))
    if isinstance(error, Exception) and (failure := failed_call(error)):
        return _fail(failure)
    if isinstance(error, Exception):
        output.failure("InternalError", str(error) or type(error).__name__, "report this, with the traceback", 1)
    raise error


def _fail(error: Vp2pError) -> int:
    output.error(error)
    return error.exit_code
