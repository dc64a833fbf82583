"""``vp2p report``: what it tells of a workspace, where it writes, and what it refuses."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.running import done, refused, snapshot, vp2p
from tests.report.conftest import HOSTILE, PROMPT
from vp2p.report.collect import collect
from vp2p.report.content import RunView
from vp2p.report.runs import each
from vp2p.stages.evaluate import read_evaluation
from vp2p.workspace import Workspace
from vp2p.workspace.layout import STAGES


def _views(walk: Path) -> dict[str, RunView]:
    return {run.key: run for run in each(collect(Workspace.find(explicit=walk)).runs)}


def test_content_tells_the_workspace(made: Path) -> None:
    content = collect(Workspace.find(explicit=made))
    assert content.prompt == PROMPT
    assert [edit.name for edit in content.edits] == ["hostile", "dog", "red"]
    hostile, dog, red = content.edits
    assert "".join(piece.text for piece in hostile.after) == HOSTILE
    assert [piece.text for piece in dog.after if piece.changed] == ["dog"]
    assert red.chips == ("red ×2",)
    assert hostile.mask is None and dog.mask.values.shape[0] == len(content.source.frames)
    assert {edit.source for edit in content.edits} == set(content.sources)


def test_runs_stand_under_their_parents_and_siblings_differ(made: Path) -> None:
    (source,) = collect(Workspace.find(explicit=made)).runs
    (tune,) = source.made
    null_text, direct = (run for run in tune.made if run.stage == "invert")
    assert [run.stage for run in tune.made] == ["attention", "invert", "invert"]
    assert [run.name for run in null_text.made] == ["hostile"]
    assert [run.name for run in direct.made] == ["dog", "red"]
    assert {setting.name for setting in direct.settings if setting.differs} == {"method", "steps", "inner steps"}
    assert not any(setting.differs for setting in null_text.made[0].settings)
    assert {setting.value for run in direct.made for setting in run.settings if setting.differs} == {
        "a dog on the grass",
        "a red cat on the grass",
        "red:2",
    }


def test_curves_are_the_logs(made: Path) -> None:
    runs = _views(made).values()
    for run in runs:
        log = [json.loads(line) for line in _log(made / run.key).splitlines()]
        if run.stage == "tune":
            assert run.curves[0].y == tuple(entry["loss"] for entry in log)
        elif run.stage == "invert" and run.curves:
            assert run.curves[0].y == tuple(entry["losses"][-1] for entry in log if "losses" in entry)
    assert sum(len(run.curves) for run in runs) == 2


def _log(folder: Path) -> str:
    path = folder / "log.jsonl"
    return path.read_text() if path.exists() else ""


def test_the_commands_make_the_same_runs_again(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(made.parent / "cat.mp4", tmp_path)
    monkeypatch.chdir(tmp_path)
    for line in collect(Workspace.find(explicit=made)).commands:
        words = shlex.split(line)
        if words[0] == "cd":
            monkeypatch.chdir(words[1])
        else:
            assert words.pop(0) == "vp2p"
            done(*words)
    again = Workspace.find(explicit=tmp_path / "walk")
    first = Workspace.find(explicit=made)
    for stage in STAGES:
        assert [run.identity for run in again.runs(stage)] == [run.identity for run in first.runs(stage)]


def test_page_lies_in_the_workspace_and_is_the_same_again(walk: Path) -> None:
    ran = done("report")
    assert ran.out.strip() == "report.html"
    first = (walk / "report.html").read_bytes()
    assert done("report", "--json").json["result"]["page"] == str(walk / "report.html")
    assert (walk / "report.html").read_bytes() == first


def test_nothing_in_the_page_is_from_elsewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)[^\"']*", text)
    assert not re.findall(r"https?://", text)
    assert "<img src=x" not in text and "</script><img" not in text


def test_a_file_that_is_no_report_stays(walk: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.html"
    mine.write_text("my own")
    ran = refused(2, "report", "--out", mine)
    assert "no report" in ran.cause and "--force" in ran.hint
    assert mine.read_text() == "my own"
    done("report", "--out", mine, "--force")
    done("report", "--out", mine)


def test_refusals_change_nothing(walk: Path, tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    assert "is a folder" in refused(2, "report", "--out", tmp_path).cause
    assert "mkdir" in refused(2, "report", "--out", tmp_path / "no" / "page.html").hint
    assert "no workspace" in refused(10, "report", tmp_path / "nothing").cause
    assert snapshot(tmp_path) == before


def test_damage_is_told_and_the_old_page_stays(walk: Path) -> None:
    done("report")
    before = (walk / "report.html").read_bytes()
    video = walk / "edit" / "dog" / "edited.mp4"
    video.write_bytes(video.read_bytes()[:-1])
    ran = refused(1, "report")
    assert "edited.mp4 is damaged" in ran.cause and "--force" in ran.hint
    assert (walk / "report.html").read_bytes() == before


def test_an_unfinished_run_is_told_as_such(walk: Path) -> None:
    (walk / "edit" / "red" / "manifest.json").unlink()
    content = collect(Workspace.find(explicit=walk))
    assert [edit.name for edit in content.edits] == ["hostile", "dog"]
    red = _views(walk)["edit/red"]
    assert (red.state, red.told) == ("interrupted", "at step 0")
    assert not any("red" in line for line in content.commands)
    done("report")


def test_attention_lies_over_the_source(made: Path) -> None:
    content = collect(Workspace.find(explicit=made))
    (group,) = content.attention
    (cat,) = group.words
    assert (cat.label, cat.kind, group.source in content.sources) == ("cat", "attention", True)
    assert cat.values.shape[0] == len(content.source.frames) and cat.values.max() == 1


@pytest.mark.slow
def test_measures_of_this_very_edit_alone(walk: Path) -> None:
    done("eval", "dog")
    dog = Workspace.find(explicit=walk).by_name("edit", "dog")
    kept = read_evaluation(Workspace.find(explicit=walk), dog)
    content = collect(Workspace.find(explicit=walk))
    assert {edit.name: {one.name: one.value for one in edit.measures} for edit in content.edits} == {
        "hostile": {},
        "dog": kept["scores"],
        "red": {},
    }
    done("report")
    assert f"{kept['scores']['psnr']:.2f}" in (walk / "report.html").read_text("utf-8")
    done("edit", "--swap", "cat=rabbit", "--name", "dog", "--force")
    assert not any(edit.measures for edit in collect(Workspace.find(explicit=walk)).edits)


def test_a_workspace_without_edits_has_a_page(walk: Path) -> None:
    for stage in ("edit", "invert", "attention", "tune"):
        shutil.rmtree(walk / stage)
        done("report")
    assert 'id="wipe"' not in (walk / "report.html").read_text("utf-8")


def test_several_workspaces_have_an_index(walk: Path) -> None:
    second = walk.with_name("run & <b>")
    shutil.copytree(walk, second)
    ran = done("report", walk, second, "--out", "../all.html", "--json")
    assert ran.json["result"]["reports"] == [str(walk / "report.html"), str(second / "report.html")]
    text = (walk.parent / "all.html").read_text("utf-8")
    assert re.findall(r'<h2><a href="([^"]*)"', text) == ["walk/report.html", "run%20%26%20%3Cb%3E/report.html"]
    assert vp2p("report", walk.parent).code == 0
    assert (walk.parent / "index.html").exists()
