"""What merging tokens costs and brings: ``python -m tests.pipeline.merging steps --side 256``, or ``later``.

``steps`` times steps of an edit of 8 frames. ``later`` edits an object that comes into a long clip after its first
frame, and says how much alike it looks in all frames.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import vp2p
from tests.speed.models import model_named
from tests.speed.stages import Stages
from vp2p.sprites.drawing import Pose, compose, sprite, take_sprite
from vp2p.sprites.grounds import ground
from vp2p.t2s.windows import windows

SHARES = (0.0, 0.3, 0.5, 0.7)
CARRIED = 0.001  # nearly nothing is merged, so this is what carried tokens alone do
_STEPS, _FRAMES, _WINDOW, _SIDE, _GLYPH = 5, 48, 12, 128, 96


def steps(given: argparse.Namespace) -> None:
    """CPU-seconds of a step by share, in turn, after one that does not count; and how far the latents differ."""
    with tempfile.TemporaryDirectory() as folder:
        stages = Stages(model_named(given.model, "cpu", "fp32", Path(folder)), 8, given.side)
    work = {share: stages.editing(1, given.steps, merge_tokens=share) for share in SHARES}
    seconds: dict[float, list[float]] = {share: [] for share in SHARES}
    latents = {}
    for turn in range(given.times + 1):
        for share in SHARES:
            start = time.process_time()
            latents[share] = work[share]().targets
            if turn:
                seconds[share].append((time.process_time() - start) / given.steps)
    for share in SHARES:
        median, apart = statistics.median(seconds[share]), (latents[share] - latents[0.0]).square().mean().sqrt()
        ratio, of = median / statistics.median(seconds[0.0]), latents[0.0].std()
        print(f"{share}: {median:.3f} s a step, {ratio:.3f}; the latents differ by {apart / of:.3f} of their deviation")


def later(given: argparse.Namespace) -> None:
    """A cat that comes in after 12 of 48 frames becomes a dog: how much alike the dog looks over frames and windows."""
    poses = [Pose(0.5 + max(0.0, 1 - max(0, at - 11) / 8) + 0.002 * at, 0.55, 0.7) for at in range(_FRAMES)]
    below, picture = ground("grass", given.seed, _SIDE), sprite("cat", given.colour, None)
    drawn = [compose(below, picture, pose) for pose in poses]
    clip = vp2p.Clip.of(np.stack([(frame * 255 + 0.5).astype(np.uint8) for frame, _ in drawn]))
    mask = np.stack([alpha > 0 for _, alpha in drawn])
    whole = [at for at in range(_FRAMES) if poses[at].x < 0.62]  # all of it is in the picture
    model = vp2p.load("sprites", device="cpu", window_frames=_WINDOW, memory="high")
    prompt = f"a {given.colour} cat on the grass"
    clip = dataclasses.replace(clip, size="keep")
    model.tune(clip, prompt, steps=given.tuned)
    inversion = model.invert(clip, prompt, steps=given.steps)
    dog = sprite("dog", given.colour, None)
    outline = _alpha(poses[-1], dog)
    wanted = np.stack([(compose(below, dog, poses[at])[0] * 255 + 0.5).astype(np.uint8) for at in whole])
    wanted = np.stack([take_sprite(one, poses[at], _GLYPH)[0] for one, at in zip(wanted, whole)])[:, outline]
    for share in given.shares:
        edit = model.edit(
            inversion, swap={"cat": "dog"}, mask=mask, merge_tokens=share, candidates=0, paste=False, propagate=False
        )
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            edit.save_sheet(given.out / f"{share}.png")
        shown = np.stack([take_sprite(edit.frames[at], poses[at], _GLYPH)[0] for at in whole])[:, outline]
        groups = [[whole.index(at) for at in one.frames[1:] if at in whole] for one in windows(_FRAMES, _WINDOW)]
        looks = np.stack([shown[group].mean(0) for group in groups if len(group) > 3])
        look = shown.mean(0)
        apart = {"by frame": shown - look, "by window": looks - looks.mean(0), "from a drawn dog": shown - wanted}
        told = ", ".join(f"{what} {_decibels(one):.2f} dB" for what, one in apart.items())
        print(f"{share}: unlike {told}; detail of the look {_decibels(look - look.mean(0)):.2f} dB", flush=True)


def _alpha(pose: Pose, picture: object) -> np.ndarray:
    """Where the old object is in its own square: bool."""
    frame = (compose(np.zeros((_SIDE, _SIDE, 3)), picture, pose)[1] > 0.5)[..., None].repeat(3, -1)  # type: ignore[arg-type]
    return take_sprite(frame.astype(np.uint8) * 255, pose, _GLYPH)[0][..., 0] > 0.5


def _decibels(error: np.ndarray) -> float:
    """The mean square of values in 0…1; less is more alike."""
    return float(10 * np.log10(np.mean(error**2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("steps", "later"))
    parser.add_argument("--model", choices=("sprites", "sd15"), default="sprites")
    parser.add_argument("--side", type=int, default=128, help="of the clip of steps, in pixels")
    parser.add_argument("--steps", type=int, default=_STEPS)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, CARRIED, 0.3, 0.5])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--tuned", type=int, default=10, help="tuning steps before a long clip is inverted")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--colour", default="red")
    parser.add_argument("--out", type=Path, help="a folder for a sheet of each edit of a long clip")
    given = parser.parse_args()
    torch.set_num_threads(1)
    {"steps": steps, "later": later}[given.what](given)


if __name__ == "__main__":
    main()
