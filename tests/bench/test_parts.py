"""Parts of compositing that are left out: each counts, and none stays left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vp2p.bench.__main__ import main
from vp2p.bench.parts import PARTS, without
from vp2p.compositing.track import ObjectTrack

# By how many dB less of the object is right in clips that show what a part is for: what bends, a shadow, an outline
# that stays. What counts only where a mask is found by the model, or in edits with several key frames, is not here.
LOSSES = {
    "bend-object-02": {"spline": 5, "light": 3},
    "bend-colour-04": {"detail": 3},
}


def propagated(case: str, out: Path, *options: str) -> float:
    assert main(["propagate", "--cases", case, "--out", str(out), *options]) == 0
    return json.loads(out.read_text())["clips"][case]["ideal"]["inside_db"]


@pytest.mark.parametrize("case", LOSSES)
def test_each_part_counts(case: str, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    whole = propagated(case, out)
    for part, least in LOSSES[case].items():
        assert propagated(case, out, "--without", part) < whole - least, part


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_left_out_for_a_while(part: str) -> None:
    replaced = PARTS[part].replaced
    before = [getattr(one.owner, one.name) for one in replaced]
    with without([part]):
        assert all(getattr(one.owner, one.name) is one.by for one in replaced)
    assert [getattr(one.owner, one.name) for one in replaced] == before


def test_one_key_frame_is_left_of_several() -> None:
    with without(["keys", "front"]):
        assert ObjectTrack.further_keys(None, 0) == []


def test_results_without_a_part_have_a_folder_of_their_own(tmp_path: Path) -> None:
    """No setting tells them from others."""
    out = tmp_path / "bench"
    case = ["--cases", "bend-object-02", "--methods", "ideal-vae"]
    assert main(["--out", str(out), *case, "--without", "light", "keys"]) == 0
    assert [path.name for path in out.iterdir()] == ["without-light-keys"]
    found = json.loads((out / "without-light-keys" / "results.json").read_text())["results"]
    assert [one["case"] for one in found] == ["bend-object-02"]


def test_an_unknown_part_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["propagate", "--cases", "bend-object-02", "--out", "figures.json", "--without", "lihgt"])
    assert ended.value.code == 2 and "spline" in capsys.readouterr().err
