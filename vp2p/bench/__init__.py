"""SpriteBench: edits of drawn clips, each compared with the true answer."""
