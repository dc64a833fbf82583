"""What a clip shows of the object that an edit changes: its outline, its motion, and the ground behind it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from vp2p.compositing.clean_plate import CONFIDENT, clean_plate
from vp2p.compositing.matting import dilate, matte
from vp2p.compositing.motion.similarity import Motion, background_motion, region_motion, sample

_MARGIN = 64  # an outline is drawn wider by this part of the longer side
_WHOLE = 0.95  # of the most that a frame shows of the object: less is a part of it
_UPRIGHT = 0.1  # radians that a frame may be turned further for the object to be twice as large
_OVERLAP = 0.88  # of two outlines, for their motion to be believed
_BLUR = 32  # outlines are blurred over twice this part of the longer side


@dataclass(frozen=True)
class ObjectTrack:
    """F frames of a clip, (F, 3, H, W) in 0…255.

    ``coarse_mask`` is the edit's mask (F, H, W), in 0…1; ``objects`` bool (F, H, W), what of it is the object
    to the pixel, a margin included; ``motion`` is the object's. ``background`` (F, 3, H, W) is what lies
    behind it, and ``known`` bool (F, H, W) where. ``vae_reconstruction`` is the clip as the VAE returns it.
    """

    clip: Tensor
    vae_reconstruction: Tensor
    coarse_mask: Tensor
    objects: Tensor
    motion: Motion
    background: Tensor
    known: Tensor

    @property
    def margin(self) -> int:
        """In pixels."""
        return margin_of(self.clip)

    @property
    def altered(self) -> Tensor:
        """bool (F, H, W): the objects with half of the margin, for what keeps its outline."""
        return ~dilated(~self.objects, self.margin - self.margin // 2)

    def follows(self, frame: int) -> bool:
        """Whether a frame's motion is known."""
        return bool(self.motion.confidence[frame] >= CONFIDENT)

    def key_frames(self) -> list[int]:
        """Frames that show all of the object, best first: no more turned than most, and large."""
        linear = self.motion.to[:, :, :2]
        scale = torch.linalg.det(linear).clamp(min=1e-6).sqrt()
        turned = torch.atan2(linear[:, 1, 0], linear[:, 0, 0])
        confidence = self.motion.confidence >= CONFIDENT
        if not bool(confidence.any()):
            return []
        shown = self.objects.float().sum((1, 2)) / scale**2  # in pixels of frame 0
        whole = confidence & (shown >= _WHOLE * shown[confidence].max())
        cost = (turned - turned[confidence].median()).abs() - _UPRIGHT * scale.log2()
        return [frame for frame in cost.argsort(stable=True).tolist() if whole[frame]]


def track_object(clip: Tensor, vae_reconstruction: Tensor, coarse_mask: Tensor) -> ObjectTrack:
    """Looks at what a mask (F, H, W) outlines in a clip; see :class:`Shot`."""
    found, behind = segment(clip, coarse_mask)
    objects = dilated(found, margin_of(clip))
    plate = clean_plate(clip, objects, behind)
    return ObjectTrack(clip, vae_reconstruction, coarse_mask, objects, _object_motion(_grey(clip), objects), *plate)


def segment(clip: Tensor, coarse_mask: Tensor, parts: float = 0.0) -> tuple[Tensor, Motion]:
    """What a mask (F, H, W) outlines in a clip, to the pixel, bool (F, H, W), and how the ground behind it moves.

    Args:
        parts: see :func:`vp2p.compositing.matting.matte`.
    """
    margin = margin_of(clip)
    found = matte(clip, coarse_mask, parts=parts)
    objects = dilated(found, margin)
    behind = motion_behind(clip, objects)
    plate = clean_plate(clip, objects, behind)
    if bool(plate[1].any()):
        found = matte(clip, coarse_mask, plate=plate, parts=parts)
    return found, behind


def motion_behind(clip: Tensor, objects: Tensor) -> Motion:
    """How the ground behind objects, bool (F, H, W), moves."""
    return background_motion(_grey(clip), objects.float())


def _grey(clip: Tensor) -> Tensor:
    """(F, 1, H, W) in 0…1."""
    return clip.mean(1, keepdim=True) / 255


def _object_motion(grey: Tensor, objects: Tensor) -> Motion:
    """The objects' motion, by their texture; where that tells nothing, by outlines that nearly cover each other."""
    motion = region_motion(grey, objects.float())
    lost = motion.confidence < CONFIDENT
    if not bool(lost.any()):
        return motion
    shapes = objects.float()[:, None]
    by_outline = region_motion(_blurred(shapes), objects.float())
    fits = torch.tensor([_overlap(objects[0], other, to) for other, to in zip(objects, by_outline.to)])
    taken = lost & (fits >= _OVERLAP).to(lost.device)
    return Motion(by_outline.to.where(taken[:, None, None], motion.to), motion.confidence.where(~taken, CONFIDENT))


def _overlap(first: Tensor, other: Tensor, to: Tensor) -> float:
    """How much of two shapes, bool (H, W), together is covered by both, once one is brought to the other."""
    brought, inside = sample(other[None].float(), to)
    brought, first = (brought[0] > 0.5) & inside, first & inside
    return float((brought & first).sum() / (brought | first).sum().clamp(min=1))


def _blurred(planes: Tensor) -> Tensor:
    """Planes (F, 1, H, W), so smooth that their rims tell of motion over some way."""
    side = 2 * (max(planes.shape[-2:]) // _BLUR) + 1
    for _ in range(2):
        planes = avg_pool2d(planes, side, stride=1, padding=side // 2, count_include_pad=False)
    return planes


def margin_of(clip: Tensor) -> int:
    """By how many pixels outlines are drawn wider: objects have soft edges, and rims of other colour."""
    return max(1, round(max(clip.shape[-2:]) / _MARGIN))


def dilated(shapes: Tensor, margin: int) -> Tensor:
    """Shapes, bool (F, H, W), drawn wider by ``margin`` pixels."""
    return dilate(shapes, 2 * margin + 1) > 0
