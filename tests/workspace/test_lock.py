"""One writer a run: a second is refused, a dead one is followed."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path

import pytest

from vp2p.errors import ArtifactError, LockedError
from vp2p.workspace import run_lock
from vp2p.workspace.lock import holder, how_to_break

_HOLD = """
import sys, time
from pathlib import Path
from vp2p.workspace import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_learns_who_holds_it(tmp_path: Path, start) -> None:
    folder = tmp_path / "tune" / "0123456789ab"
    child = start(_HOLD, folder)
    assert child.stdout.readline() == "held\n"
    with pytest.raises(LockedError) as caught, run_lock(folder):
        pass
    assert caught.value.exit_code == 11
    assert f"Process {child.pid} on this host" in caught.value.cause and str(folder) in caught.value.cause
    with run_lock(tmp_path / "tune" / "other"):
        pass


def test_a_killed_writer_is_followed(tmp_path: Path, start) -> None:
    child = start(_HOLD, tmp_path / "run")
    assert child.stdout.readline() == "held\n"
    child.kill()
    child.wait()
    assert (tmp_path / ".run.lock").exists()
    with run_lock(tmp_path / "run"):
        assert json.loads((tmp_path / ".run.lock").read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_the_same_process_cannot_hold_it_twice_and_may_later(tmp_path: Path) -> None:
    with run_lock(tmp_path / "run"):
        holder = json.loads((tmp_path / ".run.lock").read_text())
        assert holder["host"] == socket.gethostname() and holder["pid"] == os.getpid() and holder["since"]
        with pytest.raises(LockedError), run_lock(tmp_path / "run"):
            pass
    with run_lock(tmp_path / "run"):
        pass


def test_an_exception_frees_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), run_lock(tmp_path / "run"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [json.dumps({"host": "far", "pid": 7, "since": "now"}), "", "[]", "{"])
def test_a_holder_elsewhere_or_unnamed(tmp_path: Path, written: str) -> None:
    path = tmp_path / ".run.lock"
    path.write_text(written)
    with open(path) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(LockedError) as caught, run_lock(tmp_path / "run"):
            pass
    wanted = "Process 7 on another host, far" if "far" in written else "Another process"
    assert caught.value.cause.startswith(wanted)


_COUNT = """
import sys, time
from pathlib import Path
from vp2p.errors import ArtifactError, LockedError
from vp2p.workspace import run_lock
folder, counter = Path(sys.argv[1]), Path(sys.argv[2])
done = 0
while done < 40:
    try:
        with run_lock(folder):
            value = int(counter.read_text())
            time.sleep(0.0005)
            counter.write_text(str(value + 1))
            done += 1
    except LockedError:
        time.sleep(0.0003)
"""


def test_writers_in_a_race_exclude_each_other(tmp_path: Path, start) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    children = [start(_COUNT, tmp_path / "run", counter) for _ in range(3)]
    for child in children:
        assert child.wait(timeout=60) == 0
    assert counter.read_text() == "120"


def test_a_second_writer_may_wait_and_is_told_once_for_whom(tmp_path: Path, start) -> None:
    child = start(_HOLD, tmp_path / "run")
    assert child.stdout.readline() == "held\n"
    told: list[LockedError] = []

    def tell(error: LockedError) -> None:
        told.append(error)
        child.kill()

    with run_lock(tmp_path / "run", wait=30, told=tell):
        assert holder(tmp_path / "run").pid == os.getpid()
    (error,) = told
    assert f"Process {child.pid} on this host" in error.cause


def test_waiting_ends(tmp_path: Path) -> None:
    told: list[LockedError] = []
    with run_lock(tmp_path / "run"):
        with pytest.raises(LockedError), run_lock(tmp_path / "run", wait=0.1, told=told.append):
            pass
    assert len(told) == 1


def test_who_holds_it_is_told_without_taking_it(tmp_path: Path, start) -> None:
    folder, path = tmp_path / "run", tmp_path / ".run.lock"
    assert holder(folder) is None
    child = start(_HOLD, folder)
    assert child.stdout.readline() == "held\n"
    found = holder(folder)
    assert (found.pid, found.here) == (child.pid, True) and str(found) == f"process {child.pid} on this host"
    child.kill()
    child.wait()
    assert path.exists() and holder(folder) is None
    path.write_text(json.dumps({"host": "far", "pid": 7, "since": "now"}))
    assert str(holder(folder)) == "process 7 on another host, far"
    path.write_text("")
    assert holder(folder) is None


def test_a_number_that_another_process_has_now_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".run.lock"
    with run_lock(tmp_path / "run"):
        mine = json.loads(path.read_text())
        assert holder(tmp_path / "run").start == mine["start"] != 0
    for dead in ({**mine, "start": mine["start"] + 1}, {**mine, "machine": "00000000"}):
        path.write_text(json.dumps(dead))
        assert holder(tmp_path / "run") is None
    older = {key: mine[key] for key in ("host", "pid", "since")}  # of a version that kept no more
    path.write_text(json.dumps(older))
    assert holder(tmp_path / "run") is None
    with open(path) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert holder(tmp_path / "run").pid == os.getpid()


def test_a_lock_of_another_host_says_how_to_break_it(tmp_path: Path) -> None:
    path = tmp_path / ".run.lock"
    path.write_text(json.dumps({"host": "far", "pid": 7, "since": "now"}))
    assert how_to_break(tmp_path / "run", holder(tmp_path / "run")) == f"if far is gone for good: rm {path}"
    with open(path) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(LockedError) as caught, run_lock(tmp_path / "run"):
            pass
    assert f"rm {path}" in caught.value.hint


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".run.lock").symlink_to("mine")
    with pytest.raises(ArtifactError), run_lock(tmp_path / "run"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"
