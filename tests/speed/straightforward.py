"""The straightforward form of each step, as the released code has it: the oracle that the package's form is held to.

Keys and values of all frames are computed, and the first frame's are repeated. The text is repeated for each frame. All
attention is by explicit maps, and those of up to 32 x 32 cells are kept, of all branches. Four branches are edited.
Weights that are not trained have gradients in null-text optimisation.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Iterator, Protocol, cast

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from vp2p.method.schedule import Schedule, guide
from vp2p.prompts.align import TokenMap
from vp2p.t2s.attention import AttentionLayer, T2SAttnProcessor
from vp2p.t2s.inflation import TextToSetModel
from vp2p.t2s.small_maps import SmallMapConv

_KEPT = 32 * 32  # cells of the largest maps that are kept


class _Control(Protocol):
    def __call__(self, layer: AttentionLayer, maps: Tensor) -> Tensor: ...


class _Explicit:
    """Attention of one layer by its maps."""

    def __init__(self, layer: AttentionLayer) -> None:
        self.layer = layer

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        frames: int = 1,
        control: _Control | None = None,
        shown: None = None,
        share: None = None,
        merging: None = None,
    ) -> Tensor:
        x = hidden_states
        source = x if self.layer.role != "cross" else cast(Tensor, encoder_hidden_states)
        q, k, v = (part.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for part in
                   (attn.to_q(x), attn.to_k(source), attn.to_v(source)))  # fmt: skip
        if self.layer.role == "frame":
            k, v = (part[::frames].repeat_interleave(frames, 0) for part in (k, v))
        maps = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        if control is not None:
            maps = control(self.layer, maps)
        out: Tensor = attn.to_out[0]((maps @ v).transpose(1, 2).flatten(2))
        return out


@dataclass
class Injection:
    """The source's maps in place of the target's, in a batch of source and target, unconditional and conditional."""

    tokens: TokenMap
    replaced: frozenset[str]
    replaced_tokens: int
    kept: list[Tensor] = field(default_factory=list)

    def __call__(self, layer: AttentionLayer, maps: Tensor) -> Tensor:
        """The maps that are used, of (4·b, heads, n, tokens)."""
        source_uncond, target_uncond, source, target = maps.chunk(4)
        if layer.role == "cross":
            target = source @ self.tokens.source.to(maps) + target * self.tokens.keep.to(maps)
        elif layer.role in self.replaced and (layer.role == "temporal" or maps.shape[2] <= self.replaced_tokens):
            target = source
        used = torch.cat([source_uncond, target_uncond, source, target])
        if maps.shape[2] <= _KEPT:
            self.kept.append(used)
        return used


@contextmanager
def explicit(model: TextToSetModel) -> Iterator[None]:
    """The model with explicit attention and torch's own convolutions, until the end of the block."""
    before, small = model.unet.attn_processors, [one for one in model.unet.modules() if isinstance(one, SmallMapConv)]
    layers = {name: _Explicit(one.layer) if isinstance(one, T2SAttnProcessor) else one for name, one in before.items()}
    model.unet.set_attn_processor(layers)  # type: ignore[arg-type]
    for conv in small:
        conv.__class__ = nn.Conv2d
    try:
        yield
    finally:
        model.unet.set_attn_processor(before)
        for conv in small:
            conv.__class__ = SmallMapConv


def repeated(text: Tensor, frames: int) -> Tensor:
    """(B, L, width) for each frame: (B, F, L, width)."""
    return text[:, None].repeat(1, frames, 1, 1)


def edit_step(model: TextToSetModel, schedule: Schedule, index: int, x: Tensor, texts: Tensor, control: Injection,
              guidance: float) -> Tensor:  # fmt: skip
    """Source and target (2, F, c, h, w) one step on; ``texts`` (3, L, width): no, old and new words."""
    empty, source, target = repeated(texts, x.shape[1])
    with torch.no_grad():
        out = model(torch.cat([x, x]), schedule.timestep(index), torch.stack([empty, empty, source, target]), control)
    unconditional, conditional = out.chunk(2)
    return schedule.denoise(guide(unconditional, conditional, guidance), x, index)


def tuning_gradients(
    model: TextToSetModel, noisy: Tensor, timestep: int, cond: Tensor, target: Tensor
) -> dict[str, Tensor]:
    """The gradients of the tuned weights; they must require one."""
    loss = mse_loss(model(noisy, timestep, repeated(cond, noisy.shape[1])), target)
    trained = {name: weight for name, weight in model.unet.named_parameters() if weight.requires_grad}
    return dict(zip(trained, torch.autograd.grad(loss, list(trained.values()))))


def null_text_gradient(
    model: TextToSetModel, schedule: Schedule, index: int, x: Tensor, embedding: Tensor, predicted: Tensor,
    wanted: Tensor, guidance: float,
) -> Tensor:  # fmt: skip
    """The gradient of the unconditional embedding (1, L, width), with all weights' gradients beside it."""
    embedding = embedding.clone().requires_grad_()
    model.unet.requires_grad_(True)
    try:
        unconditional = model(x, schedule.timestep(index), repeated(embedding, x.shape[1]))
        moved = schedule.denoise(guide(unconditional, predicted, guidance), x, index)
        mse_loss(moved, wanted).backward()
    finally:
        model.unet.requires_grad_(False)
        model.unet.zero_grad(set_to_none=True)
    return cast(Tensor, embedding.grad)
