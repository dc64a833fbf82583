"""Plans from a fuzzer: each gives a plan, or mistakes in clean sentences; never anything else."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vp2p.batch.plan.diagnostics import PlanError
from vp2p.batch.plan.read import KEYS as PLAN_KEYS
from vp2p.batch.plan.read import Plan, read_plan
from vp2p.settings import SECTIONS

FUZZ = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

SETTINGS = sorted({name for cls in SECTIONS.values() for name in cls.__dataclass_fields__})
KEYS = [*PLAN_KEYS, *SECTIONS, *SETTINGS, "video", "name", "only", "except", "videos", "tune.steps", "edit.swap"]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 2**70),
    st.floats(),
    st.sampled_from(["cat", "a cat", "cat=dog", "cat.mp4", "fast", "20GB", "../x", "", "\x07", "sprites", "all"]),
    st.text(max_size=12),
    st.dates(),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from(KEYS), scalars), inner, max_size=4)
    ),
    max_leaves=12,
)
entry = st.dictionaries(st.sampled_from(KEYS), values, max_size=5)
whole = {"format": st.just(1), "videos": st.just([{"video": "cat.mp4", "prompt": "a cat"}])}
loose = {key: st.one_of(values, st.lists(entry, max_size=3)) for key in PLAN_KEYS}
rest = {key: value for key, value in loose.items() if key not in whole}
plans = st.one_of(values, st.fixed_dictionaries(whole, optional=rest), st.fixed_dictionaries({}, optional=loose))
marks = st.sampled_from(
    list("[]{}&*!|>-:#'\"%@`,?\t\n ~<") + ["&a", "*a", "<<", "!!int", "!!set", "a: ", "- ", "\0", "é"]
)


def check(data: bytes) -> Plan | None:
    """The plan in these bytes, or None where it has mistakes; anything else that is raised is a bug."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.yaml"
        path.write_bytes(data)
        try:
            plan, mistakes = read_plan(path)
            mistakes.check()
        except PlanError as error:
            lines = data.count(b"\n") + data.count(b"\r") + data.count("\x85".encode()) + 2
            for mistake in error.diagnostics:
                assert 1 <= mistake.line <= lines + data.count("\u2028".encode()) + data.count("\u2029".encode())
                assert mistake.cause and mistake.hint and "Traceback" not in mistake.cause
            return None
    assert plan.items
    return plan


@FUZZ
@given(plans)
def test_any_values(value: Any) -> None:
    check(yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace"))


@FUZZ
@given(st.lists(st.one_of(marks, st.sampled_from(KEYS), st.text(max_size=5)), max_size=40))
def test_any_text(pieces: list[str]) -> None:
    check(b"format: 1\n" + "".join(pieces).encode("utf-8", "replace"))


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    check(data)


@FUZZ
@given(st.data())
def test_a_good_plan_with_one_piece_changed(data: st.DataObject) -> None:
    text = (Path(__file__).parents[2] / "templates" / "batch" / "plan.yaml").read_text("utf-8")
    at = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 6))
    check(
        (text[:at] + data.draw(st.one_of(marks, st.text(max_size=3))) + text[at + length :]).encode("utf-8", "replace")
    )


def test_a_good_plan_is_one() -> None:
    assert check((Path(__file__).parents[2] / "templates" / "batch" / "plan.yaml").read_bytes()) is not None
