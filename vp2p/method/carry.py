"""Carrying an edit along the clip's motion, so that the new object keeps one look.

Each frame's edit is a guess of its own, and the guesses differ. So late in the denoising, when there are
pictures to judge, the frame that the model itself finds the likeliest becomes the key frame, and its changed
region is laid over the other frames' as the clip moves there. The last steps then fit it in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vp2p.method.motion import Motion, region_motion, sample
from vp2p.method.paste import changed

# Below this share of the texture that follows, a frame's motion is not known, and it stays as it is.
_SURE = 0.25
# A frame that shows less of the region than this share of the most is no key frame.
_SHOWN = 0.85


@dataclass(frozen=True)
class Carry:
    """What carrying needs beside the edit's own state.

    ``share`` is that of the steps after which it is done. ``clip`` is the source, (F, 3, H, W) in
    0…255. ``decode`` makes such pictures of latents (F, c, h, w), and ``encode`` latents of them.
    ``loss`` tells how badly the model denoises each frame of latents inside a mask (F, h, w), with
    the edit's own prompt: (F,), lower is likelier.
    """

    share: float
    clip: Tensor
    decode: Callable[[Tensor], Tensor]
    encode: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor, Tensor], Tensor]

    def due(self, step: int, steps: int) -> bool:
        """Whether ``step`` of 0…steps-1 is the one at which the edit is carried."""
        return step == min(int(self.share * steps), steps - 1)

    def __call__(self, clean: Tensor, mask: Tensor) -> Tensor:
        """Predicted clean latents (F, c, h, w) with the key frame's region carried into the others.

        Args:
            mask: (F, h, w), where the edit acts; nothing is carried beyond it.
        """
        frames, _, height, width = self.clip.shape
        region = interpolate(mask.float()[:, None], size=(height, width))
        if frames == 1 or not bool(region[0].any()):
            return clean
        motion = region_motion(self.clip.mean(1, keepdim=True) / 255, region[0, 0])
        key = _key_frame(self.loss(clean, mask.float()), region, motion)
        pictures = self.decode(clean)
        edited = changed(self.decode(self.encode(self.clip)), pictures)
        laid = pictures.clone()
        for frame in range(frames):
            if frame == key or min(motion.sure[frame], motion.sure[key]) < _SURE:
                continue
            layer, shown = sample(torch.cat([pictures[key], region[key], edited[key]]), motion.between(frame, key))
            look, known, new = layer.split([3, 1, 1])
            # What neither of the two frames' edits has touched is the frame's own, and right as it is.
            weight = region[frame] * known.clamp(0, 1) * shown * torch.maximum(edited[frame], new.clamp(0, 1))
            laid[frame] += weight * (look - laid[frame])
        return self.encode(laid)


def _key_frame(loss: Tensor, region: Tensor, motion: Motion) -> int:
    """The likeliest frame among those that show (nearly) all of the region and whose motion is known.

    Args:
        loss: (F,).
        region: (F, 1, H, W).
    """
    scale = torch.linalg.det(motion.to[:, :, :2]).clamp(min=1e-6)
    shown = region.sum((1, 2, 3)) / scale  # in pixels of frame 0
    fit = (motion.sure >= _SURE) & (shown >= _SHOWN * shown[motion.sure >= _SURE].max())
    return int(loss.where(fit, torch.inf).argmin())
