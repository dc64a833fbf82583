"""Kept scores, their summary, and the files that are made of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vp2p.bench.methods import METHODS
from vp2p.bench.results import Result, ScoreFile
from vp2p.bench.scores import Scores
from vp2p.bench.selecting import select
from vp2p.bench.summary import claims, rows
from vp2p.bench.writing import write_results

CASES = select(["object-00", "object-01", "reweight-00"])


def result(case: str, method: str, took: float, kept: float | None = 25.0, **scores: float) -> Result:
    return Result(case, method, f"{case}{method}", Scores(kept, took, {"object": took}, **scores))


FOUND = [
    result("object-00", "paper", 1.0, true=14.0, distance=0.2, steady=2.0, along=3.0, looks=1, rebuilt=23.0),
    result("object-00", "tune-a-video", 0.5, 20.0, true=12.0, distance=0.3, steady=5.0, rebuilt=20.0),
    result("object-01", "paper", 0.5, None, true=16.0, distance=0.3, steady=4.0, along=5.0, looks=2, rebuilt=24.0),
    result("object-01", "tune-a-video", 0.5, 21.0, true=12.0, distance=0.3, steady=9.0, rebuilt=22.0),
    result("reweight-00", "paper", 0.0, steady=90.0),
]


def test_scores_are_found_again_by_their_identity(tmp_path: Path):
    path = tmp_path / "scores.jsonl"
    for one in FOUND:
        ScoreFile(path).add(one)
    again = ScoreFile(path)
    assert again.get("object-00", "paper", FOUND[0].identity) == FOUND[0]
    assert again.get("object-00", "paper", "other") is None
    assert again.of(["object-01", "object-00"], ["paper", "ddim"]) == [FOUND[2], FOUND[0]]
    newer = Result("object-00", "paper", "newer", Scores(1.0, 0.0))
    again.add(newer)
    assert ScoreFile(path).of(["object-00"], ["paper"]) == [newer]


def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path: Path):
    path = tmp_path / "scores.jsonl"
    scores = ScoreFile(path)
    scores.add(FOUND[0])
    scores.add(FOUND[1])
    path.write_bytes(path.read_bytes()[:-40])
    again = ScoreFile(path)
    assert again.of(CASES, METHODS) == [FOUND[0]]
    again.add(FOUND[2])
    assert ScoreFile(path).of(CASES, METHODS) == [FOUND[0], FOUND[2]]


def test_scores_of_another_version_are_counted_anew(tmp_path: Path):
    path = tmp_path / "scores.jsonl"
    ScoreFile(path).add(FOUND[0])
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"version": record["version"] - 1}) + "\n")
    assert ScoreFile(path).of(CASES, METHODS) == []


def test_rows_are_means_over_the_cases_that_have_the_score():
    paper, rival = rows(FOUND, CASES)
    assert (paper.method, paper.cases, paper.scores["took"], paper.scores["true"]) == ("paper", 3, 0.5, 15.0)
    assert paper.scores["kept"] == 25.0 and paper.scores["steady"] == 4.0  # the median of 2, 4 and 90
    assert paper.took_by_kind == {"object": 0.75, "reweight": 0.0} and rival.took_by_kind == {"object": 0.5}
    assert [row.cases for row in rows(FOUND, CASES, "train")] == [2, 1]


def test_claims_compare_the_cases_that_both_methods_have():
    found = {claim.claim: claim for claim in claims(FOUND)}
    assert len(found) == 4  # of rebuilding, and of leading in kept, true and steady
    rebuilt = found["a shared null embedding rebuilds the clip better than Tune-A-Video + DDIM"]
    assert (rebuilt.better, rebuilt.error, rebuilt.cases) == (2.5, 0.5, 2)
    assert found["Video-P2P leads tune-a-video in steady"].better == 4.0  # less is better
    assert found["Video-P2P leads tune-a-video in kept"].cases == 1


def test_the_three_files_hold_the_figures(tmp_path: Path):
    methods = [METHODS["paper"], METHODS["tune-a-video"]]
    write_results(tmp_path, FOUND, CASES, methods)
    record = json.loads((tmp_path / "results.json").read_text())
    assert len(record["results"]) == 5 and record["methods"]["tune-a-video"]["edit"]["cross_replace"] == 0.0
    assert record["cases"]["reweight-00"]["asked"] == "a red bird on the grass, red:3"
    assert record["claims"][1]["error"] is None or record["claims"][1]["error"] >= 0
    table = (tmp_path / "table.md").read_text()
    assert "| paper | 3 | 50% | 25.00 | 15.00 | 0.2500 | 4.00 | 4.00 | 1.50 | – | 23.50 |" in table
    assert "leads tune-a-video in true | 3.000 | 1.000 | 2 |" in table
    page = (tmp_path / "page.html").read_text()
    assert page.count("<figure>") == 5 + 2 * 2 + 1
    assert 'src="frames/object-00/tune-a-video.png"' in page and "took 100%" in page


def test_a_methods_name_is_only_text_on_the_page(tmp_path: Path):
    odd = Result("object-00", "direct,model.model=<b>/..", "x", Scores(1.0, 0.0))
    write_results(tmp_path, [odd], CASES, [])
    page = (tmp_path / "page.html").read_text()
    assert "<b>/" not in page and 'src="frames/object-00/direct%2Cmodel' in page


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_valid_settings(name: str):
    method = METHODS[name]
    assert set(method.recorded()) == {"model", "tune", "invert", "edit"}
    assert method.invert.guidance == 3.0
