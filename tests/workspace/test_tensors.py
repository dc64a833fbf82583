"""Safetensors files: round trip, equal bytes, and every kind of damage."""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from vp2p.errors import ArtifactError
from vp2p.workspace.tensors import encode_tensors, load_metadata, load_tensors, save_tensors


def _tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    trajectory = torch.randn(3, 2, 4, 5, 6, generator=generator)
    return {
        "trajectory": trajectory,
        "view": trajectory[1],
        "twin": trajectory,
        "strided": trajectory.transpose(0, 4),
        "timesteps": torch.tensor([981, 961], dtype=torch.int64),
        "frames": torch.arange(24, dtype=torch.uint8).reshape(2, 2, 2, 3),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "number": torch.tensor(1.5),
        "empty": torch.zeros(0, 3),
        "trained": torch.nn.Parameter(torch.ones(2)),
    }


def test_round_trip(tmp_path: Path) -> None:
    tensors = _tensors()
    save_tensors(tmp_path / "t.safetensors", tensors, {"method": "null-text", "steps": 2})
    loaded = load_tensors(tmp_path / "t.safetensors", "vp2p invert")
    assert set(loaded) == set(tensors)
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype and torch.equal(loaded[name], tensor), name
    assert load_metadata(tmp_path / "t.safetensors", "vp2p invert") == {"method": "null-text", "steps": 2}


def test_no_metadata_reads_as_empty(tmp_path: Path) -> None:
    save_tensors(tmp_path / "t", {"a": torch.ones(1)})
    assert load_metadata(tmp_path / "t", "x") == {}


def test_equal_input_gives_equal_bytes_in_whatever_order(tmp_path: Path) -> None:
    chance = random.Random(0)
    names = list("abcdefgh")
    seen = set()
    for _ in range(20):
        chance.shuffle(names)
        tensors = {name: torch.full((3,), float(ord(name))) for name in names}
        save_tensors(tmp_path / "t", tensors, {name: ord(name) for name in names})
        seen.add((tmp_path / "t").read_bytes())
    assert len(seen) == 1


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    "damage",
    [
        _truncated,
        lambda data: data[:-1],
        lambda data: data[:5],
        lambda data: b"",
        lambda data: b"\xff" * 8 + data[8:],
        lambda data: data + b"more",
        lambda data: b"no tensors at all, but a text that is longer than a header",
        lambda data: pickle.dumps({"a": 1}),
        lambda data: (2).to_bytes(8, "little") + b"[]",
    ],
)
def test_damaged_files_name_the_file_and_the_command(tmp_path: Path, damage) -> None:
    path = tmp_path / "tuned.safetensors"
    save_tensors(path, _tensors())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ArtifactError) as caught:
        load_tensors(path, "vp2p tune --force")
    assert str(path) in caught.value.cause and "damaged" in caught.value.cause
    assert caught.value.hint == "vp2p tune --force"


def test_a_flipped_header_loads_or_is_refused_but_never_crashes(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    save_tensors(path, _tensors(), {"a": 1})
    whole = path.read_bytes()
    length = 8 + int.from_bytes(whole[:8], "little")
    chance = random.Random(0)
    refused = 0
    for _ in range(400):
        data = bytearray(whole)
        data[chance.randrange(length)] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        for load in (load_tensors, load_metadata):
            try:
                load(path, "x")
            except ArtifactError:
                refused += 1
    assert refused > 100


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is missing"):
        load_tensors(tmp_path / "no.safetensors", "x")
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_tensors(tmp_path, "x")
    with pytest.raises(ArtifactError, match="is missing"):
        load_metadata(tmp_path / "no.safetensors", "x")


@pytest.mark.parametrize("metadata", [None, {"é": [1, "x"]}])
def test_the_bytes_are_those_of_the_formats_own_library(metadata: dict[str, Any] | None) -> None:
    kinds = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
    kinds += [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
    tensors = {f"{place}.{kind}": torch.arange(5).to(kind) for place, kind in enumerate(kinds)}
    tensors["a"] = torch.randn(2, 3, 4)
    told = None if metadata is None else {"vp2p": json.dumps(metadata, sort_keys=True)}
    assert b"".join(encode_tensors(tensors, metadata)) == save(tensors, metadata=told)
