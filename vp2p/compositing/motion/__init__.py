"""How an object moves from frame to frame."""
