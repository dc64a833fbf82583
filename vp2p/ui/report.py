"""A workspace's report, made when it is asked for and kept while the workspace stays the same."""

from __future__ import annotations

import threading
from html import escape as safe

from vp2p.errors import Vp2pError
from vp2p.report.collect import collect
from vp2p.report.media import Embedded
from vp2p.report.render import render
from vp2p.ui.root import Root
from vp2p.workspace import Workspace

Stamp = tuple[tuple[str, str], ...]


class Reports:
    """The reports of a folder's workspaces; one is made at a time."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._made: dict[str, tuple[Stamp, str]] = {}
        self._one_at_a_time = threading.Lock()

    def page(self, name: str) -> tuple[int, str]:
        """The HTTP status and the page of a workspace; of one that cannot be shown, a sentence."""
        try:
            workspace = self._root.workspace(name)
            with self._one_at_a_time:
                return 200, self._report(workspace)
        except Vp2pError as error:
            return (
                404,
                f"<!doctype html><meta charset=utf-8><p>{safe(error.cause)}</p><p>{safe(error.hint)}</p>",
            )

    def _report(self, workspace: Workspace) -> str:
        stamp = stamp_of(workspace)
        known, text = self._made.get(workspace.folder.name, ((), ""))
        if not text or known != stamp:
            text = render(collect(workspace), Embedded())
            self._made = {workspace.folder.name: (stamp, text)}  # one alone: a report holds its clips
        return text


def stamp_of(workspace: Workspace) -> Stamp:
    """What changes when a run is begun, finished, or redone."""
    return tuple((run.key, f"{run.record().created} {run.finished}") for run in workspace.all_runs())
