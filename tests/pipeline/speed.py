"""What alternatives in one pass save, in CPU-seconds: ``OMP_NUM_THREADS=1 python -m tests.pipeline.speed WORKSPACE``.

The workspace holds an inversion of a clip with a cat. Loading the model is not counted.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Callable

from vp2p.method.attention.control import TargetControl
from vp2p.pipeline.edit import Asked, edit_all
from vp2p.settings import EditSettings
from vp2p.stages.kept import load_inversion
from vp2p.stages.planned import find_run
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames, source_of
from vp2p.workspace import Workspace

_WORDS = ("dog", "rabbit", "pig")
_KINDS: dict[str, dict[str, Any]] = {"default": {}, "--candidates 0": {"candidates": 0}}
_DROPS: dict[str, dict[str, Any]] = {"default": {}, "--no-blend": {"no_blend": True}}


def seconds(work: Callable[[], object]) -> float:
    """The CPU-seconds that a piece of work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main(folder: Path) -> None:
    session = Session(Workspace.find(explicit=folder))
    inverted = find_run(session.workspace, "invert", None, "vp2p invert")
    inversion = load_inversion(inverted.run, load_frames(source_of(inverted, session.folder)))
    session.use_tuned(inverted.parent("tune"))

    def made(*words: str, **options: Any) -> float:
        asked = [Asked(EditSettings.of(swap=[f"cat={word}"], **options)) for word in words]
        return seconds(lambda: list(edit_all(session.model, inversion, asked)))

    for name, options in _KINDS.items():
        first, together = made(_WORDS[0], **options), made(*_WORDS, **options)
        alone = [first, *(made(word, **options) for word in _WORDS[1:])]
        mean = sum(alone) / len(alone)
        further = (together - mean) / (len(_WORDS) - 1) / mean
        told = ", ".join(f"{one:.1f}" for one in alone)
        print(f"{name}: alone {told}; together {together:.1f}; a further edit costs {further:.2f} of one", flush=True)
    acts = TargetControl.acts
    for name, options in _DROPS.items():
        now = made(_WORDS[0], **options)
        TargetControl.acts = property(lambda _: True)  # type: ignore[assignment, method-assign]
        always = made(_WORDS[0], **options)
        TargetControl.acts = acts  # type: ignore[method-assign]
        print(f"{name}: {now:.1f} with the source where it is read, {always:.1f} with it at every step", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
