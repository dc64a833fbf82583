"""Notes on options that were given by an old name: each is said once."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from typing import Any, Iterator

from vp2p.cli.output import output
from vp2p.schema import RenamedWarning


@contextmanager
def renamed_noted() -> Iterator[None]:
    """Shows each :class:`~vp2p.schema.RenamedWarning` within as one note, but not while a shell completes a line."""
    said: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("always", RenamedWarning)
        shown = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, RenamedWarning):
                return shown(message, category, *where, **more)
            if str(message) not in said and "_VP2P_COMPLETE" not in os.environ:
                said.add(str(message))
                output.note(str(message))

        warnings.showwarning = show
        yield
