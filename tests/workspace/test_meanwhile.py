"""What a command did not see when it began, it does not replace; what the dead left is known by their names."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from vp2p import atomic, processes
from vp2p.atomic import abandoned, sight, swapping
from vp2p.config.change import change
from vp2p.errors import ArtifactError, failed_call
from vp2p.workspace.atomic import replacing, write_bytes


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("made", ["file", "folder", "link"])
def test_a_new_file_takes_no_name_that_was_taken_meanwhile(
    tmp_path: Path, made: str, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:  # as on exFAT
        monkeypatch.setattr(os, "link", refused)
    path = tmp_path / "walk.tar"
    with pytest.raises(ArtifactError, match="meanwhile"), replacing(path, seen=None) as temporary:
        temporary.write_bytes(b"mine")
        {"file": path.touch, "folder": path.mkdir, "link": lambda: path.symlink_to("nowhere")}[made]()
    assert list(tmp_path.iterdir()) == [path]
    other = tmp_path / "other.tar"
    write_bytes(other, b"mine", seen=None)
    assert other.read_bytes() == b"mine" and sorted(tmp_path.iterdir()) == [other, path]


@pytest.mark.parametrize("made", ["file", "full folder", "link"])
def test_a_new_folder_takes_no_name_that_was_taken_meanwhile(tmp_path: Path, made: str) -> None:
    path = tmp_path / "walk"
    with pytest.raises(ArtifactError, match="meanwhile"), replacing(path, seen=None) as temporary:
        temporary.mkdir()
        if made == "full folder":
            path.mkdir()
            (path / "vp2p.yaml").write_text("yours")
        else:
            {"file": path.touch, "link": lambda: path.symlink_to(tmp_path)}[made]()
    assert list(tmp_path.iterdir()) == [path]
    assert made != "full folder" or (path / "vp2p.yaml").read_text() == "yours"


def test_what_was_seen_is_replaced_and_what_came_after_it_is_not(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    write_bytes(path, b"new", sight(path))
    assert path.read_bytes() == b"new"
    seen = sight(path)
    with pytest.raises(FileExistsError), swapping(path, seen) as temporary:
        temporary.write_text("mine")
        path.write_text("yours")
    assert path.read_text() == "yours" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_was_filled_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    path.mkdir()
    seen = sight(path)
    with pytest.raises(FileExistsError), swapping(path, seen) as temporary:
        temporary.mkdir()
        (path / "mine").touch()
    assert [one.name for one in path.iterdir()] == ["mine"] and list(tmp_path.iterdir()) == [path]


def test_a_temporary_file_says_whether_its_writer_lives(tmp_path: Path) -> None:
    with swapping(tmp_path / "f") as temporary:
        temporary.touch()
        assert not abandoned(temporary)
        here, pid, start, rest = temporary.name.removeprefix(atomic.TEMPORARY_PREFIX).split(".", 3)
        for dead in (f"{here}.{pid}.{int(start, 16) + 1:x}.{rest}", f"{here}.7fffffff.1.{rest}"):
            assert abandoned(tmp_path / f".tmp-{dead}")
        for unknown in (f"00000000.{pid}.{start}.{rest}", f"00000000-{temporary.name}"):
            other = tmp_path / f".tmp-{unknown}"
            other.touch()
            assert not abandoned(other)
            os.utime(other, (time.time() - 7200,) * 2)
            assert abandoned(other)
    dead_file = tmp_path / f".tmp-{here}.7fffffff.1.{rest}"
    dead_file.touch()
    write_bytes(tmp_path / "f", b"new", sight(tmp_path / "f"))
    assert not dead_file.exists()


def test_processes_are_told_apart_by_their_start() -> None:
    assert processes.alive(os.getpid(), processes.mine()) and not processes.alive(os.getpid(), processes.mine() + 1)
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert processes.started(child) is None  # dead, though nobody has waited for it
    os.waitpid(child, 0)
    assert processes.started(child) is None


_CHANGE = """
import sys
from pathlib import Path
from vp2p.config.change import change
change(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
"""


def test_settings_written_at_once_are_all_kept(tmp_path: Path, start) -> None:
    path = tmp_path / "config.yaml"
    keys = {"tune.steps": 3, "clip.frames": 4, "invert.steps": 5, "invert.inner_steps": 7}
    children = [start(_CHANGE, path, key, value) for key, value in keys.items()]
    assert [child.wait(timeout=120) for child in children] == [0] * len(keys)
    text = path.read_text()
    assert all(f": {value}\n" in text for value in keys.values()), text
    assert list(tmp_path.iterdir()) == [path]


def test_what_an_editor_saved_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("tune:\n  steps: 3\n")
    read = Path.read_bytes

    def read_then_saved(self: Path) -> bytes:
        data = read(self)
        if self == path:
            path.write_text("# mine\ntune:\n  steps: 30\n")
        return data

    monkeypatch.setattr(Path, "read_bytes", read_then_saved)
    with pytest.raises(ArtifactError, match="meanwhile"):
        change(path, "tune.steps", 5)
    assert path.read_text() == "# mine\ntune:\n  steps: 30\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/x/f"), "/x/f cannot be used: too many open files."),
        (InterruptedError(errno.EINTR, os.strerror(errno.EINTR)), "refused a call: the call was interrupted."),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/x/f"), "/x/f cannot be used: no such file"),
        (RuntimeError("cannot open: Too many open files"), "too many open files"),
        (Exception("Error while deserializing: I/O error: Too many open files (os error 24)"), "too many open files"),
        (KeyError("a"), None),
        (ValueError("[Errno 2] is not a frame"), None),
    ],
)
def test_what_the_system_refuses_is_a_sentence(error: Exception, said: str | None) -> None:
    told = failed_call(error)
    assert (told is None) == (said is None)
    assert told is None or said in told.cause and told.hint


def test_an_error_that_was_dealt_with_hides_no_fault_of_ours() -> None:
    try:
        try:
            raise FileNotFoundError(errno.ENOENT, "gone")
        except FileNotFoundError as error:
            raise KeyError("ours") from error
    except KeyError as error:
        assert failed_call(error) is None
