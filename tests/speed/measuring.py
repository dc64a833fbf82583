"""Seconds, arithmetic and peak memory of a piece of work, on a CPU or a GPU."""

from __future__ import annotations

import ctypes
import resource
import statistics
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """What one step of a stage costs.

    ``seconds`` are of the GPU's clock, or of one process on the CPU; ``memory`` is the peak in bytes while it ran, the
    model included.
    """

    stage: str
    seconds: float
    teraflops: float
    memory: int


class Meter:
    """Measures on one device."""

    def __init__(self, device: str) -> None:
        self.on_gpu = device.startswith("cuda")
        self._device = device

    def now(self) -> float:
        """Seconds, once the device has done what it was given; on the CPU those that the process computed."""
        if not self.on_gpu:
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    def matrix_rate(self, dtype: torch.dtype) -> float:
        """Multiplications and additions a second of a large matrix product, in tera."""
        side = 8192 if self.on_gpu else 2048
        a, b = torch.randn(2, side, side, device=self._device, dtype=dtype)
        return 2 * side**3 / 1e12 / self.median(lambda: a @ b, 9)

    def median(self, work: Work, times: int = 3) -> float:
        """The median seconds of a piece of work, after one run that does not count."""
        work()
        return statistics.median(self.seconds(work) for _ in range(times))

    def seconds(self, work: Work) -> float:
        """The seconds of a piece of work."""
        start = self.now()
        work()
        return self.now() - start

    def row(self, stage: str, work: Work, times: int = 3, per: int = 1) -> Row:
        """A row of a piece of work that takes ``per`` steps."""
        self._forget_peak()
        seconds = self.median(work, times)
        memory = self._peak()
        with _Counter() as counter:
            work()
        return Row(stage, seconds / per, counter.total / 1e12 / per, memory)

    def measured(self, work: Work) -> tuple[float, int]:
        """The seconds of a piece of work, and the peak of memory while it ran."""
        self._forget_peak()
        return self.seconds(work), self._peak()

    def _forget_peak(self) -> None:
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()
        else:
            # What the work before has freed is given back, or it would count as this one's.
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5")

    def _peak(self) -> int:
        if self.on_gpu:
            return torch.cuda.max_memory_allocated()
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = next((line for line in lines if line.startswith("VmHWM")), None)
        kibibytes = int(peak.split()[1]) if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return kibibytes * 1024


class _Counter(TorchDispatchMode):
    """Counts multiplications and additions as ``FlopCounterMode`` does, which cannot follow an embedding's gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def waits(work: Work) -> int:
    """How often a piece of work waits for the GPU."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            work()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(one.message) for one in caught)
