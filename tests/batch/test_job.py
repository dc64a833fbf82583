"""Jobs in one process: edits of one inversion share its passes, and none takes another with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.batch.test_build import graph_of
from vp2p.batch.graph import Failure, Job
from vp2p.batch.job import attempt
from vp2p.batch.pool import Pool
from vp2p.progress import silent
from vp2p.settings import EditSettings
from vp2p.stages.result import StageResult
from vp2p.t2s.inflation import TextToSetModel

QUICK = "candidates: 0, propagate: false"
EDITS = f"[{{name: pet, swap: cat=dog, format: gif, {QUICK}}}, {{swap: cat=bird, {QUICK}}}]"


def test_edits_of_one_inversion_share_its_passes_and_fail_alone(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = write("one", steps=0, edits=EDITS)
    pool, inversion, edits = Pool(), "", []
    for node in graph_of(plan).needed().values():
        if node.job.stage == "edit":
            edits.append(node.job)
        else:
            (done,) = attempt(pool, [node.job], inversion or None, silent)
            assert isinstance(done, StageResult), done
            inversion = done.run

    sizes, told = counted_passes(monkeypatch), set[str]()
    made = attempt(pool, edits, inversion, lambda what, *_: told.add(what))
    assert sizes and set(sizes) <= {4, 5}, "two edits have four branches, and the source one"
    assert told == {"edit dog, bird"}
    assert [(one.run, one.artifact.name) for one in made if isinstance(one, StageResult)] == [
        ("pet", "edited.gif"),
        ("bird", "edited.mp4"),
    ]
    assert graph_of(plan).needed() == {}

    fox, taken = (_swap(edits[0], f"cat={word}", name) for word, name in (("fox", "fox"), ("horse", "bird")))
    failed, good = attempt(pool, [taken, fox], inversion, silent)
    assert isinstance(failed, Failure) and "another edit called bird" in failed.cause
    assert isinstance(good, StageResult) and (good.run, good.state) == ("fox", "done")


def _swap(job: Job, swap: str, name: str) -> Job:
    return dataclasses.replace(job, settings=EditSettings.of(swap=(swap,), candidates=0, propagate=False), name=name)


def counted_passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many branches each pass of the model has from now on."""
    sizes: list[int] = []
    forward = TextToSetModel.forward

    def counted(self: Any, x: Any, *more: Any, **named: Any) -> Any:
        sizes.append(len(x))
        return forward(self, x, *more, **named)

    monkeypatch.setattr(TextToSetModel, "forward", counted)
    return sizes
