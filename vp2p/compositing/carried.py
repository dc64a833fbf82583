"""What moves along with an object is its own; what stands in front of it is met elsewhere on it in each frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vp2p.compositing.motion.affine import grid, inside
from vp2p.compositing.motion.protocol import Motion
from vp2p.compositing.pixels import spread, with_neighbours

_ASKED = 12  # frames, spread evenly
_ALIKE = 20.0  # of 255: what differs less is the same thing
_SEEN = 0.2  # of a pixel and its neighbours: less is not known
_LEAST = 20  # pixels, in which a frame must show a place to say what is there


@dataclass(frozen=True)
class Surface:
    """An object's surface: each pixel of each frame of a clip (F, 3, H, W) as one of a key frame.

    ``places`` (F, H, W) are the pixels' numbers there, row by row, and ``known`` bool (F, H, W) which have one.
    """

    clip: Tensor
    places: Tensor
    known: Tensor

    @classmethod
    def of(cls, clip: Tensor, motion: Motion, key: int) -> Surface:
        """The surface as a frame ``key`` shows it; what lies beyond the object moves as it does."""
        size = (clip.shape[-2], clip.shape[-1])
        points = grid(size, clip.device)
        there = [(points + motion.field(key, frame, points)).round() for frame in range(len(clip))]
        known = torch.stack([inside(one) for one in there])
        places = torch.stack([one[1] * size[1] + one[0] for one in there]).long() * known
        return cls(clip, places, known)

    def carries(self, frame: int, part: Tensor) -> float:
        """Which share of a part, bool (H, W) of a frame, other frames show there as well, 0…1: the median over them."""
        part = part & self.known[frame]
        there = torch.cat([self.clip[frame], torch.ones_like(part)[None]])[:, part]
        sums = torch.zeros(4, part.numel()).to(there).index_add_(1, self.places[frame][part], there)
        sums = with_neighbours(sums.view(4, *part.shape)).flatten(1)
        shown, seen = sums[:3] / sums[3:].clamp(min=1e-6), sums[3] > _SEEN
        shares = []
        for other in spread(len(self.clip), _ASKED):
            asked = self.known[other] & seen[self.places[other]]
            if other != frame and int(asked.sum()) >= _LEAST:
                apart = (shown[:, self.places[other]] - self.clip[other]).abs().amax(0) * asked
                mean = with_neighbours(torch.stack([apart, asked.to(apart)]))
                shares.append((mean[0] < _ALIKE * mean[1])[asked].float().mean())
        return float(torch.stack(shares).median()) if shares else 0.0
