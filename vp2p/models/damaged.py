"""What is told of files that a library cannot load."""

from __future__ import annotations

import re

from vp2p.errors import ModelError
from vp2p.models.header import COPY


def damaged(place: object, why: object, hint: str = COPY) -> ModelError:
    """The error for a part of a model that cannot be loaded, at a ``place``."""
    return ModelError(f"{place} cannot be loaded: {_reason(why)}.", hint)


def _reason(why: object) -> str:
    """The first line that says something: the libraries' errors are long, and name a tensor far below."""
    text = str(why)
    other = re.search(r"size mismatch for (\S+):|Cannot load .* because (\S+) expected shape", text)
    if other or "ignore_mismatched_sizes" in text:
        which = f"its tensor {other[1] or other[2]} is" if other else "tensors are"
        return f"{which} of another size than its configuration says"
    if isinstance(why, KeyError):
        return f"there is no {text.strip(chr(39))} in it"
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(why).__name__]
    return lines[0].rstrip(".")
