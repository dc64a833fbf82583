"""``vp2p log``: the tree of runs, and what differs."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.running import done, refused
from tests.cli.test_migration import HALF, INVERTED, LONG, SHORT
from vp2p.workspace import run_lock


def test_each_run_stands_under_its_parent_with_what_differs(branched: Path) -> None:
    done("tag", "short", SHORT)
    lines = done("log").out.splitlines()
    depth = {key: line.index(key) for key in (SHORT, LONG, INVERTED, "edit/dog", HALF) for line in lines if key in line}
    assert depth[SHORT] == depth[LONG] < depth[INVERTED] < depth["edit/dog"]
    said = {key: line for key in depth for line in lines if key in line}
    assert "short" in said[SHORT] and "steps 2" in said[SHORT] and "steps 3" in said[LONG] and "rate" not in said[LONG]
    assert "direct, 2 steps" in said[INVERTED]
    assert "a dog is running on the grass" in said["edit/dog"] and "no blend no" in said["edit/dog"]
    assert "interrupted" in said[HALF] and "at step 2" in said[HALF]
    assert all("ago" in line or "just now" in line for line in said.values())


def test_one_branch_alone(branched: Path) -> None:
    done("tag", "long", LONG)
    shown = done("log", "long").out
    assert all(key in shown for key in ("source/", LONG, INVERTED, "edit/dog", "edit/everywhere"))
    assert SHORT not in shown and HALF not in shown
    assert "edit/everywhere" not in done("log", "edit/dog").out
    assert "no run 'nothing'" in refused(2, "log", "nothing").cause


def test_a_run_that_is_being_written(branched: Path) -> None:
    with run_lock(branched / HALF):
        (entry,) = done("log", HALF, "--json").json["result"]["runs"]
    assert entry["state"] == "being written" and "on this host since" in entry["told"]


def test_what_is_gone_or_damaged_is_said(branched: Path) -> None:
    shutil.rmtree(branched / LONG)
    (branched / SHORT / "manifest.json").write_text("{")
    roots = {f"{run['stage']}/{run['name']}": run for run in done("log", "--json").json["result"]["runs"]}
    assert roots[LONG]["state"] == "gone" and [run["name"] for run in roots[LONG]["made"]] == [INVERTED[7:]]
    assert roots[SHORT]["state"] == "damaged" and "manifest.json" in roots[SHORT]["told"]
    assert "gone" in done("log").out
