"""The resources of a machine that a stage needs, as Ray is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from vp2p.errors import UsageError
from vp2p.plain import is_number

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


@dataclass(frozen=True)
class Resources:
    """CPU cores, GPUs (a share is allowed; None for one where the stage computes on CUDA) and bytes of memory."""

    cpus: float = 1
    gpus: float | None = None
    memory: int | None = None


def read_resources(values: dict[str, Any]) -> Resources:
    """Resources from the plan's values, such as ``{"gpus": 1, "memory": "20GB"}``.

    Raises:
        UsageError: an unknown key, or a value that is no such amount.
    """
    for key in values:
        if key not in ("cpus", "gpus", "memory"):
            raise UsageError(f"There is no resource {key!r}.", "known: cpus, gpus, memory")
    return Resources(
        cpus=_amount("cpus", values["cpus"]) if "cpus" in values else Resources.cpus,
        gpus=_amount("gpus", values["gpus"]) if "gpus" in values else None,
        memory=_memory(values["memory"]) if "memory" in values else None,
    )


def _amount(key: str, value: Any) -> float:
    if not is_number(value) or value < 0 or (value > 1 and value != int(value)):
        raise UsageError(f"{key} is {value!r}, but must be a whole number, or a share below 1.", f"write {key}: 1")
    amount: float = value
    return amount


def _memory(value: Any) -> int:
    match = _MEMORY.fullmatch(str(value).strip()) if isinstance(value, (int, str)) else None
    if isinstance(value, bool) or not match or match[2].upper() not in _UNITS:
        raise UsageError(f"memory is {value!r}, but must be an amount such as 20GB.", "write memory: 20GB")
    return int(float(match[1]) * _UNITS[match[2].upper()])
