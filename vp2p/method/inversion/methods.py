"""The inversion methods by name.

A new one is a file beside this one, and its name in :class:`vp2p.settings.InvertSettings`: ``null-text`` is the module
``null_text``. The names stand in the settings, since help and completion need them without loading PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Mapping, cast, get_args, get_type_hints

from vp2p.method.inversion.protocol import InversionMethod
from vp2p.settings import InvertSettings


def _module(name: str) -> InversionMethod:
    return cast(InversionMethod, import_module(f"{__package__}.{name.replace('-', '_')}"))


METHODS: Mapping[str, InversionMethod] = {
    name: _module(name) for name in get_args(get_type_hints(InvertSettings)["method"])
}
