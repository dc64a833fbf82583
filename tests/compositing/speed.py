"""CPU-seconds of compositing without the UNet: tracking, matting and propagating, on the demo's clip and a real one.

``python -m tests.compositing.speed [FOLDER WITH 8 FRAMES]``; without a folder, the real clip is left out.
Put another tree first on PYTHONPATH to time that one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from vp2p.compositing.foreground import find_foreground, in_place
from vp2p.compositing.propagate import propagate
from vp2p.compositing.track import track_object
from vp2p.sprites.scenes import Scene

FRAMES, SIDE, CANDIDATES = 8, 128, 5


def main(folders: list[str]) -> None:
    torch.set_num_threads(1)
    scene = Scene("cat", "grass", path="slide", seed=4)  # vp2p demo's
    outline = torch.from_numpy(scene.masks(FRAMES, SIDE))
    report("demo", drawn(scene), drawn(scene.replace(object="dog")), coarse(outline))
    for folder in folders:
        clip = photographs(Path(folder))
        middle = torch.zeros(FRAMES, SIDE, SIDE, dtype=torch.bool)
        middle[:, SIDE // 4 : SIDE * 3 // 4, SIDE // 4 : SIDE * 3 // 4] = True
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
            in_place(find_foreground(track, frame, edited[frame], coarse_mask[frame], True), track)
            for _ in range(CANDIDATES)
        ],
    )
    timed("propagate", lambda: propagate(track, found[:1], edited, True))
    parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in spent.items())
    print(f"{name}: {sum(spent.values()):.2f} s ({parts})")


def drawn(scene: Scene) -> Tensor:
    return torch.from_numpy(scene.render(FRAMES, SIDE)).permute(0, 3, 1, 2).float()


def photographs(folder: Path) -> Tensor:
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))[:FRAMES]
    frames = [np.asarray(Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)) for path in paths]
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float()


def coarse(outlines: Tensor) -> Tensor:
    """As an edit's mask is: of 16 x 16 cells."""
    cells = max_pool2d(outlines.float()[:, None], SIDE // 16, stride=SIDE // 16)
    return interpolate(max_pool2d(cells, 3, stride=1, padding=1), size=(SIDE, SIDE))[:, 0]


if __name__ == "__main__":
    main(sys.argv[1:])
