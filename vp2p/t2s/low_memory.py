"""Passes that hold less at once and give the same to rounding: in smaller pieces, and with gradients that recompute."""

from __future__ import annotations

from functools import partial

from diffusers import ControlNetModel, UNet2DConditionModel
from torch.utils.checkpoint import checkpoint

from vp2p.t2s.block import T2SBlock


def in_pieces(unet: UNet2DConditionModel, on: bool) -> None:
    """Whether what is widest in a UNet is computed in pieces: the feed-forward networks and attention over time.

    Attention within frames and to the text needs no pieces: it never holds the most (docs/benchmarks.md).
    """
    for block in unet.modules():
        if isinstance(block, T2SBlock):
            block.set_chunk_feed_forward(1 if on else None, 0)  # a frame at a time
            block.in_pieces = on


def recompute(unet: UNet2DConditionModel | ControlNetModel, on: bool) -> None:
    """Whether a pass with gradients keeps few activations and computes the others twice (gradient checkpointing)."""
    if on:
        # Frozen activations need no gradient, so checkpointing must be the non-re-entrant form: the re-entrant one
        # would leave the down blocks untrained. Nothing in a pass is random, so no random state is kept for it.
        unet.enable_gradient_checkpointing(partial(checkpoint, use_reentrant=False, preserve_rng_state=False))
    else:
        unet.disable_gradient_checkpointing()
