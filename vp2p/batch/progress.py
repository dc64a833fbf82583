"""Progress on its way to another process, which needs less of it than a loop tells."""

from __future__ import annotations

import time

from vp2p.progress import Progress


def at_most_every(seconds: float, tell: Progress) -> Progress:
    """``tell``, called no more often than every so many ``seconds``, but for a loop's last step."""
    last = float("-inf")

    def progress(what: str, done: int, total: int, metric: str = "") -> None:
        nonlocal last
        if time.monotonic() - last >= seconds or done == total:
            last = time.monotonic()
            tell(what, done, total, metric)

    return progress
