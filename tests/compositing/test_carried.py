"""Parts of an object are carried along by it; what passes in front of it is not."""

from __future__ import annotations

import pytest
import torch

from vp2p.compositing.carried import Surface
from vp2p.compositing.pixels import planes
from vp2p.compositing.track import follow_object
from vp2p.sprites.moving import MovingScene

FRAMES, SIDE = 8, 128


@pytest.mark.parametrize(
    "scene",
    [
        MovingScene("elephant", "lava", path="slide", seed=11, bend="twist", camera="pan", cover="front"),
        MovingScene("bird", "sand", path="grow", seed=12, bend="wave", cover="front"),
    ],
    ids=lambda scene: scene.object,
)
def test_parts_of_an_object_are_carried_and_a_post_is_not(scene: MovingScene) -> None:
    clip = planes(scene.render(FRAMES, SIDE))
    whole, post = (torch.from_numpy(one) for one in (scene.masks(FRAMES, SIDE), scene.hidden(FRAMES, SIDE)))
    track = follow_object(clip, whole & ~post)
    surface = Surface.of(clip, track.motion, track.key_frames()[0])
    lower = torch.zeros_like(whole)
    lower[:, SIDE // 2 :] = True
    own, foreign = [], []
    for frame in range(FRAMES):
        for found, part in ((own, whole & ~post & lower), (foreign, whole & post)):
            if int(part[frame].sum()) > 100:
                found.append(surface.carries(frame, part[frame]))
    assert len(own) >= 4 and min(own) > 0.2
    assert len(foreign) >= 3 and max(foreign) < 0.1


def test_what_no_other_frame_shows_is_not_carried() -> None:
    clip = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 255
    none = torch.zeros(3, 32, 32, dtype=torch.bool)
    surface = Surface(clip, torch.zeros(3, 32, 32, dtype=torch.long), none)
    assert surface.carries(0, torch.ones(32, 32, dtype=torch.bool)) == 0.0
