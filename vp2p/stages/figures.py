"""What a run measured of itself, from the files that it keeps."""

from __future__ import annotations

import json

from vp2p.workspace import RunFolder

_LAST_STEPS = 20


def last_losses(run: RunFolder) -> list[float]:
    """The losses of a tune run's last steps, twenty at most."""
    return [entry["loss"] for entry in run.read_log()][-_LAST_STEPS:]


def quality(run: RunFolder) -> dict[str, float]:
    """PSNR in dB of an inversion: ``psnr_reconstruction``, and ``psnr_vae`` of the VAE alone; empty if not kept."""
    try:
        found = json.loads(run.path("quality.json").read_bytes())
        return {name: float(found[name]) for name in ("psnr_reconstruction", "psnr_vae")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
