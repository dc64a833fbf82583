"""CPU-seconds of compositing without the UNet: tracking, matting and propagating, on the demo's clip and a real one.

``python -m tests.compositing.speed [--side 512] [FOLDER WITH 8 FRAMES]``; without a folder, the real clip is left out.
Put another tree first on PYTHONPATH to time that one.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from vp2p.compositing.foreground import Drawn, find_foreground, in_place
from vp2p.compositing.propagate import propagate
from vp2p.compositing.track import track_object
from vp2p.sprites.scenes import Scene

FRAMES, CANDIDATES = 8, 5


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=128, help="of the frames, in pixels")
    parser.add_argument("folders", nargs="*")
    given = parser.parse_args(arguments)
    side = given.side
    torch.set_num_threads(1)
    scene = Scene("cat", "grass", path="slide", seed=4)  # vp2p demo's
    outline = torch.from_numpy(scene.masks(FRAMES, side))
    report("demo", drawn(scene, side), drawn(scene.replace(object="dog"), side), coarse(outline))
    for folder in given.folders:
        clip = photographs(Path(folder), side)
        middle = torch.zeros(FRAMES, side, side, dtype=torch.bool)
        middle[:, side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = True
        report(Path(folder).name, clip, clip.flip(1).where(middle[:, None], clip), coarse(middle))


def report(name: str, clip: Tensor, edited: Tensor, coarse_mask: Tensor) -> None:
    spent: dict[str, float] = {}

    def timed(part: str, work: Callable):
        start = time.process_time()
        result = work()
        spent[part] = time.process_time() - start
        return result

    track = timed("track", lambda: track_object(clip, clip, coarse_mask))
    keys = track.key_frames() or [0]
    frame = keys[0]
    found = timed(
        "foregrounds",
        lambda: [
            in_place(find_foreground(track, Drawn(frame, edited[frame], coarse_mask[frame]), True), track)
            for _ in range(CANDIDATES)
        ],
    )
    timed("propagate", lambda: propagate(track, found[:1], edited, True))
    parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in spent.items())
    print(f"{name}: {sum(spent.values()):.2f} s ({parts})")


def drawn(scene: Scene, side: int) -> Tensor:
    return torch.from_numpy(scene.render(FRAMES, side)).permute(0, 3, 1, 2).float()


def photographs(folder: Path, side: int) -> Tensor:
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))[:FRAMES]
    frames = [np.asarray(Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BOX)) for path in paths]
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float()


def coarse(outlines: Tensor) -> Tensor:
    """As an edit's mask is: of 16 x 16 cells."""
    side = outlines.shape[-1]
    cells = max_pool2d(outlines.float()[:, None], side // 16, stride=side // 16)
    return interpolate(max_pool2d(cells, 3, stride=1, padding=1), size=(side, side))[:, 0]


if __name__ == "__main__":
    main(sys.argv[1:])
