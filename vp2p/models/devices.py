"""Where a model is computed and how exactly: ``--device`` and ``--dtype``."""

from __future__ import annotations

import torch

from vp2p.errors import UsageError

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device that ``name`` means; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: when the device asked for is not there.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in present.items() if there)
    if not present[name]:
        others = ", ".join(device for device, there in present.items() if there)
        raise UsageError(f"The device {name} is not available here.", f"give --device auto, or one of: {others}")
    return torch.device(name)


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The UNet's number format; ``auto`` is half precision on CUDA (bf16 where it is native), else fp32.

    Raises:
        UsageError: for fp16 on the CPU, which is slow there and overflows.
    """
    if name == "auto":
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if name == "fp16" and device.type == "cpu":
        raise UsageError("--dtype fp16 cannot be used on the CPU.", "give --dtype fp32 or bf16, or --device cuda")
    return _DTYPES[name]
