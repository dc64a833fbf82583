"""Video-P2P: change what is in a video by changing words, and keep everything else."""

__version__ = "0.1.0"
