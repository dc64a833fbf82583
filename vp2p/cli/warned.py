"""Warnings that are for the user, as notes: each is said once."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from typing import Any, Iterator

from vp2p.cli.output import output
from vp2p.errors import SlowWarning, WindowsWarning
from vp2p.schema import RenamedWarning

_FOR_THE_USER = (RenamedWarning, SlowWarning, WindowsWarning)


@contextmanager
def warnings_noted() -> Iterator[None]:
    """Shows each warning within that is for the user as one note, but not while a shell completes a line."""
    said: set[str] = set()
    with warnings.catch_warnings():
        for category in _FOR_THE_USER:
            warnings.simplefilter("always", category)
        shown = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, _FOR_THE_USER):
                return shown(message, category, *where, **more)
            if str(message) not in said and "_VP2P_COMPLETE" not in os.environ:
                said.add(str(message))
                output.note(str(message))

        warnings.showwarning = show
        yield
