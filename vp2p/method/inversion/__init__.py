"""From the clip to noise, and what brings the source branch back to the clip (Video-P2P, section 3.2)."""
