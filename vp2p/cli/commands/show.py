"""``vp2p show``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vp2p import printing
from vp2p.cli.common import Json, workspace
from vp2p.cli.completion import blend_words, shown_runs
from vp2p.cli.output import output

if TYPE_CHECKING:
    from vp2p.report.show import Rows


def show(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            help="An edit, another run such as invert/0123, or mask for the newest mask. By default the newest edit.",
            show_default=False,
            autocompletion=shown_runs,
        ),
    ] = None,
    word: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD",
            help="A word whose attention to show. By default the words that the edit changes. May be repeated.",
            autocompletion=blend_words,
        ),
    ] = None,
    motion: Annotated[
        bool, typer.Option("--motion", help="Show the motion that an edit follows, on every frame, and nothing else.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The PNG to write. By default one in the workspace.")] = None,
    preview: Annotated[
        Literal["auto", "kitty", "iterm2", "blocks", "none"],
        typer.Option(help="How the terminal shows pictures. Without a terminal none are shown."),
    ] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace the file that --out names.")] = False,
    json: Json = False,
) -> None:
    """Show a run as a sheet of pictures.

    The rows are the source, the edit, its mask, and the attention of words. The sheet is
    a PNG file. A terminal also shows it at once.

    Examples:

      vp2p show

      vp2p show dog --motion --out dog.png

      vp2p show dog --motion --out dog.png --force

      vp2p show dog --word dog --word grass --preview none

      vp2p show red --word red --out red.png --force

      vp2p show mask --preview blocks
    """
    from vp2p.atomic import Seen, sight
    from vp2p.errors import UsageError
    from vp2p.report.show import find_shown, motion_rows, place_of, rows_of
    from vp2p.video.sheet import contact_sheet
    from vp2p.workspace.atomic import writing

    if motion and word:
        raise UsageError("--motion shows no attention of words.", "give --motion or --word, not both")
    here = workspace(ctx)
    shown = find_shown(here, run)
    place = place_of(here, shown, out, force)
    seen: Seen = "anything" if out is None else sight(out) if force else None
    rows = motion_rows(here, shown) if motion else rows_of(here, shown, word or ())
    with writing(place):
        place.parent.mkdir(exist_ok=True)
    contact_sheet(rows, place, seen)
    if printing.is_terminal() and preview != "none" and not output.json:
        _preview(rows, place, preview)
    output.result(
        "show", {"run": f"{shown.stage}/{shown.name}", "sheet": place, "rows": [row[0] for row in rows]}, place
    )


def _preview(rows: Rows, sheet: Path, preview: Literal["auto", "kitty", "iterm2", "blocks"]) -> None:
    from PIL import Image

    from vp2p.report.terminal import half_blocks, inline, protocol

    width = printing.screen().width
    by = protocol(os.environ) if preview == "auto" else preview
    if by == "blocks" and not printing.knows("\u2580"):
        return
    if by == "blocks":
        return printing.show(half_blocks(rows, width), end="")
    with Image.open(sheet) as picture:
        pixels = picture.width
    printing.raw(inline(sheet.read_bytes(), pixels, width, by))
