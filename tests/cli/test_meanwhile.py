"""Two commands in one place: what the one makes while the other runs stays, and no link leads a command astray."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator
from unittest import mock

import pytest

from tests.cli.running import done, refused, snapshot, vp2p
from tests.cli.test_migration import HALF, INVERTED, LONG, SHORT
from vp2p import atomic
from vp2p.upkeep import gc
from vp2p.workspace import Workspace


@contextmanager
def just_before_the_end(act: Callable[[], object]) -> Iterator[None]:
    """Does something while what was written has not taken its name yet: at the first sync of it."""
    sync, left = atomic.sync, [act]

    def synced(path: Path) -> None:
        sync(path)
        if path.name.startswith(atomic.TEMPORARY_PREFIX) or path.parent.name.startswith(atomic.TEMPORARY_PREFIX):
            while left:
                left.pop()()

    with mock.patch.object(atomic, "sync", synced):
        yield


def test_a_workspace_made_while_one_is_imported_stays(branched: Path, tmp_path: Path) -> None:
    done("export", tmp_path / "walk.tar")
    there = tmp_path / "walk"
    with just_before_the_end(lambda: shutil.copytree(branched, there)):
        ran = refused(1, "import", tmp_path / "walk.tar", there)
    assert "meanwhile" in ran.cause
    assert snapshot(there).keys() == snapshot(branched).keys() and not list(tmp_path.glob(".tmp-*"))


@pytest.mark.parametrize("name", ["walk.tar", "walk.tar.gz", "walk"])
def test_what_is_made_where_an_export_goes_stays(branched: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    with just_before_the_end(lambda: target.write_bytes(b"mine")):
        ran = refused(1, "export", target)
    assert "meanwhile" in ran.cause and target.read_bytes() == b"mine" and not list(tmp_path.glob(".tmp-*"))


def test_an_export_removes_what_a_killed_one_left(branched: Path, tmp_path: Path) -> None:
    left = [
        tmp_path / f".tmp-{atomic.processes.machine()}.7fffffff.1.abcd-{name}" for name in ("walk.tar", "other.tar")
    ]
    for path in left:
        path.touch()
    done("export", tmp_path / "walk.tar")
    assert [path.exists() for path in left] == [False, True]


@pytest.mark.parametrize("words", [("report", "--out"), ("show", "dog", "--out"), ("diff", SHORT, LONG)])
def test_a_picture_or_page_takes_no_name_that_was_taken_meanwhile(
    branched: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    if words[0] == "diff":
        words = ("diff", "dog", "everywhere", "--sheet")
    target = tmp_path / "made.html"
    with just_before_the_end(lambda: target.write_bytes(b"mine")):
        ran = vp2p(*words, target)
    assert ran.code in (1, 2) and str(target) in ran.err and target.read_bytes() == b"mine"


def test_a_demo_replaces_no_file(tmp_path: Path) -> None:
    for name in ("cat.mp4", "sheet.png"):
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        (folder / name).write_bytes(b"mine")
        assert name in refused(2, "demo", folder).cause
        assert (folder / name).read_bytes() == b"mine"


@pytest.mark.parametrize("linked", [LONG, "tune"])
def test_no_run_is_deleted_or_written_through_a_link(branched: Path, tmp_path: Path, linked: str) -> None:
    other = tmp_path / "other"
    shutil.copytree(branched / linked, other)
    shutil.rmtree(branched / linked)
    (branched / linked).symlink_to(other)
    before = snapshot(other)
    if linked == LONG:  # no command takes it for a run
        assert "There is no tune run" in refused(2, "gc", LONG, "--yes").cause
        checked = vp2p("verify")
        assert checked.code == 1 and f"{branched / linked} is a link" in checked.err
    else:
        assert "is a link" in refused(1, "gc", LONG, "--yes").cause
    assert "is a link" in refused(1, "tune", "--steps", "3", "--force").cause
    done("gc", "--yes")
    assert snapshot(other) == before and (branched / INVERTED).exists()


@pytest.mark.parametrize(
    ("name", "words"), [("tags", ("tag", "mine", "edit/dog")), ("eval", ("eval",)), ("show", ("show",))]
)
def test_nothing_is_written_into_a_linked_folder(
    branched: Path, tmp_path: Path, name: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "other").mkdir()
    (branched / name).symlink_to(tmp_path / "other")
    assert "is a link" in refused(1, *words).cause
    assert list((tmp_path / "other").iterdir()) == []


def test_gc_names_what_dead_writers_left_everywhere(branched: Path) -> None:
    dead = f"{atomic.TEMPORARY_PREFIX}{atomic.processes.machine()}.7fffffff.1.abcd-x"
    places = ["", "tags/", "eval/", "show/", "report_files/", "tune/", f"{LONG}/"]
    for place in places:
        (branched / place).mkdir(exist_ok=True)
        (branched / f"{place}{dead}").touch()
    alive = branched / dead.replace("7fffffff.1.", f"{os.getpid():x}.{atomic.processes.mine():x}.")
    alive.touch()
    named = done("gc", "--yes").out
    assert all(f"{place}{dead}\t" in named for place in places)
    assert not [place for place in places if (branched / f"{place}{dead}").exists()] and alive.exists()


def test_gc_keeps_what_was_used_since_it_was_found(branched: Path) -> None:
    workspace = Workspace(branched)
    found = gc.rubbish(workspace)
    assert [one.name for one in found] == [HALF]
    done("tag", "half", HALF)
    assert gc.remove(workspace, found) == () and (branched / HALF).exists()
    done("tag", "--delete", "half")
    assert gc.remove(workspace, found) == found and not (branched / HALF).exists()


def test_gc_keeps_a_run_that_has_a_new_child(branched: Path) -> None:
    workspace = Workspace(branched)
    found = gc.rubbish(workspace, [workspace.find_run(INVERTED)])
    shutil.copytree(branched / "edit" / "dog", branched / "edit" / "new")
    gone = gc.remove(workspace, found)
    assert (branched / INVERTED).exists() and INVERTED not in [one.name for one in gone]
    assert not (branched / "edit" / "dog").exists()


def test_gc_moves_no_tag_away_from_another_run(branched: Path) -> None:
    done("tag", "mine", "edit/dog")
    workspace = Workspace(branched)
    found = gc.rubbish(workspace, [workspace.find_run("edit/dog")])
    workspace.tags.set("mine", workspace.find_run("edit/everywhere"), move=True)
    gc.remove(workspace, found)
    assert done("tag").out == "mine\tedit/everywhere\n"


def test_a_failing_init_removes_only_what_it_made(tmp_path: Path, clip: Path, sd2_folder: Path) -> None:
    from vp2p.workspace.config import WorkspaceConfig
    from vp2p.workspace.create import making

    folder = tmp_path / "work"
    with pytest.raises(KeyError), making(folder, WorkspaceConfig("a cat", "x.mp4")):
        (folder / "source").mkdir()
        (folder / "notes.txt").write_text("mine")
        raise KeyError
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
