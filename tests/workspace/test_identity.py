"""Identities: stable across order, process and layout; different for different inputs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from vp2p.workspace.identity import file_digest, identity


def test_equal_inputs_equal_identity() -> None:
    one = identity("tune", {"steps": 500, "lr": 3e-5, "swap": ("cat=dog",), "deep": {"a": 1, "b": None}})
    two = identity("tune", {"deep": {"b": None, "a": 1}, "swap": ["cat=dog"], "lr": 0.00003, "steps": 500})
    assert one == two and re.fullmatch("[0-9a-f]{64}", one)


def test_the_identity_is_the_digest_of_the_documented_json() -> None:
    text = '{"format":1,"prompt":"\\u732b","stage":"tune","steps":5}'
    assert identity("tune", {"steps": 5, "prompt": "猫"}) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("other", [{"steps": 501}, {"steps": "500"}, {"step": 500}, {"steps": 500, "seed": None}])
def test_other_inputs_other_identity(other: dict) -> None:
    assert identity("tune", {"steps": 500}) != identity("tune", other)
    assert identity("tune", {"steps": 500}) != identity("invert", {"steps": 500})


def test_what_is_no_input_is_refused() -> None:
    with pytest.raises(ValueError):
        identity("tune", {"lr": float("nan")})
    with pytest.raises(ValueError, match="stage"):
        identity("tune", {"stage": "edit"})
    with pytest.raises(TypeError):
        identity("tune", {"path": Path("x")})


def test_file_digest_reads_all_chunks(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    (tmp_path / "f").write_bytes(data)
    assert file_digest(tmp_path / "f") == hashlib.sha256(data).hexdigest()
