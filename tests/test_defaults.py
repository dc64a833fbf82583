"""Settings from several layers: the precedence is the same however the layers come in."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from vp2p.defaults import Origin, for_model, resolve
from vp2p.errors import UsageError
from vp2p.models.card import Card, local_card
from vp2p.models.folder import read_folder
from vp2p.models.sources import BUNDLED, find_model
from vp2p.settings import EditSettings, InvertSettings, TuneSettings

ORIGINS = get_args(Origin)[1:]


def test_the_strongest_layer_counts_whatever_their_order() -> None:
    assert ORIGINS == ("template", "model card", "user config", "vp2p.yaml", "environment", "option")
    for count in range(1, len(ORIGINS) + 1):
        for order in itertools.permutations(ORIGINS[:count]):
            found = resolve(TuneSettings, {origin: {"steps": ORIGINS.index(origin)} for origin in order})
            assert (found.settings.steps, found.origins["steps"]) == (count - 1, ORIGINS[count - 1])


def test_each_option_tells_its_own_origin() -> None:
    layers = {"model card": {"guidance": 3.0}, "vp2p.yaml": {"blend-threshold": 0.5}, "option": {"swap": ["cat=dog"]}}
    found = resolve(EditSettings, layers)  # type: ignore[arg-type]
    assert found.settings == EditSettings.of(guidance=3.0, blend_threshold=0.5, swap=["cat=dog"])
    given = {name: origin for name, origin in found.origins.items() if origin != "default"}
    assert given == {"guidance": "model card", "blend_threshold": "vp2p.yaml", "swap": "option"}
    assert resolve(EditSettings, {}).settings == EditSettings()


def test_layers_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="--blend and --mask"):
        resolve(EditSettings, {"vp2p.yaml": {"mask": "m.mp4"}, "option": {"blend": ["cat"]}})
    with pytest.raises(UsageError, match="no setting 'stesp'"):
        resolve(TuneSettings, {"user config": {"stesp": 1}})


def test_python_gets_what_the_command_line_gets() -> None:
    """The bundled model's card says guidance 3, 20 steps and no tuning, where Stable Diffusion has 7.5, 30 and some."""
    for model in (read_folder(find_model(BUNDLED)), local_card(BUNDLED)):
        assert for_model(model, "tune", {}) == TuneSettings(steps=0)
        assert for_model(model, "tune", {"steps": "auto"}) == TuneSettings() == for_model(Card(), "tune", {})
        assert for_model(model, "invert", {}) == InvertSettings(guidance=3.0, steps=20)
        assert for_model(model, "invert", {"guidance": 5, "steps": 9}) == InvertSettings(guidance=5.0, steps=9)
    kept = for_model(local_card(BUNDLED), "invert", {"steps": 9}, {"vp2p.yaml": {"guidance": 4.0, "steps": 8}})
    assert kept == InvertSettings(guidance=4.0, steps=9)
    assert for_model(Card(), "invert", {}) == InvertSettings()


@pytest.mark.parametrize(
    "values", [{}, {"settings": []}, {"settings": {"invert": 3}}, {"settings": None}, {"words": "cat"}]
)
def test_a_card_of_wrong_types_says_nothing(values: dict[str, object]) -> None:
    assert Card(values).suited("invert") == {} and Card(values).words == ()


def test_settings_are_read_without_torch() -> None:
    names = "vp2p.settings, vp2p.schema, vp2p.defaults, vp2p.config.in_force"
    code = f"import sys, {names}; sys.exit(bool({{'torch', 'numpy', 'transformers'}} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
