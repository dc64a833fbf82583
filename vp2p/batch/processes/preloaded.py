"""What a process that edits needs, imported before it is forked; see :func:`vp2p.forks.context`."""

from __future__ import annotations

import gc

from vp2p.garbage import uncollected

with uncollected():
    import vp2p.batch.processes.child
    import vp2p.pipeline.model  # noqa: F401

gc.freeze()  # a search would write to what all share
