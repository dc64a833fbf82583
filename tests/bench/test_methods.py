"""The methods' settings: those of the templates, and those that are changed by name."""

from __future__ import annotations

import pytest

from vp2p.bench.methods import METHODS, read_method
from vp2p.config.templates import read_template
from vp2p.errors import UsageError
from vp2p.models.card import local_card
from vp2p.models.sources import BUNDLED
from vp2p.schema import from_mapping, to_mapping
from vp2p.settings import SECTIONS, EditSettings, InvertSettings, TuneSettings


@pytest.mark.parametrize("name", ["paper", "released", "image-p2p", "tune-a-video", "dreamix"])
def test_a_method_and_the_template_of_its_name_agree(name: str):
    template = read_template(name)
    for section, found in METHODS[name].recorded().items():
        wanted = from_mapping(SECTIONS[section], template.get(section, {}))
        differing = {key for key, value in found.items() if value != to_mapping(wanted)[key]}
        assert differing <= {"guidance"}  # what suits the bundled model


def test_the_default_is_what_the_commands_do_on_the_bundled_model():
    method, card = METHODS["default"], local_card(BUNDLED)
    assert method.invert == from_mapping(InvertSettings, card.suited("invert"))
    assert method.tune == from_mapping(TuneSettings, card.suited("tune"))
    assert method.edit({"swap": ["cat=dog"]}) == EditSettings.of(swap=("cat=dog",)) and not card.suited("edit")


def test_settings_are_changed_by_name():
    method = read_method("direct,edit.cross-replace=0.6,tune.steps=7,edit.guidance=5")
    assert method.name == "direct,edit.cross-replace=0.6,tune.steps=7,edit.guidance=5"
    assert (method.invert.method, method.tune.steps) == ("direct", 7)
    edit = method.edit({"swap": ["cat=dog"]})
    assert (edit.words.swap, edit.control.cross_replace, edit.control.guidance) == (("cat=dog",), 0.6, 5.0)
    assert METHODS["direct"].tune.steps == 500


def test_other_defaults_serve_where_a_method_says_nothing():
    common = ["tune.steps=30", "invert.steps=20", "edit.cross_replace=0.3"]
    steps = {text: read_method(text, common).tune.steps for text in ("paper", "image-p2p", "paper,tune.steps=7")}
    assert steps == {"paper": 30, "image-p2p": 0, "paper,tune.steps=7": 7}
    method = read_method("released", common)
    assert (method.tune.steps, method.invert.steps, method.edit({}).control.cross_replace) == (300, 20, 0.2)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("papr", "no method 'papr'"),
        ("paper,tune.stesp=3", "no setting 'stesp'"),
        ("paper,steps=3", "changes no setting"),
        ("paper,tune.steps", "changes no setting"),
        ("paper,clip.frames=3", "changes no setting"),
        ("paper,tune.steps=[", "holds no value"),
        ("paper,tune.steps=many", "steps is 'many'"),
        ("paper,edit.strength=2", "strength is 2.0"),
    ],
)
def test_a_mistake_is_named(text: str, cause: str):
    with pytest.raises(UsageError) as caught:
        read_method(text)
    assert cause in caught.value.cause
