"""Tags: one file each, checked names, found wherever a run is named."""

from __future__ import annotations

import shutil

import pytest
import yaml

from vp2p.errors import ArtifactError, LockedError, UsageError
from vp2p.workspace import RunFolder, Workspace, run_lock
from vp2p.workspace.identity import identity
from vp2p.workspace.lifecycle import begin
from vp2p.workspace.tags import names_of, read_tag


@pytest.fixture
def runs(workspace: Workspace) -> list[RunFolder]:
    """Two tune runs and an edit called short."""
    made = [workspace.run("tune", identity("tune", {"n": number})) for number in range(2)]
    made.append(workspace.run("edit", identity("edit", {}), name="short"))
    for run in made:
        begin(run, {})
    return made


def test_a_tag_is_one_file_and_names_one_run(workspace: Workspace, runs: list[RunFolder]) -> None:
    tag = workspace.tags.set("quick", runs[0])
    kept = yaml.safe_load((workspace.folder / "tags" / "quick").read_text())
    assert len(kept.pop("checksum")) == 64
    assert (kept.pop("format"), kept.pop("name")) == (2, "quick")
    assert kept == {"stage": "tune", "run": runs[0].name, "identity": runs[0].identity, "created": tag.created}
    assert workspace.tags.set("quick", runs[0]) == tag
    assert workspace.tags.all() == [tag] and names_of([tag], runs[0]) == ("quick",) and names_of([tag], runs[1]) == ()
    for name in ("quick", "QUICK"):
        with pytest.raises(UsageError, match="names tune/"):
            workspace.tags.set(name, runs[1])
    moved = workspace.tags.set("quick", runs[1], move=True)
    assert workspace.tags.all() == [moved] and moved.run == runs[1].name
    workspace.tags.delete("quick")
    with pytest.raises(UsageError, match="no tag"):
        workspace.tags.delete("quick")
    assert list((workspace.folder / "tags").iterdir()) == []


def test_a_tag_of_a_run_that_is_gone_is_free(workspace: Workspace, runs: list[RunFolder]) -> None:
    workspace.tags.set("quick", runs[0])
    shutil.rmtree(runs[0].folder)
    with pytest.raises(UsageError, match="which is gone") as caught:
        workspace.by_name("tune", "quick")
    assert caught.value.hint == "vp2p tag --delete quick"
    assert workspace.tags.set("quick", runs[1]).run == runs[1].name


@pytest.mark.parametrize("name", ["", ".x", "-x", "a/b", "../x", "a b", "a\0", "x" * 65, "0123456789ab", "0" * 64])
def test_names_that_no_tag_may_have(workspace: Workspace, runs: list[RunFolder], name: str) -> None:
    for move in (False, True):
        with pytest.raises(UsageError):
            workspace.tags.set(name, runs[0], move)
    assert not (workspace.folder / "tags").exists()


@pytest.mark.parametrize("text", ["", "[]", "stage: [", "stage: tune", "stage: 1\nrun: 2\nidentity: 3\ncreated: 4"])
def test_a_damaged_tag_is_passed_over_and_told(workspace: Workspace, runs: list[RunFolder], text: str) -> None:
    workspace.tags.set("quick", runs[0])
    path = workspace.tags.folder / "bad"
    path.write_text(text)
    assert [tag.name for tag in workspace.tags.all()] == ["quick"]
    with pytest.raises(ArtifactError, match="damaged"):
        read_tag(path)
    workspace.tags.delete("bad")


def test_runs_are_found_by_name_then_tag_then_start(workspace: Workspace, runs: list[RunFolder]) -> None:
    for name, run in (("quick", runs[0]), ("short", runs[1]), (runs[1].name[:4], runs[0])):
        workspace.tags.set(name, run)
    found = {text: workspace.by_name("tune", text).name for text in ("quick", "tune/quick", "short", runs[1].name[:4])}
    assert list(found.values()) == [runs[0].name, runs[0].name, runs[1].name, runs[0].name]
    assert workspace.by_name("tune", runs[1].name[:5]).name == runs[1].name
    assert workspace.find_run("quick").identity == runs[0].identity
    assert workspace.find_run("short").stage == "edit"  # a name comes before a tag
    assert workspace.find_run("tune/short").identity == runs[1].identity
    for text, cause in (
        ("edit/quick", "no edit run"),
        ("nothing", "no run 'nothing'"),
        ("tune/nothing", "no tune run"),
    ):
        with pytest.raises(UsageError, match=cause):
            workspace.find_run(text)
    with pytest.raises(UsageError, match="is no tune run"):
        workspace.by_name("tune", "edit/short")


def test_two_stages_with_one_name(workspace: Workspace, runs: list[RunFolder]) -> None:
    digest = identity("edit", {"n": 2})
    begin(workspace.run("edit", digest, name=runs[0].name), {})
    with pytest.raises(UsageError, match="fits 2 runs") as caught:
        workspace.find_run(runs[0].name)
    assert f"tune/{runs[0].name}, edit/{runs[0].name}" in caught.value.hint


def test_one_writer_a_tag(workspace: Workspace, runs: list[RunFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vp2p.workspace.tags._SECONDS_TO_WAIT", 0.1)
    with run_lock(workspace.tags.folder / "quick"):
        with pytest.raises(LockedError):
            workspace.tags.set("quick", runs[0])
        workspace.tags.set("other", runs[0])
    assert [tag.name for tag in workspace.tags.all()] == ["other"]


_SET = """
import sys
from pathlib import Path
from vp2p.errors import UsageError
from vp2p.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
run = workspace.by_name("tune", sys.argv[2])
won = 0
for number in range(20):
    try:
        workspace.tags.set(f"tag-{number}", run)
        won += 1
    except UsageError:
        pass
print(won)
"""


def test_of_two_processes_one_gets_the_tag(workspace: Workspace, runs: list[RunFolder], start) -> None:
    children = [start(_SET, workspace.folder, run.name) for run in runs[:2]]
    won = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(won) == 20
    assert [names_of(workspace.tags.all(), run) for run in runs[:2]] and len(workspace.tags.all()) == 20
    assert [len(names_of(workspace.tags.all(), run)) for run in runs[:2]] == won


def test_a_tag_that_is_a_copy_of_another_is_damaged(workspace: Workspace, runs: list[RunFolder]) -> None:
    workspace.tags.set("quick", runs[0])
    (workspace.folder / "tags" / "slow").write_bytes((workspace.folder / "tags" / "quick").read_bytes())
    with pytest.raises(ArtifactError, match="is the tag .quick"):
        read_tag(workspace.folder / "tags" / "slow")
