"""The pictures that the VAE learns from, drawn once into two memory-mapped files: scenes and photograph-like ones."""

from __future__ import annotations

from multiprocessing import Pool
from pathlib import Path
from typing import Callable

import numpy as np
import numpy.typing as npt

from vp2p.sprites.scenes import sample_scene
from vp2p.sprites.variety import photograph

SCENE_SIDE = 128
PHOTOGRAPH_SIDE = 160


def _scene(seed: int) -> npt.NDArray[np.uint8]:
    drawn: npt.NDArray[np.uint8] = sample_scene(np.random.default_rng([seed, 11])).render(side=SCENE_SIDE)[0]
    return drawn


def _photograph(seed: int) -> np.ndarray:
    return photograph(np.random.default_rng([seed, 12]), PHOTOGRAPH_SIDE)


def _draw(path: Path, one: Callable[[int], np.ndarray], side: int, count: int, workers: int) -> np.ndarray:
    if not path.exists():
        temporary = path.with_suffix(".tmp")
        drawn = np.lib.format.open_memmap(temporary, "w+", np.uint8, (count, side, side, 3))
        with Pool(workers) as pool:
            for index, picture in enumerate(pool.imap(one, range(count), chunksize=32)):
                drawn[index] = picture
        drawn.flush()
        temporary.rename(path)
    pictures: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return pictures


def draw_pictures(folder: Path, count: int, workers: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """``count`` scenes, uint8 (count, 128, 128, 3), and as many photograph-like pictures of side 160.

    Drawn at the first call, read from ``folder`` afterwards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scenes = _draw(folder / f"scenes-{count}.npy", _scene, SCENE_SIDE, count, workers)
    return scenes, _draw(folder / f"photographs-{count}.npy", _photograph, PHOTOGRAPH_SIDE, count, workers)


def batch(scenes: np.ndarray, photographs: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Half scenes, half random crops of photograph-like pictures, flipped at random: uint8 (size, 128, 128, 3)."""
    out = np.empty((size, SCENE_SIDE, SCENE_SIDE, 3), np.uint8)
    for index in range(size):
        if index % 2 == 0:
            picture = scenes[rng.integers(len(scenes))]
        else:
            top, left = rng.integers(0, PHOTOGRAPH_SIDE - SCENE_SIDE + 1, 2)
            picture = photographs[rng.integers(len(photographs))][top : top + SCENE_SIDE, left : left + SCENE_SIDE]
            picture = np.rot90(picture, int(rng.integers(4)))
        out[index] = picture[:, ::-1] if rng.random() < 0.5 else picture
    return out
