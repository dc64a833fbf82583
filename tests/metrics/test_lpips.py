"""LPIPS: its network where it can be loaded, and a clear word where it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vp2p.errors import UsageError
from vp2p.metrics.lpips import load_lpips, lpips


def clip() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 64, 72, 3)).astype(np.uint8)


def test_frames_are_given_one_by_one_in_0_to_1() -> None:
    def distance(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        assert one.shape == other.shape == (1, 3, 64, 72) and 0 <= one.min() and one.max() <= 1
        return (one - other).abs().mean()

    first = clip()
    assert lpips(first, first, distance) == 0
    assert lpips(first, 255 - first, distance) == pytest.approx(np.abs(first / 127.5 - 1).mean(), rel=1e-5)


def test_without_its_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(UsageError, match="LPIPS needs torchmetrics and torchvision") as caught:
        load_lpips()
    assert "vp2p[lpips]" in caught.value.hint


def test_a_network_tells_clips_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an AlexNet of random weights, where torch.hub looks for the real one."""
    models = pytest.importorskip("torchvision.models", exc_type=ImportError)
    pytest.importorskip("torchmetrics")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    kept = tmp_path / "hub" / "checkpoints" / "alexnet-owt-7be5be79.pth"
    kept.parent.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(models.alexnet().state_dict(), kept)
    distance, first = load_lpips(), clip()
    near = np.clip(first.astype(int) + 8, 0, 255).astype(np.uint8)
    assert lpips(first, first, distance) == 0
    assert 0 < lpips(first, near, distance) < lpips(first, 255 - first, distance)
