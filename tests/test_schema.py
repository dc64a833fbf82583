"""Plain values and settings: grouped inside, flat outside, and by their first names in records."""

from __future__ import annotations

import warnings

import pytest

from vp2p.errors import UsageError
from vp2p.schema import (
    RENAMED,
    RenamedWarning,
    before,
    from_mapping,
    from_record,
    identifying,
    options,
    to_mapping,
    to_record,
)
from vp2p.settings import SECTIONS, AttentionSettings, ClipSettings, ComputeSettings, EditSettings

CLASSES = [*SECTIONS.values(), AttentionSettings, ComputeSettings]


@pytest.mark.parametrize("cls", CLASSES)
def test_settings_survive_as_plain_values(cls: type) -> None:
    assert from_mapping(cls, to_mapping(cls())) == cls()
    assert from_mapping(cls, from_record(to_record(cls()))) == cls()
    names = [one.name for one in options(cls)]
    assert len(set(names)) == len(names) and list(to_mapping(cls())) == names
    assert before(cls).keys() <= set(names)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_help_is_a_short_plain_sentence(cls: type) -> None:
    for one in options(cls):
        assert one.help[0].isupper() or one.help.startswith("sprites"), one.name
        assert one.help.endswith(".") and ";" not in one.help, one.name
        for sentence in one.help.replace(": ", ". ").split(". "):
            assert len(sentence.split()) <= 25, one.name


def test_groups_are_flat_outside() -> None:
    edit = EditSettings.of(swap="cat=dog", self_replace=0.5, blend=["cat"], blend_threshold=0.4, candidates=2)
    assert edit.words.swap == ("cat=dog",) and edit.control.self_replace == 0.5
    assert (edit.blend.words, edit.blend.threshold, edit.composite.candidates) == (("cat",), 0.4, 2)
    flat = to_mapping(edit)
    assert (flat["swap"], flat["blend"], flat["blend_threshold"], flat["no_blend"]) == (
        ["cat=dog"],
        ["cat"],
        0.4,
        False,
    )
    with pytest.raises(UsageError, match="blend_threshold is 2.0"):
        EditSettings.of(blend_threshold=2)
    with pytest.raises(UsageError, match="no setting 'threshold'"):
        EditSettings.of(threshold=0.2)


@pytest.mark.parametrize(
    ("given", "held"),
    [(64, "64"), ("64", "64"), ((64, 32), "64x32"), ([64, 32], "64x32"), ("keep", "keep"), (None, None)],
)
def test_a_size_may_be_numbers(given: object, held: object) -> None:
    assert from_mapping(ClipSettings, {"size": given}).size == held


@pytest.mark.parametrize("given", [True, 64.5, (64,), (64, 32, 16), (64, "32")])
def test_what_is_no_size_is_refused(given: object) -> None:
    with pytest.raises(UsageError, match="size is"):
        from_mapping(ClipSettings, {"size": given})


def test_records_and_identities_keep_the_first_names() -> None:
    edit = EditSettings.of(swap=["cat=dog"], propagate=False, candidates=3)
    for kept in (to_record(edit), identifying(edit)):
        assert not set(RENAMED.values()) & set(kept) and kept["tries"] == 3 and kept["apart"] is True
    assert to_record(edit)["carry"] is False and "carry" not in identifying(edit)  # what was done before it existed


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_is_understood_and_told(old: str, new: str) -> None:
    with pytest.warns(RenamedWarning, match=f"{old} is called {new} now"):
        assert from_mapping(EditSettings, {old: False if old != "tries" else 1}) != EditSettings()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert from_record({old: 1, "swap": []}) == {new: 1, "swap": []}
