"""A setting changed in a YAML text: the value is there, and all else stays as it was written."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from vp2p.plain import PlainError
from vp2p.workspace.yaml_edit import REMOVED, edited, with_text

TEXT = """\
# head
format: 1

clip:
  frames: 8  # eight
  # after
tune:   # settings
  steps: 300   # three hundred
  # last

edit:
  swap:
  - cat=dog
  - grass=sand
# the end"""


@pytest.mark.parametrize(
    ("section", "key", "value", "gone", "new"),
    [
        ("tune", "steps", 5, ["  steps: 300   # three hundred"], ["  steps: 5     # three hundred"]),
        ("tune", "steps", REMOVED, ["  steps: 300   # three hundred"], []),
        ("tune", "learning_rate", 1e-5, [], ["  learning_rate: 1.0e-05"]),
        ("clip", "size", "512", [], ["  size: '512'"]),
        ("clip", "size", None, [], ["  size: null"]),
        ("clip", "frames", "all", ["  frames: 8  # eight"], ["  frames: all # eight"]),
        ("invert", "null", "shared", [], ["invert:", "  'null': shared"]),
        ("edit", "swap", ["a=b"], ["  swap:", "  - cat=dog", "  - grass=sand"], ["  swap: [a=b]"]),
        ("edit", "swap", REMOVED, ["  swap:", "  - cat=dog", "  - grass=sand"], []),
        ("edit", "no_blend", True, [], ["  no_blend: true"]),
    ],
)
def test_only_the_setting_changes(section: str, key: str, value: Any, gone: list[str], new: list[str]) -> None:
    text = edited(TEXT, section, key, value)
    assert text is not None
    before, after = TEXT.splitlines(), text.splitlines()
    assert [line for line in after if line not in before] == new
    assert [line for line in before if line not in after] == gone
    assert [line for line in after if line in before] == [line for line in before if line in after]
    found = (yaml.safe_load(text)[section] or {}).get(key, REMOVED)
    assert found == value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "tune:\n  steps: 9\n"),
        ("# only this\n", "# only this\ntune:\n  steps: 9\n"),
        ("tune:", "tune:\n  steps: 9\n"),
        ("tune: {} # none\n", "tune:    # none\n  steps: 9\n"),
        ("tune: # none yet\ninvert:\n  steps: 1\n", "tune: # none yet\n  steps: 9\ninvert:\n  steps: 1\n"),
        ("tune:\n  steps:\n  seed: 3", "tune:\n  steps: 9\n  seed: 3\n"),
        ("tune: {steps: 3}\n", "tune: {steps: 9}\n"),
        ("tune:\r\n    seed: 3\r\n", "tune:\r\n    seed: 3\r\n    steps: 9\r\n"),
        ("clip: {frames: 2}\n", "clip: {frames: 2}\ntune:\n  steps: 9\n"),
    ],
)
def test_however_little_is_there(text: str, wanted: str) -> None:
    assert edited(text, "tune", "steps", 9) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("tune: {seed: 3}  # c\n", "tune: {seed: 3, steps: 9} # c\n"),
        ("{tune: {seed: 3}, clip: {size: ~}}", "{tune: {seed: 3, steps: 9}, clip: {size: ~}}\n"),
        ("tune: &a {steps: 3}\ninvert: *a\n", "tune: {steps: 9}\ninvert: {steps: 3}\n"),
        ("invert: &a\n  steps: 3\ntune: *a\n", "invert: &a\n  steps: 3\ntune:\n  steps: 9\n"),
        ("invert: &a\n  steps: 3\ntune:\n  <<: *a\n", "invert: &a\n  steps: 3\ntune:\n  <<: *a\n  steps: 9\n"),
        ("---\ntune:\n    swap:\n      - a=b\n", "---\ntune:\n    swap:\n      - a=b\n    steps: 9\n"),
    ],
)
def test_flow_style_anchors_and_indents(text: str, wanted: str) -> None:
    new = edited(text, "tune", "steps", 9)
    # An anchor that no alias needs any more may go.
    assert new is not None and new.replace("&a\n", "\n").replace(": \n", ":\n") in (
        wanted,
        wanted.replace(" &a\n", "\n"),
    )


def test_scalars_stay_as_they_are_written() -> None:
    text = "clip:\n  start: ~\n  end: null\n  fps: 010\n  size:\n  fit: 'x'\n  rate: 1e-4\ntune:\n  steps: 1\n"
    assert edited(text, "tune", "steps", 9) == text.replace("steps: 1", "steps: 9")


@pytest.mark.parametrize("text", ["tune: {seed: [1, # one\n  2]}\n", "tune:\n  <<: {steps: 3}\n"])
def test_what_would_be_lost_is_left(text: str) -> None:
    value = REMOVED if "<<" in text else 9
    assert edited(text, "tune", "steps", value) is None


@pytest.mark.parametrize("value", [None, True, 3, "512", "keep", ["a"]])
def test_a_quoted_value_is_replaced_by_any(value: Any) -> None:
    text = edited("clip:\n  size: '32'  # pixels\n", "clip", "size", value)
    assert text is not None and yaml.safe_load(text) == {"clip": {"size": value}} and "# pixels" in text


def test_comments_around_the_only_setting_stay() -> None:
    text = "tune:  # of mine\n  # above\n  steps: 3  # its own\n  # below\n\n# next\nedit: {}\n"
    assert edited(text, "tune", "steps", REMOVED) == text.replace("  steps: 3  # its own\n", "")
    bare = "tune:\n  # above\n  steps: 3\n"
    assert edited(bare, "tune", "steps", REMOVED) == "tune:\n  # above\n"


def test_the_bounds_hold_before_a_text_is_edited() -> None:
    lists = [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi")]
    bomb = "a: &a [x]\n" + "".join(lists)
    for edit in (lambda: edited(bomb, "tune", "steps", 9), lambda: with_text(bomb, "video", "x")):
        with pytest.raises(PlainError, match="aliases"):
            edit()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: 1\nvideo: ../x.mp4  # mine\n", "a: 1\nvideo: video/y.mp4 # mine\n"),
        ("video: '../x.mp4'\n", "video: video/y.mp4\n"),
        ("{video: ../x.mp4, a: 1}", "{video: video/y.mp4, a: 1}\n"),
        ("video: |-\n  ../x.mp4\na: 1\n", None),
    ],
)
def test_another_text_under_a_key(text: str, wanted: str | None) -> None:
    new = with_text(text, "video", "video/y.mp4")
    assert yaml.safe_load(new) == {**yaml.safe_load(text), "video": "video/y.mp4"}
    assert wanted is None or new == wanted
