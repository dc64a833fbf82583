"""``vp2p demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vp2p.cli.common import Json
from vp2p.cli.output import output, shown


def demo(
    folder: Annotated[Path, typer.Argument(help="Where the clip, the workspace and the results go.")] = Path("demo"),
    json: Json = False,
) -> None:
    """Edit a drawn clip from start to end.

    Draws a small clip, then tunes, inverts and edits it with the bundled model.

    Examples:

      vp2p demo

      vp2p demo trial
    """
    from vp2p.stages.demo import demo as run_demo

    with output.progress() as progress:
        result = run_demo(folder, progress)
    for clip in result.clips:
        output.say(("✓", "green"), f" {shown(clip)}")
    output.say(("try next:", "dim"))
    for command in result.next:
        output.say(f"  {command}")
    output.result("demo", result, result.sheet)
