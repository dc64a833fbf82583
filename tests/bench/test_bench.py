"""The whole bench on one case with hardly any steps: its results, and that doing it again does nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vp2p.bench.__main__ import main
from vp2p.settings import EditSettings
from vp2p.workspace import Workspace

QUICK = "tune.steps=1,invert.steps=2"
METHODS = [
    "ideal-vae",
    f"default,{QUICK},edit.candidates=2",
    f"dreamix,{QUICK}",
    "image-p2p,invert.steps=2,invert.inner_steps=1",
]


def stamps(folder: Path) -> dict[Path, int]:
    """When each result of a run, and the scores, were written."""
    return {path: path.stat().st_mtime_ns for path in [*folder.rglob("manifest.json"), folder / "scores.jsonl"]}


@pytest.mark.slow
def test_a_bench_runs_and_does_nothing_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "bench"
    arguments = ["--out", str(out), "--cases", "object-00", "--methods", *METHODS]
    assert main(arguments) == 0
    assert capsys.readouterr().out.strip() == str(out / "table.md")
    record = json.loads((out / "results.json").read_text())
    assert [found["method"] for found in record["results"]] == METHODS
    ceiling, default, dreamix, image = (found["scores"] for found in record["results"])
    assert ceiling["took"] == 1.0 and ceiling["steady"] == 1.0 and ceiling["rebuilt"] is None
    assert ceiling["true"] > max(dreamix["true"], image["true"])
    assert default["kept"] > dreamix["kept"] + 5  # around the object it is the clip itself
    assert dreamix["rebuilt"] > 20  # the clip as the VAE alone returns it
    for name in ("clip", "ideal", METHODS[0]):
        with Image.open(out / "frames" / "object-00" / f"{name}.png") as strip:
            assert strip.size == (8 * 128, 128)
    # One workspace for the tuned model, one for the image model; the drawn frames went in without loss.
    workspaces = [Workspace(path.parent) for path in sorted((out / "cases").rglob("vp2p.yaml"))]
    assert len(workspaces) == 3
    edits = [run.manifest().settings["edit"] for space in workspaces for run in space.runs("edit")]
    assert {edit["strength"] for edit in edits} == {1.0, 0.8} and EditSettings().control.strength == 1.0

    before = stamps(out)
    assert main(arguments) == 0
    assert stamps(out) == before
    # Only what is missing is done: one line of the scores, then one strip.
    lines = (out / "scores.jsonl").read_text().splitlines(keepends=True)
    (out / "scores.jsonl").write_text("".join(lines[1:]))
    (out / "frames" / "object-00" / "clip.png").unlink()
    assert main(arguments) == 0
    assert sorted((out / "scores.jsonl").read_text().splitlines(keepends=True)) == sorted(lines)
    with Image.open(out / "frames" / "object-00" / "clip.png") as strip:
        assert np.asarray(strip).std() > 10


@pytest.mark.slow
def test_a_case_that_fails_is_kept_to_itself(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """In processes of their own, as the command starts them."""
    out = tmp_path / "bench"
    (out / "cases" / "object-00" / "clip").mkdir(parents=True)
    (out / "cases" / "object-00" / "clip" / "vp2p.yaml").write_text("format: 1\n")
    arguments = ["--out", str(out), "--cases", "object-00", "--jobs", "2", "--methods", f"direct,{QUICK}", "ideal-vae"]
    assert main(arguments) == 3
    printed = capfd.readouterr()
    assert "object-00 direct" in printed.err and "Traceback" not in printed.err
    assert printed.out.strip() == str(out / "table.md")
    record = json.loads((out / "results.json").read_text())
    assert [found["method"] for found in record["results"]] == ["ideal-vae"]


def test_a_mistake_is_told_before_anything_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("of somebody's")
    assert main(["--out", str(tmp_path / "file"), "--cases", "object-00"]) == 2
    assert "is not a folder" in capsys.readouterr().err
    for arguments, told in (
        (["--methods", "papr"], "There is no method 'papr'"),
        (["--cases", "nothing-*"], "No case fits"),
        (["--jobs", "0"], "--jobs is 0"),
    ):
        assert main(["--out", str(tmp_path / "out"), *arguments]) == 2
        assert told in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
