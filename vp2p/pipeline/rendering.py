"""What was put together is rendered again lightly, so that rim, light and shadow fit.

After SDEdit (Meng et al., 2108.01073) and Rerender-A-Video (Yang et al., 2306.07954): noised to a share of the way,
and denoised under the same control where something was changed.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from vp2p.compositing.composite import Composite
from vp2p.compositing.foreground import softened
from vp2p.compositing.pixels import planes, rounded
from vp2p.compositing.shapes import dilated
from vp2p.compositing.track import margin_of
from vp2p.pipeline.job import EditJob, Request
from vp2p.pipeline.together import Asking
from vp2p.prompts.plan import EditPlan
from vp2p.settings import EditSettings


def render_again(job: EditJob, plan: EditPlan, settings: EditSettings, composite: Composite) -> Asking[Tensor]:
    """The frames of a composite, (F, 3, H, W) in 0…255, rendered again from ``settings.composite.render`` of the way.

    Only what that changes is added, so that the composite keeps detail that the VAE would lose.
    """
    covered = dilated(composite.old | composite.new, margin_of(composite.frames))
    if not bool(covered.any()):
        return composite.frames
    late = dataclasses.replace(settings.control, strength=settings.composite.render)
    again = EditJob.of(job.model, job.inversion, dataclasses.replace(settings, control=late), job.user_mask)
    laid = job.model.encode(rounded(composite.frames))
    moved = laid - job.inversion.inverted.trajectory[0].to(laid)
    # The clip's own noise at that step, so that what was not changed is found again as it was.
    start = again.branches.x + again.branches.schedule.alphas[again.branches.start] ** 0.5 * moved
    cells = adaptive_max_pool2d(covered.float(), tuple(start.shape[-2:])).to(start)
    target = dataclasses.replace(again.target(plan, settings), mask=cells, start=start)
    edited = yield Request(again, [target], "render")
    before, after = (planes(job.model.decode(latents)) for latents in (laid, edited.targets[0]))
    cover = torch.stack([softened(shape, margin_of(composite.frames)) for shape in covered])[:, None]
    if job.user_mask is not None:
        cover = cover * (job.user_mask > 0.5)[:, None]
    return (composite.frames + cover * (after - before)).clamp(0, 255)
