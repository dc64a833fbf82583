"""The model's report card: 200 prompts drawn, then judged by the nearest rendered template.

``python -m vp2p.sprites.grid --model FOLDER --out FOLDER`` writes a contact sheet of the unstyled
prompts, one of styled prompts (to be judged by eye), and the verdicts as JSON.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vp2p import printing
from vp2p.sprites.judge import Judge, Verdict
from vp2p.sprites.language import COLOURS, OBJECTS, PLACES, STYLES, TEXTURES
from vp2p.sprites.sampling import Drawer, sheet
from vp2p.sprites.scenes import Scene

_FIELDS = ("object", "colour", "texture", "place")


def grid_scenes(count: int, seed: int) -> list[Scene]:
    """Unstyled scenes whose words are dealt evenly: every object, colour and place comes up equally often.

    Three in ten have no colour; one in five has a texture.
    """
    rng = np.random.default_rng([seed, 31])

    def deal(words: tuple[str, ...]) -> list[str]:
        decks = [rng.permutation(words) for _ in range(-(-count // len(words)))]
        return [str(word) for word in np.concatenate(decks)[:count]]

    objects, colours, places, textures = deal(OBJECTS), deal(COLOURS), deal(PLACES), deal(TEXTURES)
    return [
        Scene(
            object=objects[index],
            place=places[index],
            colour=None if rng.random() < 0.3 else colours[index],
            texture=textures[index] if rng.random() < 0.2 else None,
            seed=1_000_000 + seed * 1000 + index,
        )
        for index in range(count)
    ]


def styled_scenes(count: int, seed: int) -> list[Scene]:
    """The same deal of words, every scene in one of the styles."""
    styles = tuple(STYLES)
    return [scene.replace(style=styles[i % len(styles)]) for i, scene in enumerate(grid_scenes(count, seed + 1))]


def accuracy(scenes: list[Scene], verdicts: list[Verdict]) -> dict[str, float]:
    """The share of right verdicts for each kind of word.

    ``colour`` counts the prompts that name one; ``all`` asks for the object, the place and, where
    the prompt names them, the colour to be right together.
    """
    pairs = list(zip(scenes, verdicts, strict=True))

    def right(scene: Scene, verdict: Verdict, field: str) -> bool:
        return bool(getattr(scene, field) == getattr(verdict, field))

    shares = {}
    for field in _FIELDS:
        named = [right(scene, verdict, field) for scene, verdict in pairs if getattr(scene, field)]
        shares[field] = float(np.mean(named)) if named else float("nan")
    together = [
        all(right(scene, verdict, field) for field in ("object", "colour", "place") if getattr(scene, field))
        for scene, verdict in pairs
    ]
    return shares | {"all": float(np.mean(together))}


def validate(count: int = 200, seed: int = 0) -> dict[str, float]:
    """The judge's own accuracy, on rendered scenes instead of drawn ones."""
    scenes = grid_scenes(count, seed)
    return accuracy(scenes, Judge().judge(np.concatenate([scene.render() for scene in scenes])))


def draw_scenes(drawer: Drawer, scenes: list[Scene], seed: int, steps: int, guidance: float) -> np.ndarray:
    """The model's pictures of the scenes' prompts, 20 at a time: uint8 (n, h, w, 3)."""
    parts = [
        drawer.draw([scene.prompt for scene in scenes[first : first + 20]], seed + first, steps, guidance)
        for first in range(0, len(scenes), 20)
    ]
    return np.concatenate(parts)


def evaluate(model: Path, out: Path, count: int, seed: int, steps: int, guidance: float) -> dict[str, Any]:
    """Draw and judge ``count`` prompts; write sheets and verdicts to ``out``; return the accuracies."""
    out.mkdir(parents=True, exist_ok=True)
    drawer, scenes = Drawer.from_folder(model), grid_scenes(count, seed)
    pictures = draw_scenes(drawer, scenes, seed, steps, guidance)
    verdicts = Judge().judge(pictures)
    Image.fromarray(sheet(pictures, 20)).save(out / "grid.png")
    styled = styled_scenes(24, seed)
    Image.fromarray(sheet(draw_scenes(drawer, styled, seed, steps, guidance), 12)).save(out / "styles.png")
    report = {
        "prompts": count, "seed": seed, "steps": steps, "guidance": guidance,
        "accuracy": accuracy(scenes, verdicts), "styled": [scene.prompt for scene in styled],
        "verdicts": [{"prompt": s.prompt, **asdict(v)} for s, v in zip(scenes, verdicts)],
    }  # fmt: skip
    (out / "grid.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path(__file__).parent / "model")
    parser.add_argument("--out", type=Path, help="folder of the sheets and the verdicts")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--validate", action="store_true", help="judge rendered scenes instead of drawn ones")
    given = parser.parse_args()
    if given.validate:
        printing.line(json.dumps(validate(given.count, given.seed)))
    elif given.out is None:
        parser.error("give --out FOLDER, or --validate")
    else:
        report = evaluate(given.model, given.out, given.count, given.seed, given.steps, given.guidance)
        printing.line(json.dumps(report["accuracy"]))
