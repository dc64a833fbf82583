"""From edited pictures to edited frames: the object's track, the new foreground, and how they are composited."""
