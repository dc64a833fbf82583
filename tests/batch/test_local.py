"""Whole plans on processes of this machine: sharing, failures that stay with their items, and going on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Callable

import pytest

from tests.batch.conftest import leftovers, results, states, tuning, wait_for
from tests.batch.test_build import do, graph_of
from tests.cli.running import snapshot, vp2p

Start = Callable[..., "subprocess.Popen[str]"]
Write = Callable[..., Path]
TWO = "settings: [{name: a}, {name: b, tune: {steps: 3}}]"


@pytest.mark.slow
def test_three_videos_two_settings_four_edits_and_one_bad_video(folder: Path, write: Write) -> None:
    plan, work = write("one", "two", "bad", more=TWO), folder / "work"
    ran = vp2p("batch", plan, "--jobs", "2", "--json")
    assert ran.code == 3
    bad = {("bad", settings, edit) for settings in "ab" for edit in ("dog", "sand", "red", "more")}
    found = states(ran.out)
    assert len(found) == 24 and {names for names, state in found.items() if state == "failed"} == bad
    assert {line["error"]["kind"] for line in results(ran.out) if not line["ok"]} == {"VideoError"}
    assert "24 results: 16 done, 8 failed" in ran.err and ran.err.count("hint:") == 1
    for name in ("one", "two"):
        runs = {stage: len(list((work / name / stage).glob("[!.]*"))) for stage in ("source", "tune", "invert", "edit")}
        assert runs == {"source": 1, "tune": 2, "invert": 2, "edit": 8}
    assert not (work / "bad").exists() and leftovers(work) == []

    before = snapshot(work)
    again = vp2p("batch", plan)
    assert again.code == 3 and "24 results: 16 up to date, 8 failed" in again.err
    assert len(again.out.splitlines()) == 16 and snapshot(work) == before
    dry = vp2p("batch", plan, "--dry-run")
    assert dry.code == 0 and snapshot(work) == before
    told = dry.out.splitlines()
    assert all(line.endswith(": up to date (finished)") for line in told if "/one edit" in line or "/two tune" in line)
    assert sum("/bad " in line and ": run (" in line for line in told) == 1 + 2 + 2 + 8


@pytest.mark.slow
def test_an_interrupted_plan_goes_on_to_the_same_bytes(folder: Path, write: Write, start: Start) -> None:
    more = "overrides: [{videos: two, tune: {steps: 2}}]"
    plan, work = write("one", "two", steps=80, edits="[{swap: cat=dog}]", more=more), folder / "work"
    broken = start(plan)
    wait_for(lambda: tuning(work / "one"))
    broken.send_signal(signal.SIGINT)
    out, err = broken.communicate()
    assert broken.returncode == 130 and "the same command" in err and "Traceback" not in err
    assert results(out) == [] and leftovers(work) == []
    (checkpoint,) = work.glob("one/tune/*/checkpoint/*.safetensors")
    dry = vp2p("batch", plan, "--dry-run", "--json")
    assert "resume" in {stage["state"] for line in results(dry.out) for stage in line["result"]["stages"]}
    again = vp2p("batch", plan, "--jobs", "1", "--json")
    assert again.code == 0 and len(states(again.out)) == 2 and not checkpoint.exists()

    unbroken = plan.with_name("unbroken.yaml")
    unbroken.write_text(plan.read_text().replace("workspaces: work", "workspaces: unbroken"))
    do(graph_of(unbroken))
    assert tensors(work) == tensors(folder / "unbroken")


def tensors(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.safetensors")}


@pytest.mark.slow
def test_a_killed_process_takes_only_its_own_items_with_it(folder: Path, write: Write, start: Start) -> None:
    more, edits = "overrides: [{videos: two, tune: {steps: 2}}]", "[{swap: cat=dog}, {swap: cat=bird}]"
    plan, work = write("one", "two", steps=80, edits=edits, more=more), folder / "work"
    broken = start(plan)
    wait_for(lambda: tuning(work / "one"))
    (lock,) = work.glob("one/tune/.*.lock")
    os.kill(json.loads(lock.read_bytes())["pid"], signal.SIGKILL)
    out, err = broken.communicate()
    assert broken.returncode == 3, err
    assert states(out) == {
        ("one", None, "dog"): "failed",
        ("one", None, "bird"): "failed",
        ("two", None, "dog"): "done",
        ("two", None, "bird"): "done",
    }
    failed = [line for line in results(out) if not line["ok"]]
    assert all("SIGKILL" in line["error"]["cause"] and line["result"]["stage"] == "tune" for line in failed)
    again = vp2p("batch", plan, "--jobs", "1", "--json")
    assert again.code == 0 and sorted(states(again.out).values()) == ["done", "done", "up to date", "up to date"]


@pytest.mark.slow
def test_processes_end_with_their_parent(folder: Path, write: Write, start: Start) -> None:
    plan, work = write("one", steps=5000, edits="[]"), folder / "work"
    broken = start(plan)
    wait_for(lambda: tuning(work / "one"))
    broken.kill()
    wait_for(lambda: list(work.glob("one/tune/*/checkpoint/*.safetensors")), 60)
    wait_for(lambda: not list(work.glob("one/tune/.*.lock")), 60)


def test_mistakes_are_told_and_nothing_starts(folder: Path, write: Write) -> None:
    plan = write("one", "gone", more="surplus: 1")
    ran = vp2p("batch", plan)
    assert ran.code == 2 and ran.out == "" and not (folder / "work").exists()
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2
    assert f"{plan}:10: There is no video" in errors[0] and f"{plan}:11: The plan has no key" in errors[1]
    told = [json.loads(line) for line in vp2p("batch", plan, "--json").out.splitlines()]
    assert [line["error"]["exit"] for line in told] == [2, 2]


def test_jobs_are_not_for_a_cluster(write: Write) -> None:
    ran = vp2p("batch", write("one"), "--jobs", "2", "--ray", "auto")
    assert ran.code == 2 and "--jobs" in ran.cause
