"""Frames split over two ranks: the same as one rank, to float error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.method.shared_passes import CASES
from vp2p.t2s.ranks import Ranks, Share, even
from vp2p.t2s.windows import Window

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def by_rank(sd2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Tensor]]:
    """What each of two ranks found in all cases, which share the start of the processes."""
    results = tmp_path_factory.mktemp("ranks")
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.method.shared_passes", str(sd2_folder), str(results), str(rank)],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for rank in ranks:
        _, said = rank.communicate(timeout=300)
        assert rank.returncode == 0, said[-6000:]
    return [load_file(results / f"rank-{rank}.safetensors") for rank in range(2)]


@pytest.mark.parametrize("case", CASES)
def test_two_ranks_find_what_one_finds(case: str, by_rank: list[dict[str, Tensor]], sd2_folder: Path) -> None:
    alone = CASES[case](sd2_folder)
    for found in by_rank:
        mine = {key.partition("/")[2]: one for key, one in found.items() if key.startswith(f"{case}/")}
        assert mine.keys() == alone.keys()
        for key, wanted in alone.items():
            # Some gradients are zero to rounding, as of queries with one key.
            error, most = float((mine[key] - wanted).abs().max()), 3e-4 * float(wanted.abs().max()) + 1e-10
            assert error < most, f"{key} differs by {error}"
        assert max(float(wanted.abs().max()) for wanted in alone.values()) > 1e-3


def test_ranks_find_the_same_bits(by_rank: list[dict[str, Tensor]]) -> None:
    first, second = by_rank
    assert [key for key in first if not torch.equal(first[key], second[key])] == []


def test_shares_are_the_frames_in_order() -> None:
    assert even(7, 3) == (3, 2, 2) and even(1, 2) == (1, 0)
    window = Window((0, 4, 5), (0.0, 0.5, 1.0), 6)
    first, second = (Ranks(rank, 2).share(window) for rank in range(2))
    assert first.frames + second.frames == window.frames and first.weights + second.weights == window.weights
    assert isinstance(first, Share) and first.share == second.share == window.share
    assert Ranks(0, 4).share(window) is window
