"""Measures on photographs what needs no knowledge of them, by the bundled model, which has never seen one.

    python docs/real_clips.py CLIPS      # a folder with the four clips of the table below

Prints a row for each clip and method: how well the inversion returns (and the VAE alone), what an edit inside a
given moving box leaves of the rest, and how steady it is. Rerunning goes on (workspaces in build/real/).
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from vp2p.bench.methods import read_method
from vp2p.metrics.psnr import psnr
from vp2p.settings import ClipSettings, ModelSettings
from vp2p.stages.edit import KeepAs, edit
from vp2p.stages.edited import every_frame
from vp2p.stages.evaluate import EvalOptions, evaluate
from vp2p.stages.init import init
from vp2p.stages.invert import invert
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames
from vp2p.stages.tune import tune
from vp2p.video.writing import write_video
from vp2p.workspace import Workspace, WorkspaceConfig

FRAMES = 8
WORK = Path(__file__).parents[1] / "build" / "real"
COMMON = ("tune.steps=30", "tune.learning_rate=1.0e-4", "invert.steps=20", "invert.inner_steps=5")
METHODS = [read_method(name, COMMON) for name in ("paper", "ddim", "default")]
# The prompt, the edit, and a box around the object in each frame: left, top, right, bottom, as shares.
CLIPS = {
    "rabbit-watermelon.mp4": ("a rabbit is eating a watermelon", "rabbit=tiger", [(0.0, 0.0, 0.72, 0.86)] * FRAMES),
    "car-turn.mp4": ("a jeep car is moving on the road", "car=bus", [
        (0.80, 0.44, 1.00, 0.66), (0.73, 0.44, 1.00, 0.67), (0.60, 0.43, 0.97, 0.71), (0.45, 0.41, 0.94, 0.75),
        (0.27, 0.40, 0.91, 0.76), (0.09, 0.39, 0.90, 0.83), (0.00, 0.36, 0.90, 0.83), (0.02, 0.32, 0.94, 0.80),
    ]),
    "rabbit-jump": ("a rabbit is jumping on the grass", "rabbit=tiger", [
        (0.10, 0.45, 0.52, 0.80), (0.10, 0.47, 0.56, 0.78), (0.05, 0.34, 0.57, 0.78), (0.12, 0.10, 0.66, 0.76),
        (0.24, 0.18, 0.74, 0.75), (0.29, 0.36, 0.84, 0.77), (0.35, 0.42, 0.88, 0.76), (0.33, 0.42, 0.87, 0.78),
    ]),
    "car-drive": ("a car is driving on the road", "car=bus", [
        (0.00, 0.42, 0.70, 1.00), (0.20, 0.48, 0.80, 0.98), (0.36, 0.50, 0.81, 0.98), (0.44, 0.52, 0.83, 0.96),
        (0.54, 0.53, 0.86, 0.92), (0.58, 0.54, 0.88, 0.90), (0.62, 0.55, 0.90, 0.87), (0.65, 0.56, 0.90, 0.84),
    ]),
}  # fmt: skip


def run(name: str, clips: Path) -> list[dict]:
    """The figures of one clip by each method."""
    prompt, swap, boxes = CLIPS[name]
    folder, mask = WORK / Path(name).stem, WORK / f"{Path(name).stem}-mask"
    if not (folder / "vp2p.yaml").exists():
        init(folder, WorkspaceConfig(prompt, str((clips / name).resolve()), ClipSettings(FRAMES), ModelSettings()))
    session = Session(Workspace.find(explicit=folder))
    tuned = tune(session, METHODS[0].tune)  # which is that of all
    pixels = load_frames(session.workspace.newest("source")).pixels
    if not mask.exists():
        write_video(mask, _drawn(boxes, pixels.shape), Fraction(4), format="png")
    by_vae = psnr(session.model.decode(session.model.encode(pixels)), pixels)
    rows = []
    for method in METHODS:
        inverted = invert(session, method.invert, tuned.run)
        asked = method.edit({"swap": [swap], "mask": str(mask)})
        edit(session, asked, inverted.run, KeepAs(method.name, "png"))
        (measured,) = evaluate(session, [method.name], EvalOptions(mask=str(mask)))
        rows.append(
            {
                "clip": name,
                "method": method.name,
                "VAE, dB": by_vae,
                "rebuilt, dB": psnr(every_frame(inverted.artifact), pixels),
                "kept, dB": measured.scores["masked_psnr"] or "exact",  # an infinite PSNR is None
                "warp error": measured.scores["warp_error"],
                "the clip's": measured.source["warp_error"],
            }
        )
    return rows


def _drawn(boxes: list[tuple[float, ...]], shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    for frame, (left, top, right, bottom) in zip(mask, boxes):
        height, width = frame.shape[:2]
        frame[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = 255
    return mask


if __name__ == "__main__":
    columns = ("clip", "method", "VAE, dB", "rebuilt, dB", "kept, dB", "warp error", "the clip's")
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for clip in CLIPS:
        for row in run(clip, Path(sys.argv[1])):
            cells = (value if isinstance(value, str) else f"{value:.2f}" for value in (row[key] for key in columns))
            print(f"| {' | '.join(cells)} |", flush=True)
