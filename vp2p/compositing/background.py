"""A new ground behind the clip's own objects.

An edit of the ground draws what stands on it anew, too, and never quite where it is. So the clip's own objects are cut
out and laid over the edit's ground, from which those that the edit drew are taken: other frames show what they hide.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from vp2p.compositing.clean_plate import clean_plate, inpaint
from vp2p.compositing.composite import Composite
from vp2p.compositing.matting import matte
from vp2p.compositing.motion.similarity import Motion
from vp2p.compositing.track import dilated, margin_of, motion_behind, segment

# Parts of the longer side by which what stands on the ground may be larger than it seems to the ground's words,
# and be drawn beside its place.
_LARGER, _BESIDE, _CLOSE = 3, 5, 10
_MUCH = 1.6  # of the objects' area: more is not drawn of them
_PART = 0.1  # of the largest object; what is smaller and stands apart is ground


def surrounds(mask: Tensor) -> bool:
    """Whether a mask (F, H, W) is of the ground: it holds most of the frame's border."""
    inside = mask > 0.5
    border = torch.cat([inside[:, [0, -1]].flatten(), inside[:, :, [0, -1]].flatten()])
    return bool(border.float().mean() > 0.5)


def on_new_background(clip: Tensor, changed: Composite, coarse_mask: Tensor, edited: Tensor, exact: bool) -> Tensor:
    """A clip's objects on the ground of its edit, (F, 3, H, W) in 0…255.

    Args:
        clip, edited: (F, 3, H, W) in 0…255.
        changed: the clip with the objects that are to be seen.
        coarse_mask: (F, H, W), 1 where the edit changed the ground.
        exact: whether ``coarse_mask`` tells ground and objects apart to the pixel.
    """
    if exact:
        objects = coarse_mask <= 0.5
        motion = motion_behind(clip, dilated(objects, margin_of(clip)))
    else:
        region = dilated(coarse_mask <= 0.5, max(clip.shape[-2:]) // _LARGER).float()
        objects, motion = segment(clip, region, _PART)
    new = objects & ~changed.old | changed.new
    return _laid_over(changed.frames, new, _emptied(edited, objects, new, motion))


def _emptied(edited: Tensor, objects: Tensor, new: Tensor, motion: Motion) -> Tensor:
    """An edit's ground (F, 3, H, W), also where it drew the clip's objects, and where they and the ``new`` ones are."""
    longer = max(edited.shape[-2:])
    near = dilated(objects, longer // _BESIDE)
    drawn = matte(edited, near.float())
    if drawn.sum() > _MUCH * objects.sum():  # its colours are the ground's, too, or nothing stood out
        drawn &= dilated(objects, longer // _CLOSE)
    holes = dilated(drawn | objects | new, margin_of(edited))
    plate, known = clean_plate(edited, holes, motion)
    backgrounds = edited.where(~(holes & known)[:, None], plate)
    return torch.stack([inpaint(background, hole) for background, hole in zip(backgrounds, holes & ~known)])


def _laid_over(clip: Tensor, objects: Tensor, backgrounds: Tensor) -> Tensor:
    """A clip's objects on other grounds. Their rims, which show the old ground, get the colours next to them inside."""
    rim = max(1, margin_of(clip) // 4)
    core = ~dilated(~objects, rim)
    alpha = (core.float() + dilated(core, rim).float()) / 2
    return backgrounds + alpha[:, None] * (_led_out(clip, core, rim) - backgrounds)


def _led_out(pictures: Tensor, shapes: Tensor, pixels: int) -> Tensor:
    """Pictures (F, 3, H, W) whose colours inside shapes, bool (F, H, W), go on for some pixels beyond them."""
    seen = torch.cat([pictures, torch.ones_like(pictures[:, :1])], dim=1) * shapes[:, None]
    for _ in range(pixels):
        near = avg_pool2d(seen, 3, stride=1, padding=1)
        seen = seen.where(seen[:, 3:] > 0, near / near[:, 3:].clamp(min=1e-6))
    return seen[:, :3]
