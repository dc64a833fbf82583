"""One profile for all properties: the same examples each time, and no limit on how long one may take."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.cli.conftest import clip, models, prepared

__all__ = ["clip", "models", "prepared"]

settings.register_profile(
    "same",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("same")
