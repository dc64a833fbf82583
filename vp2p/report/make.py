"""``vp2p report``: the page of one workspace, or of several with an index of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from vp2p.errors import NoWorkspaceError
from vp2p.progress import Progress, silent
from vp2p.report.collect import collect
from vp2p.report.index import card, render_index
from vp2p.report.media import Embedded, Linked, Media
from vp2p.report.render import render
from vp2p.report.writing import check_place, write_page
from vp2p.stages.redo import redo
from vp2p.workspace import Workspace
from vp2p.workspace.config import NAME as CONFIG

REPORT, INDEX = "report.html", "index.html"


@dataclass(frozen=True)
class Reported:
    """What was written: the page to open, and the page of each workspace."""

    page: Path
    reports: tuple[Path, ...]


def find_workspaces(folders: Sequence[Path]) -> list[Workspace]:
    """The workspaces that ``folders`` are, or hold.

    Raises:
        NoWorkspaceError: one of them neither is nor holds a workspace.
    """
    found: list[Workspace] = []
    for folder in folders:
        here = (folder / CONFIG).is_file()
        inside = [folder] if here else sorted(path.parent for path in folder.glob(f"*/{CONFIG}"))
        if not inside:
            raise NoWorkspaceError(
                f"{folder} is no workspace, and holds none.", "vp2p report FOLDER, where a vp2p.yaml is"
            )
        found += [Workspace.find(explicit=path, redo=redo) for path in inside]
    return list({one.folder: one for one in found}.values())


def report_one(workspace: Workspace, out: Path | None = None, link: bool = False, force: bool = False) -> Reported:
    """Writes the page of a workspace, by default ``report.html`` in it.

    Args:
        link: pictures and clips go into a folder beside the page instead of into it.
        force: a file that is no report may be replaced.

    Raises:
        UsageError: the page may not be written there.
        ArtifactError, VideoError: a result is missing or damaged, or the disk refuses.
    """
    page = workspace.folder / REPORT if out is None else out.absolute()
    seen = check_place(page, force)
    media = _media(page, link)
    write_page(page, render(collect(workspace), media), media, seen)
    return Reported(page, (page,))


def report_all(
    workspaces: Sequence[Workspace], out: Path, link: bool = False, force: bool = False, progress: Progress = silent
) -> Reported:
    """Writes each workspace's page into it, and at ``out`` an index of them; else as :func:`report_one`."""
    index = out.absolute()
    pages = (index, *(workspace.folder / REPORT for workspace in workspaces))
    seen = {page: check_place(page, force) for page in pages}
    media = _media(index, link)
    cards = []
    for done, workspace in enumerate(workspaces):
        progress("report", done, len(workspaces), workspace.folder.name)
        page = workspace.folder / REPORT
        inside = _media(page, link)
        content = collect(workspace)
        write_page(page, render(content, inside), inside, seen[page])
        cards.append(card(content, os.path.relpath(page, index.parent), media))
    write_page(index, render_index(cards), media, seen[index])
    return Reported(index, tuple(workspace.folder / REPORT for workspace in workspaces))


def _media(page: Path, link: bool) -> Media:
    return Linked(page) if link else Embedded()
