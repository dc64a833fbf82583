"""Parts of a model that wait in main memory while a GPU does not need them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

import torch
from torch import nn


def resting_place(device: torch.device) -> torch.device:
    """Where parts wait that ``device`` does not need: in main memory, beside a GPU."""
    return torch.device("cpu") if device.type == "cuda" else device


@contextmanager
def on_device(device: torch.device, part: nn.Module, *idle: nn.Module) -> Iterator[None]:
    """Has a part on a device for a while, and idle ones off it; then the other way round again."""
    elsewhere = resting_place(device)
    for other in idle:
        other.to(elsewhere)
    try:
        part.to(device)
        yield
    finally:
        part.to(elsewhere)
        for other in idle:
            other.to(device)
