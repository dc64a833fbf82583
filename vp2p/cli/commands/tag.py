"""``vp2p tag``."""

from __future__ import annotations

from typing import Annotated

import typer

from vp2p.cli.common import Json, workspace
from vp2p.cli.completion import any_run, tags
from vp2p.cli.output import output
from vp2p.errors import UsageError
from vp2p.text import typed


def tag(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="The tag. Without one, all are listed.", autocompletion=tags)
    ] = None,
    run: Annotated[str | None, typer.Argument(help="The run to name.", autocompletion=any_run)] = None,
    move: Annotated[bool, typer.Option("--move", help="Take the tag from another run.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Remove the tag. The run stays.")] = False,
    json: Json = False,
) -> None:
    """Give a run a name.

    Use a tag wherever a command takes a run. vp2p gc keeps a tagged run, unless it is
    told to delete that run.

    Examples:

      vp2p tag short tune/0123456789ab

      vp2p tag best edit/dog --move

      vp2p tag short tune/ba9876543210 --move

      vp2p tag short --delete

      vp2p tag best --delete
    """
    here = workspace(ctx)
    if name is None:
        if run is not None or move or delete:
            raise UsageError("There is no tag named.", "vp2p tag NAME RUN")
    elif delete:
        here.tags.delete(name)
        output.say(("✓", "green"), f" the tag {name} is taken away; its run stays")
    elif run is None:
        raise UsageError(f"There is no run to call {name}.", f"vp2p tag {typed(name)} RUN   (vp2p log lists them)")
    else:
        here.tags.set(name, here.find_run(run), move)
    found = here.tags.all()
    if not delete:
        output.lines(f"{one.name}\t{one.stage}/{one.run}" for one in found if name in (None, one.name))
    if not found:
        output.say(("there are no tags", "dim"))
    output.result("tag", {"tags": found})
