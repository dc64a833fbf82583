"""Whether an edit took: is what was asked for there, frame by frame?"""

from __future__ import annotations

import numpy as np

from vp2p.bench.cases import FRAMES, SIDE, Case
from vp2p.bench.truth import Truth
from vp2p.sprites.drawing import place_sprite, sprite
from vp2p.sprites.language import STYLES
from vp2p.sprites.moving import straightened
from vp2p.sprites.pose_judge import PoseJudge

_LEAST_CHANGE = 0.05  # of the way between the natural and the tinted object


def took(case: Case, truth: Truth, frames: np.ndarray, unedited: np.ndarray, judge: PoseJudge) -> dict[str, list[bool]]:
    """For each part that the edit must show, whether each frame shows it.

    The parts are those asked for, and the object, which no edit but a change of style may cost its
    shape. A part is there if the nearest of all templates at the known pose has it; a style, if the
    whole frame is nearest to the scene drawn in it; a colour that was made stronger or weaker, if its
    strength moved that way against the unedited clip.

    Args:
        frames, unedited: uint8 (F, S, S, 3), the edited clip, and the clip as the VAE alone returns it.
    """
    if case.ideal is None:  # a word made stronger or weaker
        moved = colour_strength(case, frames) - colour_strength(case, unedited)
        return {"colour": list(map(bool, (moved if case.stronger else -moved) > _LEAST_CHANGE))}
    ideal = case.ideal
    if "style" in case.asked:
        return {"style": [style == ideal.style for style in nearest_styles(case, frames)]}
    verdicts = judge.judge_at(*straightened(case.scene, frames))
    return {
        part: [getattr(verdict, part) == getattr(ideal, part) for verdict in verdicts]
        for part in sorted({"object", *case.asked})
    }


def nearest_styles(case: Case, frames: np.ndarray) -> list[str | None]:
    """The style of each frame: that in which the drawn scene is nearest to it by squared error."""
    styles = (None, *STYLES)
    drawn = np.stack([case.scene.replace(style=style).render(FRAMES, SIDE) for style in styles])
    distance = ((drawn.astype(np.float32) - frames.astype(np.float32)) ** 2).mean((2, 3, 4))
    return [styles[int(nearest)] for nearest in distance.argmin(0)]


def colour_strength(case: Case, frames: np.ndarray) -> np.ndarray:
    """How far the object is from its natural mean colour (0) to its tinted one (1) in each frame: (F,)."""
    strengths = []
    scene = case.scene
    for frame, pose in zip(*straightened(scene, frames)):
        tinted = place_sprite(sprite(scene.object, scene.colour, scene.texture), pose, SIDE)
        natural = place_sprite(sprite(scene.object, None, scene.texture), pose, SIDE)
        inside = tinted[..., 3] > 0.99
        start, end, found = natural[inside][:, :3].mean(0), tinted[inside][:, :3].mean(0), frame[inside].mean(0) / 255
        strengths.append(float((found - start) @ (end - start) / ((end - start) ** 2).sum()))
    return np.array(strengths)
