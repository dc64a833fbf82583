"""The workspace: made whole, found from inside, its runs listed and named."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from vp2p.errors import ArtifactError, NoWorkspaceError, UsageError
from vp2p.workspace import RunFolder, Workspace, WorkspaceConfig, run_lock
from vp2p.workspace.identity import identity
from vp2p.workspace.lifecycle import begin, finish

_CONFIG = WorkspaceConfig(prompt="a cat", video="cat.mp4")


def _finish(run: RunFolder) -> RunFolder:
    begin(run, {})
    finish(run, {})
    return run


def test_create_and_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Workspace.create(tmp_path / "new" / "猫", _CONFIG)
    assert [path.name for path in made.folder.iterdir()] == ["vp2p.yaml"]
    deep = made.folder / "edit" / "dog"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    for found in (Workspace.find(), Workspace.find(start=deep), Workspace.find(explicit=made.folder)):
        assert found.folder == made.folder and found.config == _CONFIG
    monkeypatch.chdir(tmp_path)
    assert Workspace.find(explicit=Path("new/猫")).folder == made.folder


def test_the_nearest_is_found(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "outer", _CONFIG)
    inner = Workspace.create(tmp_path / "outer" / "inner", _CONFIG)
    assert Workspace.find(start=inner.folder / "tune").folder == inner.folder


def test_none_is_found(tmp_path: Path) -> None:
    for given in ({"start": tmp_path}, {"explicit": tmp_path}, {"explicit": tmp_path / "no"}):
        with pytest.raises(NoWorkspaceError) as caught:
            Workspace.find(**given)
        assert caught.value.exit_code == 10 and caught.value.hint.startswith("vp2p init")


def test_an_empty_folder_may_become_one(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    inode = (tmp_path / "cat").stat().st_ino
    assert Workspace.create(tmp_path / "cat", _CONFIG).folder.stat().st_ino == inode


@pytest.mark.parametrize("taken", ["workspace", "folder", "file", "inside a file", "dangling link"])
def test_what_exists_is_not_overwritten(tmp_path: Path, taken: str) -> None:
    target = tmp_path / "cat"
    if taken == "workspace":
        Workspace.create(target, _CONFIG)
    elif taken == "folder":
        target.mkdir()
        (target / "notes.txt").write_text("mine")
    elif taken == "dangling link":
        target.symlink_to(tmp_path / "no")
    else:
        target.write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError) as caught:
        Workspace.create(target / "deep" if taken == "inside a file" else target, _CONFIG)
    assert "exists" in caught.value.cause or "is a workspace already" in caught.value.cause
    assert "-w" in caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_folder_name_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a folder"):
        Workspace.create(tmp_path / name, _CONFIG)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [True, False])
def test_a_disk_that_refuses_leaves_no_half_made_folder(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "cat").mkdir()
    before = sorted(tmp_path.rglob("*"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(ArtifactError, match="size limit"):
            Workspace.create(tmp_path / "cat", _CONFIG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_video_is_found_from_the_workspace(workspace: Workspace, tmp_path: Path) -> None:
    assert workspace.video.resolve() == (tmp_path / "cat.mp4").resolve()


def test_runs_in_order_of_creation(workspace: Workspace) -> None:
    made = [workspace.run("tune", identity("tune", {"n": number})) for number in range(4)]
    for run in made[:3]:
        _finish(run)
    begin(made[3], {})
    with run_lock(made[3].folder):
        assert [run.identity for run in workspace.runs("tune")] == [run.identity for run in made]
    assert workspace.newest("tune").identity == made[2].identity
    assert workspace.runs("invert") == [] and workspace.newest("invert") is None


def test_a_folder_that_says_nothing_is_passed_over(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    run = _finish(workspace.run("tune", identity("tune", {})))
    (workspace.folder / "tune" / "notes").mkdir()
    assert [found.name for found in workspace.runs("tune")] == [run.name]
    assert "notes" in caplog.text
    run.path("settings.yaml").unlink()
    assert [found.identity for found in workspace.runs("tune")] == [run.identity]


def test_by_name(workspace: Workspace) -> None:
    for name in ("dog", "dog-2", "fox"):
        begin(workspace.run("edit", identity("edit", {"n": name}), name=name), {})
    assert workspace.by_name("edit", "dog").name == "dog"
    assert workspace.by_name("edit", "f").name == "fox"
    for prefix, cause, hint in [
        ("do", "fits 2", "dog, dog-2"),
        ("foxx", "no edit run 'foxx'", "did you mean fox?"),
        ("zzz", "no edit run 'zzz'", "known: dog"),
        ("", "no edit run ''", "known: dog"),
        ("../dog", "no edit run", ""),
    ]:
        with pytest.raises(UsageError) as caught:
            workspace.by_name("edit", prefix)
        assert cause in caught.value.cause and hint in caught.value.hint
    with pytest.raises(UsageError, match="no tune run yet"):
        workspace.by_name("tune", "0")


def test_free_edit_names(workspace: Workspace) -> None:
    assert workspace.free_edit_name("dog") == "dog"
    for name in ("Dog", "dog-2", "x" * 64):
        begin(workspace.run("edit", identity("edit", {"n": name}), name=name), {})
    assert workspace.free_edit_name("dog") == "dog-3"
    assert workspace.free_edit_name("x" * 64) == "x" * 62 + "-2"
    for hostile in ("../x", "a/b", "", ".", "a\0b"):
        with pytest.raises(UsageError):
            workspace.free_edit_name(hostile)
        with pytest.raises(UsageError):
            workspace.run("edit", identity("edit", {}), name=hostile)


def test_light_import(start) -> None:
    code = "import sys, vp2p.workspace; print({'torch', 'diffusers', 'transformers', 'av', 'numpy'} & set(sys.modules))"
    assert start(code).communicate(timeout=60)[0] == "set()\n"
