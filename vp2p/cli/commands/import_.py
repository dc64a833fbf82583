"""``vp2p import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vp2p.cli.common import Json
from vp2p.cli.completion import archives
from vp2p.cli.output import output, shown
from vp2p.text import bytes_told, typed


def import_(
    file: Annotated[Path, typer.Argument(help="What vp2p export wrote.", show_default=False, autocompletion=archives)],
    folder: Annotated[Path, typer.Argument(help="The folder to make the workspace in.", show_default=False)],
    json: Json = False,
) -> None:
    """Make a workspace from an exported file.

    Every file is checked. The folder appears only if all of them are whole.

    Examples:

      vp2p import walk.tar walk

      vp2p import dog.tar.gz trials/dog
    """
    from vp2p.upkeep.import_ import import_workspace

    with output.progress() as progress:
        done = import_workspace(file, folder, progress)
    output.say(("✓", "green"), f" {len(done.runs)} runs, {done.files} files, {bytes_told(done.bytes)}")
    for note in done.notes:
        output.note(note)
    output.say(("next:", "dim"), f" vp2p -w {typed(shown(folder))} log")
    output.result("import", done, done.folder)
