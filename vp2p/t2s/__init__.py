"""The text-to-set model: an image model that sees all frames of a clip (Video-P2P, section 3.1)."""
