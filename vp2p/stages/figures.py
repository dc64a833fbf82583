"""What a run measured of itself, from the files that it keeps."""

from __future__ import annotations

from vp2p.plain import is_number, read_json
from vp2p.workspace import RunFolder

_LAST_STEPS = 20


def last_losses(run: RunFolder) -> list[float]:
    """The losses of a tune run's last steps, twenty at most."""
    return [loss for _, loss in losses(run)][-_LAST_STEPS:]


def losses(run: RunFolder) -> list[tuple[int, float]]:
    """Steps, counted from 1, and losses of a tune run; what its log does not say as numbers is left out."""
    entries = run.read_log()
    return [(entry["step"] + 1, float(entry["loss"])) for entry in entries if is_number(entry.get("loss"))]


def quality(run: RunFolder) -> dict[str, float]:
    """PSNR in dB of an inversion: ``psnr_reconstruction``, and ``psnr_vae`` of the VAE alone; empty if not kept."""
    try:
        found = read_json(run.path("quality.json").read_bytes())
        figures = {name: found[name] for name in ("psnr_reconstruction", "psnr_vae")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {name: float(value) for name, value in figures.items()} if all(map(is_number, figures.values())) else {}
