"""Points as they are typed."""

from __future__ import annotations

import pytest

from vp2p.errors import UsageError
from vp2p.pipeline.pairs import pairs
from vp2p.points import Point
from vp2p.settings import EditSettings


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("120,80", Point(120, 80, False, 0, True)),
        ("120.5,80@3", Point(120.5, 80, False, 2, True)),
        ("40%,60%", Point(40, 60, True, 0, True)),
        (" -40%, 60% @12", Point(40, 60, True, 11, False)),
    ],
)
def test_a_point_is_read_and_written(text: str, point: Point) -> None:
    assert Point.read(text) == point
    assert Point.read(str(point)) == point


@pytest.mark.parametrize("text", ["", "120", "120;80", "1,2,3", "--1,2", "x,y", "٣,٤"])
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="two numbers with a comma") as refused:
        Point.read(text)
    assert "--mask-point 120,80" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "wrong", "meant"),
    [
        ("120,80%", "both pixels or both percents", "120%,80%"),
        ("50%,50%@0", "a whole number from 1", "50%,50%@1"),
        ("-1,2@", "a whole number from 1", "-1,2@1"),
        ("1,2@x\x1b", "a whole number from 1", "1,2@1"),
        ("5,-5", "a minus stands before both", "-5,5"),
        ("150%,50%", "no percent is above 100", "50%,50%"),
    ],
)
def test_what_is_nearly_one_is_told_as_it_may_be_meant(text: str, wrong: str, meant: str) -> None:
    with pytest.raises(UsageError, match=wrong) as refused:
        Point.read(text)
    assert refused.value.hint.removeprefix("--mask-point")[1:] == meant and refused.value.cause.isprintable()
    Point.read(meant.replace("120%", "12%"))


def test_python_gives_points_as_numbers() -> None:
    assert pairs({"mask_point": (120, 80)}) == {"mask_point": ["120,80"]}
    assert pairs({"mask_point": [(120, 80.5, 3), "-1,2"]}) == {"mask_point": ["120,80.5@3", "-1,2"]}
    assert pairs({"mask_point": "40%,60%"}) == {"mask_point": ["40%,60%"]}


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"mask_text": "the cat", "mask": "cat.mp4"}, "--mask and --mask-text both say where"),
        ({"mask_point": "1,2", "mask": "cat.mp4"}, "--mask and --mask-point both say where"),
        ({"mask_text": "the cat", "mask_point": "1,2"}, "--mask-text and --mask-point both say what"),
        ({"mask_text": "the cat", "blend": "cat"}, "--blend and --mask-text both say where"),
        ({"mask_text": "the cat", "no_blend": True}, "--no-blend contradicts"),
        ({"mask_text": " "}, "holds no words"),
        ({"mask_point": "-1,2"}, "what does not belong"),
        ({"mask_threshold": 2}, "mask_threshold is 2.0, but must be between 0 and 1"),
    ],
)
def test_what_contradicts_itself_is_refused(given: dict[str, object], cause: str) -> None:
    with pytest.raises(UsageError, match=cause):
        EditSettings.of(**given)
