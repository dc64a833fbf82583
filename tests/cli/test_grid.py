"""``vp2p edit --grid``: every combination is the edit that it is when asked for alone, and one sheet shows all."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Make
from tests.cli.running import done, refused, snapshot
from vp2p.config.grid import read_grid
from vp2p.errors import UsageError
from vp2p.settings import EditSettings
from vp2p.workspace import Workspace

QUICK = ("--candidates", "0", "--no-propagate")
BASE = EditSettings.of(swap=("cat=dog",), reweight=("dog:2", "grass:3"))


def cells(*axes: str) -> list[EditSettings]:
    return [cell.settings for cell in read_grid([BASE], axes).cells]


def test_every_combination_in_order_the_last_axis_first() -> None:
    found = read_grid([BASE], ("candidates=1,2", "cross_replace=0.2,0.4,0.6"))
    shares = [(one.settings.composite.candidates, one.settings.control.cross_replace) for one in found.cells]
    assert shares == [(1, 0.2), (1, 0.4), (1, 0.6), (2, 0.2), (2, 0.4), (2, 0.6)]
    assert [one.values for one in found.cells][:2] == [("1", "0.2"), ("1", "0.4")]
    assert {one.settings.words for one in found.cells} == {BASE.words}


def test_the_word_is_named_once_and_other_words_keep_their_values() -> None:
    assert [one.words.reweight for one in cells("reweight=dog:1,0->3,dog:4")] == [
        ("grass:3", "dog:1"),
        ("grass:3", "dog:0->3"),
        ("grass:3", "dog:4"),
    ]
    assert [one.words.swap for one in cells("swap=cat=fox,baby owl")] == [("cat=fox",), ("cat=baby owl",)]
    assert [one.words.window for one in cells("window=dog=0:0.4,0.8")] == [("dog=0:0.4",), ("dog=0.8",)]
    assert len(cells("reweight=dog:1,2", "reweight=grass:1,2")) == 4


def test_values_are_of_the_setting() -> None:
    assert [one.composite.propagate for one in cells("propagate=true,false")] == [True, False]
    assert [one.blend.words for one in cells("blend=cat,dog")] == [("cat",), ("dog",)]
    assert [one.control.negative_prompt for one in cells(r"negative-prompt=a cat\, red,fog")] == ["a cat, red", "fog"]
    assert len(cells("cross_replace=0.2,0.2")) == 1


@pytest.mark.parametrize(
    ("axes", "cause", "hint"),
    [
        (("0.2",), "is no axis", "--grid reweight=red:1,2,3"),
        (("=1",), "is no axis", "--grid reweight=red:1,2,3"),
        (("cross_replaze=0.2",), "no setting", "--grid cross_replace=0.2?"),
        (("cross_replace=0.2,,0.4",), "empty value", "--grid"),
        (("cross_replace=",), "empty value", "--grid"),
        (("cross_replace=2",), "between 0 and 1", "--grid cross_replace=0.4"),
        (("cross_replace=x",), "must be a number", "cross_replace"),
        (("candidates=1", "candidates=2"), "names candidates twice", "together"),
        (("reweight=dog:1", "reweight=dog:2"), "reweight of dog twice", "together"),
        (("reweight=1,2",), "names no word", "--grid"),
        (("reweight=dog:1,cat:2",), "two words", "of its own"),
        (("seed=1,a",), "seed is 'a'", "--grid seed=1"),
        (("guide=empty,optimise",), "must be one of decoupled", "--grid guide=optimised"),
        (("propagate=maybe",), "true or false", "--grid propagate=true"),
        (("guidance_interval=1:0",), "guidance_interval is '1:0'", "--grid guidance_interval=0:1"),
        (("mask_point=50%,60%",), "a comma inside a value", r"--grid 'mask_point=50%\,60%'"),
        (("mask_point=10",), "mask_point is '10', but must be two numbers", "--mask-point 120,80"),
        (("seed",), "is no axis", "--grid seed=1"),
        (("window=dog:1",), "names no word", "--grid window=dog=0:0.4"),
        (("swap=cat=dog|fox",), "holds a bar", "swap=cat=dog,rabbit"),
        (("candidates=1,2,3,4,5", "cross_replace=0.1,0.2,0.3,0.4"), "makes 20 edits", "fewer"),
    ],
)
def test_a_mistake_says_what_to_type(axes: tuple[str, ...], cause: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_grid([BASE], axes)
    assert cause in caught.value.cause and hint in caught.value.hint


@pytest.mark.parametrize(
    ("axis", "said", "told"),
    [
        ("cross_replace=0.2,0.4", {"cross_replace": 0.0}, "--cross-replace and the grid both say cross_replace"),
        ("reweight=red:1,2", {"reweight": ("grass:2", "red:3")}, "--reweight and the grid both say red"),
    ],
)
def test_an_axis_and_an_option_do_not_say_the_same(axis: str, said: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_grid([BASE], [axis], said)
    others = {"self_replace": 0.1, "reweight": ("grass:2",)}
    assert len(read_grid([BASE], [axis], others).cells) == 2


def test_a_grid_makes_runs_and_a_sheet(work: Make) -> None:
    folder = work("words", "invert")
    words = ("edit", "--grid", "reweight=cat:1,2", "cross_replace=0.2,0.4,0.6", *QUICK)
    told = done(*words, "-n").out.splitlines()
    assert [line.startswith("edit ") for line in told].count(True) == 6 and not (folder / "show").exists()
    ran = [json.loads(line)["result"] for line in done(*words, "--json").out.splitlines()]
    assert len(ran) == 7 and [one["run"] for one in ran[-1]["runs"]] == [one["run"] for one in ran[:-1]]
    assert ran[-1]["axes"][1] == {"name": "cross_replace", "values": ["0.2", "0.4", "0.6"]}
    assert ran[-1]["runs"][5]["values"] == ["cat:2", "0.6"] and len({one["run"] for one in ran[:-1]}) == 6
    for cell in ran[-1]["runs"]:
        made = Workspace(folder).by_name("edit", cell["run"]).record().settings["edit"]
        assert made["reweight"] == [cell["values"][0]] and str(made["cross_replace"]) == cell["values"][1]
    again = done("edit", "--reweight", "cat:2", "--cross-replace", "0.6", *QUICK)
    assert f"{ran[5]['run']}: up to date" in again.err
    before = snapshot(folder / "edit")
    second = done(*words)
    assert second.err.count("up to date") == 6 and snapshot(folder / "edit") == before
    assert second.out.splitlines()[-1].startswith("show/grid-reweight-cat-1-cat-2-cross_replace")
    with Image.open(ran[-1]["sheet"]) as sheet:
        assert np.asarray(sheet).std() > 10


def test_edits_that_show_the_same_are_told_of(work: Make) -> None:
    work("words", "invert")
    Image.new("L", (64, 64), 255).save("all.png")
    swap = ("edit", "--swap", "cat=dog", "--mask", "all.png", *QUICK)
    assert (
        "dog-blend-threshold-0.2 and dog-blend-threshold-0.5 show"
        in done(*swap, "--grid", "blend_threshold=0.2,0.5").err
    )
    assert "show the same" not in done(*swap, "--grid", "guidance=2,7").err


def test_alternatives_are_an_axis_too(work: Make) -> None:
    folder = work("words", "invert")
    out = done("edit", "--swap", "cat=dog|old owl", "--grid", "guidance=2,3", *QUICK, "--json").out
    last = json.loads(out.splitlines()[-1])["result"]
    assert [one["name"] for one in last["axes"]] == ["swap", "guidance"]
    assert [one["values"] for one in last["runs"]][2] == ["cat=old owl", "2"]
    assert len([path for path in (folder / "edit").iterdir() if path.name[0] != "."]) == 4


def test_edits_with_the_same_words_are_named_by_what_tells_them_apart(work: Make) -> None:
    work("sd2", "invert")

    def names(*words: str) -> list[str]:
        told = done("edit", "--swap", "cat=dog", *words, "-n").out.splitlines()
        return [line.split(":")[0].removeprefix("edit ") for line in told if line.startswith("edit ")]

    assert names("--grid", "seed=1,2") == ["dog-seed-1", "dog-seed-2"]
    assert names("--grid", "propagate=true,false", "cross_replace=0.2,0.3")[2] == "dog-cross-replace-0.2-no-propagate"
    assert names("--grid", "seed=1,2", "--candidates", "0") == ["dog"], "the same edit twice"
    assert names("--grid", "reweight=dog:2,3") == ["dog-dog-2", "dog-dog-3"]
    Image.new("L", (64, 64), 255).save("all.png")
    Image.new("L", (64, 64), 0).save("no ne.png")
    assert names("--grid", "mask=all.png,no ne.png") == ["dog-mask-all.png", "dog-mask-no-ne.png"]


def test_mistakes_of_the_line_make_nothing(work: Make) -> None:
    folder = work("words", "invert")
    before = snapshot(folder)
    ran = refused(2, "edit", "--swap", "cat=dog", "--grid")
    assert "requires an argument" in ran.cause and ran.hint == "vp2p edit --help"
    assert "--grid before it" in refused(2, "edit", "cross_replace=0.2,0.4").hint
    assert "--name names one edit" in refused(2, "edit", "--grid", "reweight=cat:1,2", "--name", "x").cause
    assert "no word" in refused(2, "edit", "--grid", "reweight=horse:1,2").cause
    assert "--no-blend" in refused(2, "edit", "--swap", "cat=dog", "--no-blend", "--full", "-n").hint
    assert "both say" in refused(2, "edit", "--swap", "cat=dog", "--guidance", "2", "--grid", "guidance=2,3").cause
    assert snapshot(folder) == before
