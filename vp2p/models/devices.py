"""Where a model is computed and how exactly: ``--device`` and ``--dtype``."""

from __future__ import annotations

import platform
import warnings

import torch

from vp2p.errors import SlowWarning, UsageError

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device that ``name`` means; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    For CUDA it turns cuDNN's fused attention off, in the whole process.

    Raises:
        UsageError: when the device asked for is not there.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in present.items() if there)
    if not present[name]:
        others = ", ".join(device for device, there in present.items() if there)
        raise UsageError(f"The device {name} is not available here.", f"give --device auto, or one of: {others}")
    if name == "cuda":
        # Its gradients were NaN for maps of 64 tokens in bf16, as Stable Diffusion has in its middle (pytorch#196678).
        torch.backends.cuda.enable_cudnn_sdp(False)
    return torch.device(name)


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The UNet's number format; ``auto`` is half precision on CUDA (bf16 where it is native), else fp32.

    Warns:
        SlowWarning: for bf16 on a CPU that has no instructions for it: it takes about nine times as long as fp32.

    Raises:
        UsageError: for fp16 on the CPU, which is slow there and overflows.
    """
    if name == "auto":
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if name == "fp16" and device.type == "cpu":
        raise UsageError("--dtype fp16 cannot be used on the CPU.", "give --dtype fp32 or bf16, or --device cuda")
    if name == "bf16" and device.type == "cpu" and _has_bf16() is False:
        warnings.warn(
            "this CPU has no instructions for bf16, so it takes many times as long: --dtype fp32 is faster",
            SlowWarning,
            stacklevel=2,
        )
    return _DTYPES[name]


def quickest_dtype(device: torch.device) -> str:
    """The number format that suits new work on a device: bf16 on a CPU with instructions for it, else ``auto``."""
    return "bf16" if device.type == "cpu" and _has_bf16() else "auto"


def _has_bf16() -> bool | None:
    """Whether the CPU has instructions for bf16; None where PyTorch does not tell."""
    tells = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return None if platform.machine().lower() not in ("x86_64", "amd64") or tells is None else bool(tells())
