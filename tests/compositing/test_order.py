"""What passes in front of an object hides the new one as well; what passes behind does not."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from vp2p.compositing.foreground import Drawn, find_foreground
from vp2p.compositing.pixels import planes
from vp2p.compositing.propagate import paste, propagate
from vp2p.compositing.track import ObjectTrack, follow_object, track_object
from vp2p.sprites.moving import Cover, MovingScene

FRAMES, SIDE = 8, 128


def _scene(cover: Cover) -> MovingScene:
    return MovingScene("rabbit", "grass", path="grow", seed=4, bend="wave", camera="pan", cover=cover)


@lru_cache(maxsize=2)
def _tracked(cover: Cover) -> tuple[ObjectTrack, Tensor, Tensor]:
    """The track of a scene's object, the region it was looked for in, and the true frames with another object."""
    scene = _scene(cover)
    clip, wanted = (planes(np.stack(one.render(FRAMES, SIDE))) for one in (scene, scene.replace(object="cat")))
    seen = torch.from_numpy(np.stack(scene.masks(FRAMES, SIDE))).float()[:, None]
    prior = interpolate(interpolate(seen, size=16, mode="area"), size=SIDE, mode="bilinear")[:, 0]
    region = max_pool2d(seen, 9, 1, 4)[:, 0]
    return track_object(clip, clip, region, prior), region, wanted


def _post() -> Tensor:
    return torch.from_numpy(_scene("front").hidden(FRAMES, SIDE))


def test_a_post_in_front_is_found_inside_the_outline_and_beside_it() -> None:
    track, _, _ = _tracked("front")
    post = _post()
    assert track.front is not None
    assert (post & track.objects).sum() < 0.2 * (post & track.front).sum()  # outlines hold none of it but a margin
    found = track.front.flatten(1).any(1)
    assert 2 <= int(found.sum()) <= 6
    for frame in torch.nonzero(found).flatten().tolist():
        assert (track.front[frame] & post[frame]).sum() > 0.9 * post[frame].sum()
        assert (track.front[frame] & ~post[frame]).sum() < 0.5 * post[frame].sum()  # a margin


def test_the_new_object_passes_behind_the_post() -> None:
    track, region, wanted = _tracked("front")
    key = track.key_frames()[0]
    assert track.front is not None and not bool(track.front[key].any())
    made = propagate(track, [find_foreground(track, Drawn(key, wanted[key], region[key]), True)], wanted, True).frames
    within = _post() & track.front & torch.from_numpy(np.stack(_scene("none").masks(FRAMES, SIDE))).bool()
    assert int(within.sum()) > 500  # pixels where the post hides the object
    off = (made - track.clip).abs().amax(1)[within]
    assert off.mean() < 12 and (off > 60).float().mean() < 0.05
    pasted = paste(track, wanted.roll(30, 3), True).frames  # each frame's own edit, drawn elsewhere
    assert (pasted - track.clip).abs().amax(1)[within].mean() < 12


# Posts as dark as the lines that they cross, in frames that a key frame is among, and at the rim of what they hide.
_CROSSED = [
    MovingScene("owl", "bricks", path="bounce", seed=9231, bend="wave", camera="zoom", cover="front"),
    MovingScene("rocket", "snow", path="still", seed=9220, bend="nod", camera="still", cover="front"),
    MovingScene("turtle", "snow", path="slide", seed=9234, bend="nod", camera="still", cover="front"),
]


@pytest.mark.parametrize("scene", _CROSSED, ids=lambda scene: scene.object)
def test_a_post_is_found_in_all_frames_and_to_the_pixel(scene: MovingScene) -> None:
    clip, whole, post = scene.render(FRAMES, SIDE), scene.masks(FRAMES, SIDE), scene.hidden(FRAMES, SIDE)
    track = follow_object(planes(clip), torch.from_numpy(whole & ~post))
    assert track.front is not None
    front = track.front.numpy()
    hidden, shown = whole & post, whole & ~post
    assert (front & hidden).sum() > 0.8 * hidden.sum() and (front & shown).sum() < 0.002 * shown.sum()
    crossed = hidden.sum((1, 2)) > 0.06 * whole.sum((1, 2))
    assert crossed.sum() >= 3 and (front & hidden).any((1, 2))[crossed].all()


@pytest.mark.parametrize("cover", ["crossing", "none"])
def test_nothing_is_in_front_of_an_object_that_hides_what_crosses(cover: Cover) -> None:
    track, _, _ = _tracked(cover)
    assert track.front is None or int(track.front.sum()) < 0.05 * int(track.objects.sum())


@pytest.mark.parametrize("place", ["snow", "sand"])
def test_a_shadow_that_passes_is_no_other_thing_and_a_post_is(place: str) -> None:
    others = {}
    for cover in ("shadow", "front"):
        scene = MovingScene("cat", place, path="slide", seed=9102, bend="bow", cover=cover)
        clip, post = planes(scene.render(6, SIDE)), torch.from_numpy(scene.hidden(6, SIDE))
        others[cover] = follow_object(clip, torch.from_numpy(scene.masks(6, SIDE)) & ~post).others
    assert not others["shadow"].any() and (others["front"] & post).sum() > 0.4 * post.sum()
