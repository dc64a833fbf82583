"""A tag for the run that a command works on: checked before the work, set when there is a run to name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Callable, Iterator

from vp2p.stages.planned import Planned


def check_tag(planned: Planned, name: str | None) -> None:
    """Raises UsageError if ``name`` may not be a tag of the run, since it is no name or another run has it."""
    if name is not None:
        planned.workspace.tags.check(name, planned.run)


@contextmanager
def tagging(plan: Callable[[], Planned], name: str | None) -> Iterator[None]:
    """Names the run that the block makes, also where it is interrupted; without a name does nothing.

    Args:
        plan: gives the run; not called without a name.

    Raises:
        UsageError: as :func:`check_tag`; the block is not entered.
        ArtifactError: the disk refuses.
    """
    if name is None:
        yield
        return
    planned = plan()
    check_tag(planned, name)
    try:
        yield
    finally:
        if planned.run.folder.exists():
            planned.workspace.tags.set(name, planned.run)
