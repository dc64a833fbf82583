"""Loads the reference numbers; every test here is skipped where they are absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator

import pytest
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file

from vp2p.t2s.inflation import TextToSetModel

GOLDEN = Path(__file__).parents[2].parent / "shared" / "golden"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not GOLDEN.is_dir():
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="the reference numbers are not here"))


class Golden:
    """Tensors and tables by file name."""

    folder = GOLDEN

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        return load_file(GOLDEN / f"{name}.safetensors")

    def table(self, name: str):
        return json.loads((GOLDEN / f"{name}.json").read_text())

    def tokenizer(self):
        from transformers import CLIPTokenizerFast

        return CLIPTokenizerFast.from_pretrained(GOLDEN / "model_h8_l2" / "tokenizer")

    def scheduler(self) -> DDIMScheduler:
        return DDIMScheduler.from_pretrained(GOLDEN / "model_h8_l2" / "scheduler")

    def model(self, temporal: str = "tuned") -> TextToSetModel:
        unet = UNet2DConditionModel.from_pretrained(GOLDEN / "model_h8_l2" / "unet").eval().requires_grad_(False)
        model = TextToSetModel(unet, group_norm="joint")
        missing = unet.load_state_dict(self.tensors(f"temporal_{temporal}_h8_l2"), strict=False)
        assert not missing.unexpected_keys
        return model


@pytest.fixture(scope="session")
def golden() -> Golden:
    return Golden()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums are added up in one order, whatever the machine's cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def frames_first(video: torch.Tensor) -> torch.Tensor:
    """(…, c, f, h, w) as stored to (…, f, c, h, w)."""
    return video.transpose(-4, -3)
