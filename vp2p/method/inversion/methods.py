"""The inversion methods by name. A new one is a file beside this one, and a line here."""

from __future__ import annotations

from typing import Mapping

from vp2p.method.inversion import ddim, direct, noise, null_text
from vp2p.method.inversion.protocol import InversionMethod

METHODS: Mapping[str, InversionMethod] = {"direct": direct, "null-text": null_text, "ddim": ddim, "noise": noise}
