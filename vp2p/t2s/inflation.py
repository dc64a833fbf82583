"""Inflates an image UNet into the text-to-set model (Video-P2P, section 3.1, figure 2).

Nothing of the UNet is copied: its own transformer blocks, group norms and convolutions change class in place,
and keep their parameters and names.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from functools import partial
from typing import Callable, Iterator, Literal, Sequence, cast

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn, unflatten
from torch.utils.checkpoint import checkpoint

from vp2p.errors import ArtifactError, ModelError
from vp2p.models.added import Text
from vp2p.t2s.attention import AttentionLayer, Controller, Place, Role, T2SAttnProcessor
from vp2p.t2s.block import T2SBlock
from vp2p.t2s.group_norm import ClipShape, JointGroupNorm
from vp2p.t2s.low_memory import in_pieces, recompute
from vp2p.t2s.merging import Merging
from vp2p.t2s.picture import ImageAttention
from vp2p.t2s.ranks import Ranks, Share
from vp2p.t2s.small_maps import use_small_maps
from vp2p.t2s.structure import Structure, residuals
from vp2p.t2s.windows import ALL, Window, WindowLog, windows

GroupNormMode = Literal["per-frame", "joint"]
AttentionMode = Literal["first-frame", "self"]


def _place(name: str) -> Place:
    return cast(Place, name.split("_", 1)[0])  # down_blocks…, mid_block…, up_blocks…


def _hook(attn: Attention, name: str, role: Role, own_frame: bool = False) -> None:
    extras = ("group_norm", "spatial_norm", "norm_q", "norm_k", "norm_cross", "added_kv_proj_dim")
    found = [extra for extra in extras if getattr(attn, extra, None)]
    if found or attn.residual_connection or attn.rescale_output_factor != 1.0:
        raise ModelError(
            f"The attention layer {name} has parts that frame attention does not know: "
            f"{', '.join(found) or 'scaling'}.",
            "give a Stable-Diffusion-style model with --model",
        )
    processor = T2SAttnProcessor(AttentionLayer(name, role, _place(name)), own_frame)
    attn.set_processor(processor)  # type: ignore[arg-type]  # the library names one of its own; any callable serves


class TextToSetModel(nn.Module):
    """A UNet whose frames share the first frame's keys, and that attends over time.

    Output projections of the temporal attention start at zero, so before tuning only the frame
    attention differs from the image model, and with one frame nothing does.

    Args:
        unet: a UNet of Stable Diffusion's kind; it is changed in place.
        group_norm: ``per-frame``, or ``joint`` for the released code's statistics over all frames
            in residual blocks and before the output.
        attention: what frame attention reads: the ``first-frame``, or ``self``, each frame its own,
            which before tuning is the image model frame by frame.
        downscale: pixels along a side of one latent cell, for UNets that are told the size of pictures.

    ``window_frames`` is how many frames pass at once, 4 or more: a longer clip passes in windows. What these predict
    without gradients is told to the ``window_log``, if there is one. With ``ranks`` the frames of a pass
    are split over processes, each of which calls the model with the same arguments (:mod:`vp2p.t2s.ranks`).

    Raises:
        ModelError: no transformer block with frame and text attention was found.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        group_norm: GroupNormMode = "per-frame",
        attention: AttentionMode = "first-frame",
        downscale: int = 8,
    ) -> None:
        super().__init__()
        self.unet = unet
        self._downscale = downscale
        self.window_frames = ALL
        self.window_log: WindowLog | None = None
        self.ranks: Ranks | None = None
        self._low_memory = False
        self._own_frame = attention == "self"
        self._clip = ClipShape()
        self._structures: tuple[Structure, ...] = ()
        self._image_attention: ImageAttention | None = None
        self._merging: Merging | None = None
        blocks = [(name, module) for name, module in unet.named_modules() if isinstance(module, BasicTransformerBlock)]
        for name, block in blocks:
            self._inflate_block(name, block)
        if not blocks:
            raise ModelError(
                "The UNet has no transformer block, so there is no attention to control.",
                "give a text-conditioned model of Stable Diffusion's kind with --model",
            )
        self.hooked = 3 * len(blocks)
        use_small_maps(unet)
        if group_norm == "joint":
            self._join_group_norms()

    @property
    def layers(self) -> list[AttentionLayer]:
        """Every controlled layer, in the order of the UNet's modules."""
        return [processor.layer for processor in self.unet.attn_processors.values() if hasattr(processor, "layer")]

    def held_to(self, structures: Sequence[Structure]) -> TextToSetModel:
        """The same model, whose passes are held to the structure of some frames; both share all weights."""
        held = copy.copy(self)
        held._structures = tuple(structures)
        return held

    def showing(self, attention: ImageAttention) -> TextToSetModel:
        """The same model for passes whose texts show pictures, each or none; both share all weights."""
        showing = copy.copy(self)
        showing._image_attention = attention
        return showing

    def merging(self, share: float) -> TextToSetModel:
        """The same model whose frame attention merges a share of the tokens (:mod:`vp2p.t2s.merging`); none with 0.

        It is for passes without gradients; both share all weights.

        Raises:
            ValueError: frames do not read the first one, or are split over ranks.
        """
        if not share:
            return self
        if self._own_frame or self.ranks is not None:
            raise ValueError("tokens are merged into those of a first frame that all frames read")
        merging = copy.copy(self)
        merging._merging = Merging(share)
        return merging

    def of_frames(self, frames: Sequence[int]) -> TextToSetModel:
        """The same model for passes of some of the frames alone, to whose structure they are held, if to any."""
        return self.held_to([one.of_frames(frames) for one in self._structures])

    def _inflate_block(self, name: str, block: BasicTransformerBlock) -> None:
        if block.attn2 is None:
            raise ModelError(
                f"The transformer block {name} has no attention to the text.",
                "give a text-conditioned model of Stable Diffusion's kind with --model",
            )
        like = block.attn1.to_q.weight
        width = block.attn1.to_q.in_features
        block.norm_temp = nn.LayerNorm(width).to(like)
        # A fixed seed of its own: the same model is inflated to the same weights, every time.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            block.attn_temp = Attention(
                query_dim=width, heads=block.attn1.heads, dim_head=block.attn1.inner_dim // block.attn1.heads
            ).to(like)
        out = cast(nn.Linear, block.attn_temp.to_out[0])
        nn.init.zeros_(out.weight)
        nn.init.zeros_(out.bias)
        for added in (block.norm_temp, block.attn_temp):
            added.requires_grad_(False)
        block.__class__ = T2SBlock
        _hook(block.attn1, f"{name}.attn1", "cross" if block.only_cross_attention else "frame", self._own_frame)
        _hook(block.attn2, f"{name}.attn2", "cross")
        _hook(block.attn_temp, f"{name}.attn_temp", "temporal")

    def _join_group_norms(self) -> None:
        norms = [self.unet.conv_norm_out] if self.unet.conv_norm_out is not None else []
        for module in self.unet.modules():
            if isinstance(module, ResnetBlock2D):
                norms += [module.norm1, module.norm2]
        for norm in norms:
            norm.__class__ = JointGroupNorm
            norm.clip = self._clip

    def forward(
        self, latents: Tensor, timestep: int | Tensor, text: Tensor, control: Controller | None = None
    ) -> Tensor:
        """What the model predicts (noise or velocity) for every frame of every branch.

        Args:
            latents: (B, F, c, h, w); cast to the model's dtype.
            timestep: one timestep for all; of a number the device is told without waiting for it.
            text: (B, L, width), or (B, F, L, width) with a text for each frame; with one more row for the pooled
                embedding, where the UNet reads it, and with those of a picture, where the model shows them
                (:func:`vp2p.t2s.picture.with_picture`).
            control: attention control, or None.

        Returns:
            (B, F, c, h, w) in float32.
        """
        if isinstance(timestep, int):
            timestep = torch.full((1,), timestep, device=latents.device)
        parts = windows(latents.shape[1], self.window_frames)
        if self.ranks is not None:
            latents, text = self.ranks.given(latents), self.ranks.given(text)
        log = None if torch.is_grad_enabled() else self.window_log
        if self._merging is not None:
            carried = {} if log is None else log.carried
            self._merging.begin(latents.shape[-2:].numel(), carried if len(parts) > 1 else None)
        if len(parts) == 1:
            return self._window(parts[0], latents, timestep, text, control)
        total = latents.new_zeros(latents.shape, dtype=torch.float32)
        predict = partial(self._window, latents=latents, timestep=timestep, text=text, control=control)
        found = map(predict, parts) if log is None else log.logged(parts, predict)
        for window, prediction in zip(parts, found):
            total = total + window.among_all(prediction)
        return total

    def _window(
        self, window: Window, latents: Tensor, timestep: Tensor, text: Tensor, control: Controller | None
    ) -> Tensor:
        """The pass of one window, of which each rank takes its share.

        With gradients, one of several is computed again on the way back, so that one at most is held.
        """
        part = window if self.ranks is None else self.ranks.share(window)
        run: Callable[..., Tensor] = self._pass
        if part.frames != tuple(range(window.count)):
            text = part.of(text) if text.ndim == 4 else text
            latents, control = part.of(latents), None if control is None else control.in_window(part)
            run = self.of_frames(part.frames)._pass
        given = latents, timestep, text, control, part if isinstance(part, Share) else None
        if torch.is_grad_enabled() and len(window.frames) < window.count:
            found: Tensor = checkpoint(run, *given, use_reentrant=False, preserve_rng_state=False)
        else:
            found = run(*given)
        return found if self.ranks is None else self.ranks.predicted(part, found)

    def _pass(
        self,
        latents: Tensor,
        timestep: Tensor,
        text: Tensor,
        control: Controller | None,
        share: Share | None = None,
    ) -> Tensor:
        frames = latents.shape[1]
        dtype = self.unet.dtype
        self._clip.frames, self._clip.share = frames, share
        rows = text.flatten(0, 1) if text.ndim == 4 else text
        height, width = (self._downscale * side for side in latents.shape[-2:])
        rows, shown = rows.to(dtype), None
        if self._image_attention is not None:
            rows, shown = self._image_attention.parted(rows)
        told = Text.of(self.unet, rows)
        added = told.added(latents.shape[0] * frames // len(rows), (height, width))
        out: Tensor = self.unet(
            latents.flatten(0, 1).to(dtype),
            timestep,
            told.tokens,
            cross_attention_kwargs={
                **{"frames": frames, "control": control, "shown": shown, "share": share},
                "merging": self._merging,
            },
            added_cond_kwargs=added,
            return_dict=False,
            **residuals(self._structures, latents, timestep, told.tokens, added),
        )[0]
        return unflatten(out, 0, (-1, frames)).float()

    def save_memory(self, on: bool) -> None:
        """Whether passes hold as little at once as can be, in more time; results are the same to rounding."""
        self._low_memory = on
        in_pieces(self.unet, on)
        recompute(self.unet, on)

    @contextmanager
    def recomputing(self, on: bool) -> Iterator[None]:
        """Passes with gradients that keep few activations, for a while, where they do not always do so."""
        recompute(self.unet, on or self._low_memory)
        try:
            yield
        finally:
            recompute(self.unet, self._low_memory)

    def tuned_parameters(self, norm_temp: bool = False) -> dict[str, nn.Parameter]:
        """The parameters that tuning trains, by their names in the UNet.

        ``attn1.to_q``, ``attn2.to_q`` and all of ``attn_temp``; with ``norm_temp`` its norm too.
        """
        parts = ["attn1.to_q", "attn2.to_q", "attn_temp"] + (["norm_temp"] if norm_temp else [])
        return {
            name: parameter
            for name, parameter in self.unet.named_parameters()
            if any(f".{part}." in f".{name}" for part in parts)
        }

    def load_tuned(self, tensors: dict[str, Tensor]) -> None:
        """Puts tuned tensors back.

        Raises:
            ArtifactError: a name or a shape does not belong to this model.
        """
        parameters = dict(self.unet.named_parameters())
        for name, tensor in tensors.items():
            if name not in parameters or parameters[name].shape != tensor.shape:
                raise ArtifactError(
                    f"The tuned weights hold {name} {tuple(tensor.shape)}, which this model does not have.",
                    "vp2p tune",
                )
        with torch.no_grad():
            for name, tensor in tensors.items():
                parameters[name].copy_(tensor)
