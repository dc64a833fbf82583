"""Makes docs/gallery/: contact sheets of edits by the bundled model, each beside the true answer.

    python docs/gallery.py                # all cases
    python docs/gallery.py cat-dog style  # some, by name

Rerunning goes on where it stopped (the workspaces are in build/gallery/).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from vp2p.defaults import for_model
from vp2p.metrics.psnr import psnr
from vp2p.settings import ClipSettings, EditSettings, ModelSettings
from vp2p.sprites.judge import Judge
from vp2p.sprites.scenes import Scene
from vp2p.stages.edit import KeepAs, edit
from vp2p.stages.edited import every_frame
from vp2p.stages.init import init
from vp2p.stages.invert import invert
from vp2p.stages.session import Session
from vp2p.stages.tune import tune
from vp2p.video.sheet import contact_sheet
from vp2p.video.writing import write_video
from vp2p.workspace import Workspace, WorkspaceConfig

FRAMES = 8
HERE = Path(__file__).parent
WORK = HERE.parent / "build" / "gallery"


@dataclass(frozen=True)
class Case:
    """A drawn clip, an edit of it, and the words of the scene that is the true answer."""

    name: str
    scene: Scene
    settings: EditSettings
    answer: dict = field(default_factory=dict)


def _cases() -> list[Case]:
    pairs = [
        ("cat", "dog"), ("dog", "cat"), ("rabbit", "pig"), ("car", "bus"), ("bus", "tractor"), ("fish", "turtle"),
        ("bird", "owl"), ("horse", "cow"), ("tree", "mushroom"), ("duck", "penguin"), ("boat", "rocket"),
    ]  # fmt: skip
    places, paths = ("grass", "sand", "snow", "road", "water", "wood"), ("slide", "bounce", "turn", "grow")
    cases = [
        Case(
            f"{old}-{new}",
            Scene(old, places[k % len(places)], path=paths[k % len(paths)], seed=100 + k),
            EditSettings.of(swap=(f"{old}={new}",)),
            {"object": new},
        )
        for k, (old, new) in enumerate(pairs)
    ]
    cat = Scene("cat", "grass", path="slide", seed=4)
    red = cat.replace(colour="red")
    cases += [
        Case("colour-added", cat, EditSettings.of(prompt="a red cat on the grass"), {"colour": "red"}),
        Case("colour-stronger", red, EditSettings.of(reweight=("red:3",)), {}),
        Case("colour-weaker", red, EditSettings.of(reweight=("red:-2",)), {}),
        Case("place-swapped", cat, EditSettings.of(swap=("grass=sand",)), {"place": "sand"}),
        Case("both-swapped", cat, EditSettings.of(swap=("cat=dog", "grass=sand")), {"object": "dog", "place": "sand"}),
        Case("style", cat, EditSettings.of(prompt="a pencil sketch of a cat on the grass"), {"style": "sketch"}),
    ]
    return cases


def run(case: Case, judge: Judge) -> dict:
    """Edits a case's clip and draws its sheet; returns the figures."""
    folder = WORK / f"{case.scene.prompt.replace(' ', '-')}-{case.scene.seed}"
    clip = case.scene.render(FRAMES)
    if not (folder / "vp2p.yaml").exists():
        video = folder.with_suffix(".mp4")
        video.parent.mkdir(parents=True, exist_ok=True)
        write_video(video, clip, Fraction(4))
        init(folder, WorkspaceConfig(case.scene.prompt, str(video), ClipSettings(FRAMES), ModelSettings()))
    session = Session(Workspace.find(explicit=folder))
    tune(session, for_model(session.folder, "tune", {}))
    invert(session, for_model(session.folder, "invert", {}))
    result = edit(session, case.settings, keep_as=KeepAs(case.name, "png"))
    target = every_frame(result.artifact)
    answer = case.scene.replace(**case.answer)
    ideal = answer.render(FRAMES)
    outside = ~(case.scene.masks(FRAMES) | answer.masks(FRAMES))
    verdicts = judge.judge(target[:: FRAMES // 4])
    wanted = {"object": answer.object, "colour": answer.colour, "texture": answer.texture, "place": answer.place}
    figures = {
        "case": case.name,
        "prompt": result.facts["prompt"],
        "took": {key: float(np.mean([getattr(v, key) == value for v in verdicts])) for key, value in wanted.items()},
        "kept": None if {"place", "style"} & set(case.answer) else round(psnr(target[outside], clip[outside]), 1),
        "true": round(psnr(target, ideal), 1),
    }
    sheet = HERE / "gallery" / f"{case.name}.png"
    sheet.parent.mkdir(exist_ok=True)
    rows = [(case.scene.prompt, clip), (figures["prompt"], target), ("the true answer", ideal)]
    contact_sheet([(label, frames[::2]) for label, frames in rows], sheet)
    return figures


if __name__ == "__main__":
    judge = Judge()
    names = sys.argv[1:]
    told = HERE / "gallery" / "figures.json"
    found = json.loads(told.read_text()) if told.exists() and names else {}
    for case in _cases():
        if names and case.name not in names:
            continue
        figures = run(case, judge)
        found[case.name] = figures
        print(json.dumps(figures), flush=True)
        told.write_text(json.dumps(found, indent=1) + "\n")
