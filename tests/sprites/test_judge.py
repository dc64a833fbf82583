"""The judge is right about rendered scenes, and the accuracies are counted as documented."""

from __future__ import annotations

import numpy as np
import pytest

from vp2p.sprites import judge as judge_module
from vp2p.sprites.grid import accuracy, grid_scenes, styled_scenes
from vp2p.sprites.judge import Judge, Verdict
from vp2p.sprites.language import COLOURS, OBJECTS, PLACES
from vp2p.sprites.sampling import sheet
from vp2p.sprites.scenes import Scene


def test_the_judge_reads_rendered_scenes(monkeypatch: pytest.MonkeyPatch):
    # Six of the objects keep the test quick; the whole lattice of looks and poses is searched for each.
    monkeypatch.setattr(judge_module, "OBJECTS", ("cat", "dog", "car", "penguin", "tree", "fish"))
    scenes = [
        Scene("cat", "snow", "red", seed=1),
        Scene("dog", "lava", "blue", "striped", seed=2),
        Scene("car", "grass", "yellow", seed=3),
        Scene("penguin", "road", seed=4),
    ]
    verdicts = Judge(ground_seeds=8).judge(np.concatenate([scene.render() for scene in scenes]))
    assert [(v.object, v.colour, v.texture, v.place) for v in verdicts] == [
        (s.object, s.colour, s.texture, s.place) for s in scenes
    ]


def test_accuracy_counts_only_named_words():
    scenes = [Scene("cat", "snow", "red"), Scene("dog", "road")]
    verdicts = [Verdict("cat", "blue", None, "snow"), Verdict("dog", "green", None, "road")]
    shares = accuracy(scenes, verdicts)
    assert (shares["object"], shares["colour"], shares["place"], shares["all"]) == (1.0, 0.0, 1.0, 0.5)
    assert np.isnan(shares["texture"])


def test_the_grid_deals_words_evenly():
    scenes = grid_scenes(200, 0)
    assert scenes == grid_scenes(200, 0)
    for field, words in (("object", OBJECTS), ("place", PLACES)):
        counts = [sum(getattr(scene, field) == word for scene in scenes) for word in words]
        assert max(counts) - min(counts) <= 1
    assert {scene.colour for scene in scenes} == {None, *COLOURS}
    assert {scene.style for scene in scenes} == {None}
    assert {scene.style for scene in styled_scenes(4, 0)} == {"sketch", "neon"}


def test_a_sheet_lays_pictures_out_in_rows():
    pictures = np.stack([np.full((2, 3, 3), value, np.uint8) for value in (1, 2, 3)])
    laid = sheet(pictures, 2)
    assert laid.shape == (4, 6, 3)
    assert [laid[0, 0, 0], laid[0, 3, 0], laid[2, 0, 0], laid[2, 3, 0]] == [1, 2, 3, 0]
