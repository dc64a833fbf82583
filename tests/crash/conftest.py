"""The tiny model's workspaces, as the command line's tests use them."""

from __future__ import annotations

from tests.cli.conftest import clip, models, prepared, work

__all__ = ["clip", "models", "prepared", "work"]
