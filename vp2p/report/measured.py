"""What ``vp2p eval`` measured of an edit, as a table shows it."""

from __future__ import annotations

from vp2p.report.content import Measure
from vp2p.stages.evaluate import read_evaluation
from vp2p.workspace import RunFolder, Workspace


def measures(workspace: Workspace, run: RunFolder) -> tuple[Measure, ...]:
    """The figures that are kept of this very edit; none if it was not evaluated."""
    kept = read_evaluation(workspace, run)
    if kept is None:
        return ()
    return tuple(Measure(name, value, kept["source"].get(name)) for name, value in kept["scores"].items())
