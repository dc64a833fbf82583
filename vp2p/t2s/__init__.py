"""The text-to-set model: an image model that sees all frames of a clip (Video-P2P, section 3.1)."""

from vp2p.t2s.attention import AttentionLayer, Controller
from vp2p.t2s.fused import attend
from vp2p.t2s.inflation import TextToSetModel
from vp2p.t2s.windows import Window

__all__ = ["AttentionLayer", "Controller", "TextToSetModel", "Window", "attend"]
