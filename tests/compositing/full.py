"""How near edits at the source's own size and rate come to drawn ones: ``python -m tests.compositing.full [CASE]…``.

A bending case of SpriteBench is drawn with 29 frames of 256 x 256 pixels. Every fourth is edited at 128 x 128. There
the ideal edit stands in for the model's. Of the rest, PSNR inside the new object is printed, beside that of the
ideal frame made small and large again, and of the nearest edited frame held.
"""

from __future__ import annotations

import sys
import time
from statistics import mean

import numpy as np
import torch

from vp2p.bench.bending import bending_cases
from vp2p.bench.cases import Case
from vp2p.bench.scores import decibel
from vp2p.compositing.between import EditLayers, between, edited_layers
from vp2p.compositing.enlarge import enlarged
from vp2p.compositing.pixels import planes
from vp2p.compositing.shapes import dilated
from vp2p.sprites.moving import MovingScene
from vp2p.video.fitting import fit_frames, fit_matrix

COUNT, EVERY, SIDE, SMALL = 29, 4, 256, 128
DEFAULT = ("object-00", "object-03", "object-07", "object-12", "colour-01", "colour-04", "texture-02", "texture-04")


def brought(case: Case, source: np.ndarray, ideal: np.ndarray) -> list[EditLayers]:
    """The layers of all frames by the ideal edit of the sampled ones."""
    assert case.ideal is not None
    small, edits = (fit_frames(frames, (SMALL, SMALL), "crop") for frames in (source, ideal))
    outlines = case.scene.masks(COUNT, SMALL) | case.ideal.masks(COUNT, SMALL)
    mask = dilated(torch.from_numpy(outlines), 6)[::EVERY].float()
    known = edited_layers(planes(small[::EVERY]), planes(edits[::EVERY]), mask, case.kind != "object")
    found = [known[0]]
    for number, (one, other) in enumerate(zip(known, known[1:])):
        first = number * EVERY
        found += [*between(planes(small[first + 1 : first + EVERY]), one, other), other]
    return found


def score(case: Case) -> str:
    """One case's line."""
    assert case.ideal is not None
    source, ideal = case.scene.render(COUNT, SIDE), case.ideal.render(COUNT, SIDE)
    began = time.perf_counter()
    layers = brought(case, source, ideal)
    brought_in = time.perf_counter() - began
    matrix = fit_matrix((SIDE, SIDE), (SMALL, SMALL), "crop")
    found = np.stack([enlarged(one, picture, matrix) for one, picture in zip(layers, source, strict=True)])
    there, back = fit_frames(ideal, (SMALL, SMALL), "crop"), (SIDE, SIDE)
    again = fit_frames(there, back, "crop")
    inside = case.ideal.masks(COUNT, SIDE)
    if isinstance(case.scene, MovingScene):
        inside &= ~case.scene.hidden(COUNT, SIDE)
    others = [at for at in range(COUNT) if at % EVERY]
    nearest = [min(COUNT - 1, round(at / EVERY) * EVERY) for at in others]

    def inner(frames: np.ndarray, places: list[int]) -> list[float]:
        pairs = zip(places, others)
        figures = [decibel(frames[place], ideal[at], inside[at]) for place, at in pairs if inside[at].any()]
        return [figure for figure in figures if figure is not None]

    between_them = inner(found, others)
    far = ~dilated(torch.from_numpy(inside | case.scene.masks(COUNT, SIDE)), SIDE // 12).numpy()
    same = bool((found[far] == source[far]).all())
    figures = (mean(between_them), min(between_them), mean(inner(again, others)), mean(inner(again, nearest)))
    told = " | ".join(f"{figure:.1f}" for figure in figures)
    return f"| {case.id} | {told} | {'yes' if same else 'no'} | {brought_in / len(others):.1f} s |"


if __name__ == "__main__":
    cases = {case.id: case for case in bending_cases()}
    print("| case | between | worst frame | small and large again | held | same outside | a frame |", flush=True)
    for name in sys.argv[1:] or [f"bend-{one}" for one in DEFAULT]:
        print(score(cases[name]), flush=True)
