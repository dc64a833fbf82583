"""The edit from frames to frames, without a workspace."""
