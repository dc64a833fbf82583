"""--wait: a command waits for another process that writes the same run, and says who that is."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.cli.conftest import TUNE, Make
from tests.cli.running import done, vp2p
from vp2p.workspace import run_lock


def _run(folder: Path) -> Path:
    (run,) = (path for path in (folder / "tune").iterdir() if not path.name.startswith("."))
    return run


def test_waiting_for_another_writer(work: Make) -> None:
    folder = work("sd1", "tune")
    holding, free = threading.Event(), threading.Event()

    def hold() -> None:
        with run_lock(_run(folder)):
            holding.set()
            free.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    try:
        hasty = vp2p(*TUNE, "--force", "--wait", "0.2")
        assert hasty.code == 11 and "has been writing" in hasty.err
        assert hasty.err.index("waiting:") < hasty.err.index("error:")
        threading.Timer(1.0, free.set).start()
        patient = done(*TUNE, "--force", "--wait", "60")
    finally:
        free.set()
        thread.join()
    assert "waiting:" in patient.err and ": done" in patient.err
