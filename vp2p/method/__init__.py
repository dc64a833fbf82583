"""The method: tuning, inversion, alignment, attention control and editing (Video-P2P)."""
