"""An object's outline to the pixel, from a coarse mask: what has other colours than its surroundings.

In the manner of GrabCut (Rother, Kolmogorov and Blake, 2004): the colours inside the coarse mask against
those outside, and neighbours of like colour on one side, here by the random walker (Grady, "Multilabel random
walks using prior models", 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv1d, grid_sample, interpolate, max_pool2d, pad

from vp2p.compositing.pixels import with_neighbours
from vp2p.compositing.shapes import dilated, eroded, fill_holes, largest_parts, opening, parts_of, window_of
from vp2p.video.fitting import within

_SIDE = 256  # pixels: larger pictures are made smaller
_BINS = 16  # of each colour channel
_ROUNDS, _WALKS = 4, 20
_PRIOR = 0.15  # what a pixel's own colour counts beside its four neighbours
_RADIUS = 4 / (4 + _PRIOR)  # bound on how much of an error one walk leaves
_LEAST = 0.08  # of the coarse mask, or what of it is attended: less found than that is nothing found
_LINE = 64  # this part of the longer side
# Chance that a place inside the coarse mask is the object's though attention sees nothing near it. With 0.3, and with
# colours that count alike wherever they are in the mask, a filmed rabbit took in the hedge behind it.
_UNSEEN = 0.05
_UNSEEN_DRAWN = 0.3  # the same for an object that an edit has drawn, which may reach beyond where attention sees it
_CELL = 16  # this part of the longer side: attention is as coarse, and thin parts are seen in the cells beside them
_NOWHERE = 0.1  # of the most attention: there is nothing of the object
_LIKELY = 0.4  # of the most attention: where the object's colours are taken from at first
_MUCH = 0.5  # of the most attended part's mean attention: a part with less is another thing
_SAME, _OTHER = 0.04, 0.12  # of white, from the ground that is known


@dataclass(frozen=True)
class Known:
    """What is known of the object in pictures (F, 3, H, W) and of the background behind it.

    ``prior``, (F, H, W) in 0…1, is how much the model's attention sees the object, 1 where it does most.
    ``samples`` are more pictures of their size, and the weights (F', H, W) of those pixels that show background.
    ``plate`` is the background behind, (F, 3, H, W), and where it is known, bool (F, H, W); it may have the size at
    which they are matted (:func:`matted_sizes`). A pixel that differs from
    the plate by the share ``differs`` of white is the object's for certain. ``drawn`` says that an edit made the
    pictures.
    """

    samples: tuple[Tensor, Tensor] | None = None
    plate: tuple[Tensor, Tensor] | None = None
    differs: float = _OTHER
    prior: Tensor | None = None
    drawn: bool = False

    def resized(self, size: tuple[int, int]) -> Known:
        """The same for smaller pictures."""
        prior = None if self.prior is None else resized(self.prior, size)
        return Known(_both(self.samples, size), _both(self.plate, size), self.differs, prior, self.drawn)


NOTHING = Known()


def matte(pictures: Tensor, region: Tensor, known: Known = NOTHING, parts: float = 0.0) -> Tensor:
    """Which pixels inside a coarse mask are the object's; all of them where nothing stands out.

    Args:
        pictures: (F, 3, H, W) in 0…255.
        region: (F, H, W), 1 inside the coarse mask.
        parts: of the object's largest part: what is smaller and stands apart is left out, and so are lines.

    Returns:
        bool (F, H, W), without holes.
    """
    (height, width), small = matted_sizes(pictures)
    if small != (height, width):
        found = matte(resized(pictures, small), resized(region, small), known.resized(small), parts)
        return (resized(found.float(), (height, width)) > 0.5) & (region > 0.5)
    region = (region > 0.5).float()
    colours = pictures / 255
    window = (..., *window_of(region.amax(0).cpu().numpy(), 0))  # beyond it, nothing is found
    near = colours[window]
    possible = region
    if known.prior is not None:
        # Inside the mask, too, colours are the background's, the more so the less attention sees the object. An edit
        # may draw the background anew, in another light.
        attended = known.prior >= _NOWHERE
        possible = region * attended if known.drawn else region * attended * known.prior
    sampled, weights = [colours], [1 - possible]
    if known.samples is not None:
        sampled.append(known.samples[0] / 255)
        weights.append(known.samples[1])
    behind = _likelihood(near, torch.cat(sampled), torch.cat(weights))
    evidence = None if known.plate is None else _evidence(colours, known.plate[0] / 255, known.plate[1], known.differs)
    if evidence is not None:
        # Other things that move may pass in front of the object, or behind it: they are also seen outside the mask.
        outside = (evidence > 0.5) * (1 - region)
        of_others = _likelihood(near, colours, outside) * outside.sum()
        evidence = evidence[window]
    walk, region = _Walk(colours, window), region[window]
    inside, seen, odds = region, torch.ones(()), torch.ones(())
    if known.prior is not None:  # where colours do not tell, as of white on snow, attention does
        prior = known.prior[window]
        inside = region * (prior > _LIKELY)
        if known.drawn:
            chance = _UNSEEN_DRAWN + (1 - _UNSEEN_DRAWN) * prior
        else:
            seen, most = prior, _most(known.prior, max(height, width) // _CELL)[window]
            chance = _UNSEEN + (1 - _UNSEEN) * most**2 * (prior >= _NOWHERE)
        chance = chance.clamp(max=0.98)
        odds = chance / (1 - chance)
    least = _LEAST * (inside if bool(inside.any()) else region).sum()
    for _ in range(_ROUNDS):
        of_object = _likelihood(near, near, inside * seen)
        likely = (of_object + 1e-4 * of_object.mean()) * odds
        belief = likely / (likely + behind + 1e-12)
        if evidence is not None:
            of_inside = of_object * inside.sum() + 1e-6
            belief = belief.where(evidence.isnan(), evidence * of_inside / (of_inside + of_others))
        inside = (walk(belief * region, region) > 0.5).float()
    found = torch.zeros(pictures[:, 0].shape, dtype=torch.bool, device=pictures.device)
    stands_out = bool(inside.sum() >= least)
    found[window] = (inside if stands_out else region) > 0.5
    if not stands_out:
        return found
    found = fill_holes(found)
    return largest_parts(opening(found, round(max(height, width) / _LINE)), parts) if parts else found


def matted_sizes(pictures: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size (H, W) of pictures (…, H, W), and the one at which they are matted."""
    whole = (pictures.shape[-2], pictures.shape[-1])
    return whole, within(whole, _SIDE)


def attended(shapes: Tensor, prior: Tensor, margin: int) -> Tensor:
    """Shapes, bool (F, H, W), without parts that attention sees much less than the part that it sees most.

    Such parts are other things in the object's colours, or between it and the background, as a post in front. What
    is joined over less than ``2 · margin`` pixels are two parts.
    """
    kept = shapes.clone()
    for frame, (shape, core) in enumerate(zip(shapes, eroded(shapes, margin))):
        # Of thin shapes, such as a rim, nothing is left in the core.
        thin = [part for part in parts_of(shape) if not bool((part & core).any())]
        parts = [*parts_of(core), *thin]
        seen = [float(prior[frame][part].mean()) for part in parts]
        low = [part for part, one in zip(parts, seen) if one < _MUCH * max(seen)]
        if low:
            high = [part for part, one in zip(parts, seen) if one >= _MUCH * max(seen)]
            away, near = (dilated(torch.stack(each).any(0)[None], 2 * margin)[0] for each in (low, high))
            kept[frame] = shape & ~(away & ~near)
    return kept


def _both(pair: tuple[Tensor, Tensor] | None, size: tuple[int, int]) -> tuple[Tensor, Tensor] | None:
    return None if pair is None else (resized(pair[0], size), resized(pair[1], size))


def resized(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """(F, H, W) or (F, c, H, W) at another size; bool stays bool."""
    flat = planes.float() if planes.ndim == 4 else planes.float()[:, None]
    found = interpolate(flat, size=size, mode="area" if size[0] < planes.shape[-2] else "bilinear")
    found = found if planes.ndim == 4 else found[:, 0]
    return found > 0.5 if planes.dtype == torch.bool else found


def _most(planes: Tensor, reach: int) -> Tensor:
    """The most of planes (F, H, W) within so many pixels of each, along both sides."""
    rows = max_pool2d(planes[:, None], (2 * reach + 1, 1), 1, (reach, 0))
    return max_pool2d(rows, (1, 2 * reach + 1), 1, (0, reach))[:, 0]


def _likelihood(colours: Tensor, sample: Tensor, weights: Tensor) -> Tensor:
    """How often each pixel's colour, (F, 3, H, W) in 0…1, is found among a weighted sample's: (F, H, W)."""
    bins = (sample * _BINS).long().clamp(0, _BINS - 1)
    cells = (bins[:, 0] * _BINS + bins[:, 1]) * _BINS + bins[:, 2]
    counts = torch.zeros(_BINS**3, device=sample.device).index_add(0, cells.flatten(), weights.flatten().float())
    counts = counts.view(_BINS, _BINS, _BINS)
    for _ in range(2):
        for _ in range(3):  # each axis in turn
            rows = pad(counts.reshape(-1, 1, _BINS), (1, 1), mode="replicate")
            counts = conv1d(rows, torch.tensor([[[0.25, 0.5, 0.25]]], device=rows.device)).view_as(counts)
            counts = counts.permute(2, 0, 1)
    where = ((colours * _BINS - 0.5) / (_BINS - 1) * 2 - 1).movedim(1, -1).flip(-1)
    found = grid_sample(
        (counts / counts.sum().clamp(min=1e-9))[None, None],
        where.reshape(1, 1, 1, -1, 3),
        padding_mode="border",
        align_corners=True,
    )
    return found.view(len(colours), *colours.shape[-2:])


def _evidence(colours: Tensor, background: Tensor, known: Tensor, differs: float) -> Tensor:
    """What the background behind tells, (F, H, W): 0 where a pixel is like it, 0.9 where it is not, else NaN."""
    difference = with_neighbours((colours - background).abs().amax(1))
    evidence = torch.full_like(difference, torch.nan)
    evidence[known & (difference < _SAME)] = 0.0
    evidence[known & (difference > differs)] = 0.9
    return evidence


class _Walk:
    """Beliefs spread to neighbours, the more the likelier their colours, as far as they agree with the prior."""

    def __init__(self, colours: Tensor, window: tuple[Any, ...]) -> None:
        across = ((colours[..., 1:] - colours[..., :-1]) ** 2).sum(1)
        down = ((colours[:, :, 1:] - colours[:, :, :-1]) ** 2).sum(1)
        sharpness = 1 / (across.mean() + down.mean()).clamp(min=1e-6)
        across, down = torch.exp(-sharpness * across), torch.exp(-sharpness * down)
        sides = pad(across, (1, 0)), pad(across, (0, 1)), pad(down, (0, 0, 1, 0)), pad(down, (0, 0, 0, 1))
        self._weights = tuple(weights[window] for weights in sides)
        self._total = sum(self._weights) + _PRIOR

    def __call__(self, belief: Tensor, region: Tensor) -> Tensor:
        """Spreads ``belief`` (F, H, W), by Jacobi's iterations with Chebyshev's weights; beyond ``region`` it is 0."""
        left, right, up, down = self._weights

        def step(found: Tensor) -> Tensor:
            spread = left * pad(found[..., :-1], (1, 0)) + right * pad(found[..., 1:], (0, 1))
            spread += up * pad(found[:, :-1], (0, 0, 1, 0)) + down * pad(found[:, 1:], (0, 0, 0, 1))
            return (spread + _PRIOR * belief) / self._total * region

        before, found = belief, step(belief)
        weight = 2 / (2 - _RADIUS**2)
        for _ in range(_WALKS):
            before, found = found, before + weight * (step(found) - before)
            weight = 1 / (1 - weight * _RADIUS**2 / 4)
        return found
