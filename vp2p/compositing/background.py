"""A new background behind the clip's own objects.

An edit of the background redraws what stands on it, and never quite where it was. So the clip's own objects are cut
out and laid over the edit's background. The objects that the edit drew are taken out of it first, by what other frames
show there.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from vp2p.compositing.clean_plate import clean_plate, inpaint
from vp2p.compositing.composite import Composite
from vp2p.compositing.matting import matte
from vp2p.compositing.shapes import dilated, eroded
from vp2p.compositing.track import BackgroundTrack, margin_of

# Parts of the longer side by which an edit may draw what stands on the background beside its place.
_BESIDE, _CLOSE = 5, 10
_MUCH = 1.6  # of the objects' area: more is not drawn of them


def surrounds(mask: Tensor) -> bool:
    """Whether a mask (F, H, W) is of the ground: it holds most of the frame's border, and two of its corners.

    The mask of a large object may lie along all sides, but it leaves corners free.
    """
    inside = (mask > 0.5).float()
    border = torch.cat([inside[:, [0, -1]].flatten(), inside[:, :, [0, -1]].flatten()])
    corners = inside[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    return bool(border.mean() > 0.5 and corners.mean() >= 0.5)


def on_new_background(track: BackgroundTrack, underneath: Composite, edited: Tensor) -> Tensor:
    """A clip's objects on the background of its edit, (F, 3, H, W) in 0…255.

    Args:
        underneath: the clip with the objects that are to be seen.
        edited: (F, 3, H, W) in 0…255.
    """
    new = track.objects & ~underneath.old | underneath.new
    return _laid_over(underneath.frames, new, _emptied(track, new, edited))


def _emptied(track: BackgroundTrack, new: Tensor, edited: Tensor) -> Tensor:
    """An edit's ground (F, 3, H, W), also where it drew the clip's objects, and where they and the ``new`` ones are."""
    objects, longer = track.objects, max(edited.shape[-2:])
    near = dilated(objects, longer // _BESIDE)
    drawn = matte(edited, near.float())
    if drawn.sum() > _MUCH * objects.sum():  # its colours are the ground's, too, or nothing stood out
        drawn &= dilated(objects, longer // _CLOSE)
    holes = dilated(drawn | objects | new, margin_of(edited))
    plate, known = clean_plate(edited, holes, track.motion)
    backgrounds = edited.where(~(holes & known)[:, None], plate)
    return torch.stack([inpaint(background, hole) for background, hole in zip(backgrounds, holes & ~known)])


def _laid_over(clip: Tensor, objects: Tensor, backgrounds: Tensor) -> Tensor:
    """A clip's objects on other grounds. Their rims, which show the old ground, get the colours next to them inside."""
    rim = max(1, margin_of(clip) // 4)
    core = eroded(objects, rim)
    alpha = (core.float() + dilated(core, rim).float()) / 2
    return backgrounds + alpha[:, None] * (_led_out(clip, core, rim) - backgrounds)


def _led_out(pictures: Tensor, shapes: Tensor, pixels: int) -> Tensor:
    """Pictures (F, 3, H, W) whose colours inside shapes, bool (F, H, W), go on for some pixels beyond them."""
    seen = torch.cat([pictures, torch.ones_like(pictures[:, :1])], dim=1) * shapes[:, None]
    for _ in range(pixels):
        near = avg_pool2d(seen, 3, stride=1, padding=1)
        seen = seen.where(seen[:, 3:] > 0, near / near[:, 3:].clamp(min=1e-6))
    return seen[:, :3]
