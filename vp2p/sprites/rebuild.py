"""How well the VAE brings pictures back: ``python -m vp2p.sprites.rebuild CLIP ...`` prints PSNR in dB.

Frames of clips (video files, or folders of pictures) are cropped to a square and resized to 128; without
a clip, 200 rendered scenes are measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image

from vp2p import printing
from vp2p.sprites.export import MODEL
from vp2p.sprites.grid import grid_scenes
from vp2p.sprites.train_vae import psnr, to_tensor

_SIDE = 128


def read_squares(clip: Path) -> np.ndarray:
    """Every frame of a clip, cropped at the centre and resized: uint8 (frames, 128, 128, 3)."""
    frames: list[Image.Image]
    if clip.is_dir():
        frames = [Image.open(path).convert("RGB") for path in sorted(clip.iterdir())]
    else:
        with av.open(str(clip)) as container:
            frames = [cast(Any, frame).to_image() for frame in container.decode(video=0)]
    squares = []
    for frame in frames:
        side = min(frame.size)
        left, top = (frame.width - side) // 2, (frame.height - side) // 2
        square = frame.crop((left, top, left + side, top + side))
        squares.append(np.asarray(square.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)))
    return np.stack(squares)


@torch.no_grad()
def rebuilt_psnr(vae: AutoencoderKL, pictures: np.ndarray) -> float:
    """PSNR in dB of pictures (n, h, w, 3), uint8, after encoding to the posterior's mean and decoding."""
    x = to_tensor(pictures)
    parts = [vae.decode(vae.encode(part).latent_dist.mean).sample.clamp(-1, 1) for part in torch.split(x, 16)]
    return psnr(x, torch.cat(parts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="*", help="video files or folders of pictures")
    parser.add_argument("--model", type=Path, default=MODEL)
    given = parser.parse_args()
    autoencoder = AutoencoderKL.from_pretrained(given.model, subfolder="vae", torch_dtype=torch.float32)
    if not given.clips:
        scenes = np.concatenate([scene.render() for scene in grid_scenes(200, 0)])
        printing.line(f"scenes: {rebuilt_psnr(autoencoder, scenes):.2f} dB")
    for path in given.clips:
        printing.line(f"{path.name}: {rebuilt_psnr(autoencoder, read_squares(path)):.2f} dB")
