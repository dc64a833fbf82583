"""``--memory``: what cannot fit is refused before it starts, and how much is used makes no other run."""

from __future__ import annotations

import pytest

from tests.cli.conftest import TUNE, Make
from tests.cli.running import done, vp2p
from vp2p.models.free_memory import Free


def test_a_refusal_leaves_nothing_and_can_be_overruled(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "init")
    monkeypatch.setattr("vp2p.pipeline.fit.free_memory", lambda _: Free(0, 0))
    ran = vp2p(*TUNE)
    assert ran.code == 1 and "Traceback" not in ran.err
    assert ran.cause.startswith("Tuning with 3 frames of 32x32 needs about ")
    assert ran.hint.endswith("or try it all the same: --memory high")
    assert not [run for run in (folder / "tune").glob("*") if not run.name.startswith(".")]
    done(*TUNE, "--memory", "high")
    # How much memory it took is no part of what it is.
    for memory in ("auto", "low"):
        assert "up to date" in done(*TUNE, "--memory", memory).err
