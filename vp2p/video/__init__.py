"""Clips in and out: reading, choosing and fitting frames, writing videos and contact sheets."""
