"""Frame, cross and temporal attention by one processor (Video-P2P, section 3.1).

Axes: B branches, F frames, n tokens of one frame's map, L text tokens, d width of a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast

from torch import Tensor, unflatten

from vp2p.t2s.fused import attend
from vp2p.t2s.ranks import Share
from vp2p.t2s.windows import Window

if TYPE_CHECKING:
    from diffusers.models.attention_processor import Attention

    from vp2p.t2s.merging import Merging
    from vp2p.t2s.picture import Shown

Role = Literal["frame", "cross", "temporal"]
Place = Literal["down", "mid", "up"]


@dataclass(frozen=True)
class AttentionLayer:
    """Where an attention module sits: its name in the UNet, what it attends over, and on which path."""

    name: str
    role: Role
    place: Place


class Controller(Protocol):
    """Replaces plain attention in every layer of one forward pass."""

    def attend(self, layer: AttentionLayer, q: Tensor, k: Tensor, v: Tensor, frames: int) -> Tensor:
        """The attended values, of ``q``'s shape.

        The first axis of every tensor is branch-major, so that branch b of B holds the b-th of B
        equal parts.

        frame:    q (B, heads, F·n, d); k, v (B, heads, n, d), the first frame's, with merging
                  and those carried from other windows; where each frame attends to itself,
                  q, k, v (B·F, heads, n, d)
        cross:    q (B, heads, F·n, d); k, v (B, heads, L, d); with a text for each frame
                  q (B·F, heads, n, d); k, v (B·F, heads, L, d)
        temporal: q, k, v (B·n, heads, F, d)
        """
        ...

    def is_plain(self, layer: AttentionLayer, tokens: int) -> bool:
        """Whether it leaves attention plain in a layer of frame attention whose frames have n tokens.

        Its queries may then be merged (:mod:`vp2p.t2s.merging`); :meth:`attend` is given those of all tokens.
        """
        ...

    def in_window(self, window: Window) -> Controller:
        """The same for a pass of some of the clip's frames: one window's, or one rank's (:mod:`vp2p.t2s.ranks`)."""
        ...


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(b, tokens, heads·d) to (b, heads, tokens, d)."""
    return unflatten(x, -1, (heads, -1)).transpose(1, 2)


class T2SAttnProcessor:
    """An attention processor of diffusers for one layer of the text-to-set model.

    Frame attention takes keys and values of the first frame alone. The queries of all frames are
    folded into one long query, which equals repeating the keys for each frame, without the copies.
    With ``own_frame`` each frame attends to itself instead, as in the image model.
    """

    def __init__(self, layer: AttentionLayer, own_frame: bool = False) -> None:
        self.layer = layer
        self.own_frame = own_frame

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        frames: int = 1,
        control: Controller | None = None,
        shown: Shown | None = None,
        share: Share | None = None,
        merging: Merging | None = None,
    ) -> Tensor:
        x = hidden_states  # (B·F, n, width); temporal (B·n, F, width)
        rows = x.shape[0]
        if merging is not None and self.layer.role == "frame" and merging.acts(x.shape[1], frames):
            return self._merged(attn, unflatten(x, 0, (-1, frames)), control, merging)
        if self.layer.role == "frame" and not self.own_frame:
            source = x[::frames] if share is None else share.first(x)
        elif self.layer.role == "cross":
            source = cast(Tensor, encoder_hidden_states)  # (B, L, width) or (B·F, L, width); a UNet always gives it
        else:
            source = x
        q, k, v = attn.to_q(x), attn.to_k(source), attn.to_v(source)
        q = q.reshape(source.shape[0], -1, q.shape[-1])  # folds the frames that share their keys
        q, k, v = (split_heads(part, attn.heads) for part in (q, k, v))
        if control is None:
            out = attend(q, k, v)
        else:
            out = control.attend(self.layer, q, k, v, frames)
        # Beside the text, whose attention stays under control.
        if shown is not None and self.layer.name in shown.layers:
            out = out + shown.attended(self.layer.name, q)
        out = out.transpose(1, 2).flatten(2).reshape(rows, x.shape[1], -1)
        return _projected(attn, out)

    def _merged(self, attn: Attention, clip: Tensor, control: Controller | None, merging: Merging) -> Tensor:
        """Frame attention of a clip (B, F, n, width) with fewer queries: (B·F, n, width)."""
        frames, tokens = clip.shape[1:3]
        matching, source = merging.at(self.layer.name, clip)
        q, k, v = attn.to_q(matching.merge(clip.flatten(1, 2))), attn.to_k(source), attn.to_v(source)
        if control is None or control.is_plain(self.layer, tokens):
            out = attend(*(split_heads(part, attn.heads) for part in (q, k, v)))
            joined = matching.unmerge(_projected(attn, out.transpose(1, 2).flatten(2)))
        else:
            q, k, v = (split_heads(part, attn.heads) for part in (matching.unmerge(q), k, v))
            joined = _projected(attn, control.attend(self.layer, q, k, v, frames).transpose(1, 2).flatten(2))
        return joined.reshape(-1, tokens, joined.shape[-1])


def _projected(attn: Attention, out: Tensor) -> Tensor:
    """What a layer makes of the values that were attended to, (b, tokens, heads·d)."""
    projected: Tensor = attn.to_out[1](attn.to_out[0](out))
    return projected
