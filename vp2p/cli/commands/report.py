"""``vp2p report``."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from vp2p.cli.common import Json, workspace
from vp2p.cli.completion import fixed, workspaces_or_folders
from vp2p.cli.output import output
from vp2p.errors import Vp2pError


def report(
    ctx: typer.Context,
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="WORKSPACE",
            help="Workspaces, or folders of workspaces. By default the nearest workspace.",
            show_default=False,
            autocompletion=workspaces_or_folders,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The page to write. By default report.html in the workspace, or index.html.",
            autocompletion=fixed("report.html", "index.html"),
        ),
    ] = None,
    link: Annotated[
        bool,
        typer.Option("--link/--embed", help="Keep pictures and clips in a folder beside the page, or inside the page."),
    ] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is not a report.")] = False,
    json: Json = False,
) -> None:
    """Write a page that plays source and edits side by side.

    The page shows the clips with a wipe slider between them, the changed words, attention and masks.
    It also lists losses, settings, metrics, and the commands to redo it all. It needs no server and
    no network. Several workspaces, or a folder of them, get an index.

    Examples:

      vp2p report --open

      vp2p -w walk report --link --out walk.html

      vp2p report walks --embed --out index.html --force

      vp2p report walk --open --force
    """
    from vp2p.report.make import INDEX, find_workspaces, report_all, report_one

    found = find_workspaces(folders) if folders else [workspace(ctx)]
    folders = folders or []
    single = not folders or [one.folder for one in found] == [folders[0].absolute()]
    with output.progress() as progress:
        if single:
            result = report_one(found[0], out, link, force)
        else:
            beside = folders[0] if folders and len(folders) == 1 else Path()
            result = report_all(found, out or beside / INDEX, link, force, progress)
    output.result("report", result, result.page)
    if open_it and not webbrowser.open(result.page.as_uri()):
        raise Vp2pError("No browser could be started.", f"open {result.page} in a browser")
