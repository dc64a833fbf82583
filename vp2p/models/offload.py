"""Parts of a model that wait while nothing needs them: in main memory beside a GPU, on the disk without one."""

from __future__ import annotations

import mmap
import tempfile
from contextlib import contextmanager
from typing import Iterator

import torch
from torch import nn

_ALIGNED = 64  # bytes, as PyTorch's own tensors are


class OnDisk:
    """Has the weights of a part in a file without a name, in the folder for temporary files.

    They come into memory where they are used, and go again by :meth:`release`; by :meth:`end` they come back for good.
    Where the disk refuses, they stay.
    """

    def __init__(self, part: nn.Module) -> None:
        self._weights = weights = [one for one in part.parameters() if one.numel()]
        self._map: mmap.mmap | None = None
        try:
            with tempfile.TemporaryFile() as file:
                starts = []
                for weight in weights:
                    file.seek(-(-file.tell() // _ALIGNED) * _ALIGNED)
                    starts.append(file.tell())
                    file.write(weight.detach().contiguous().view(-1).view(torch.uint8).numpy().data)
                file.flush()
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except (OSError, ValueError):  # also of a part without weights
            return
        for weight, start in zip(weights, starts):
            found = torch.frombuffer(self._map, dtype=weight.dtype, count=weight.numel(), offset=start)
            weight.data = found.view(weight.shape)

    @property
    def done(self) -> bool:
        """Whether the weights are there."""
        return self._map is not None

    def release(self) -> None:
        """Has the system take back the memory of weights that were used."""
        if self._map is not None and hasattr(self._map, "madvise"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def end(self) -> None:
        """Has all weights in memory again."""
        if self.done:
            for weight in self._weights:
                weight.data = weight.data.clone()
        self._map = None  # the file goes with it


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
