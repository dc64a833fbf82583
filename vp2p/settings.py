"""The options of every stage: frozen, typed, validated once."""

from __future__ import annotations

import difflib
import types
import typing
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Mapping

from vp2p.errors import UsageError


def _check(ok: bool, name: str, value: object, wanted: str) -> None:
    if not ok:
        raise UsageError(f"{name} is {value!r}, but must be {wanted}.", f"give --{name.replace('_', '-')} {wanted}")


def _unit(name: str, value: float) -> None:
    _check(0.0 <= value <= 1.0, name, value, "between 0 and 1")


@dataclass(frozen=True)
class ClipSettings:
    """Which frames of the clip are edited, and at which size.

    ``start`` and ``end`` are seconds; ``frames`` is a count or ``"all"``; ``size`` is ``"512"``,
    ``"512x320"`` (width x height), ``"keep"``, or None for the model's own.
    """

    frames: int | str = 8
    start: float | None = None
    end: float | None = None
    fps: float | None = None
    stride: int | None = None
    size: str | None = None
    fit: Literal["crop", "pad", "stretch"] = "crop"

    def __post_init__(self) -> None:
        if isinstance(self.frames, str):
            _check(self.frames == "all", "frames", self.frames, "a number of 1 or more, or all")
        else:
            _check(self.frames >= 1, "frames", self.frames, "a number of 1 or more, or all")
        _check(self.start is None or self.start >= 0, "start", self.start, "0 or more seconds")
        if self.end is not None and self.end <= (self.start or 0.0):
            raise UsageError(
                f"--end {self.end:g} is not after --start {self.start or 0.0:g}.",
                "give an --end that is later than --start, both in seconds",
            )
        _check(self.fps is None or self.fps > 0, "fps", self.fps, "more than 0")
        _check(self.stride is None or self.stride >= 1, "stride", self.stride, "1 or more")
        if self.fps is not None and self.stride is not None:
            raise UsageError("--fps and --stride both say how far apart frames are.", "give only one of them")


@dataclass(frozen=True)
class ModelSettings:
    """Which model is inflated, how its group norms count frames, and where it runs.

    ``device`` and ``dtype`` say where and how exactly it is computed; ``group_norm`` ``joint`` is
    the released code's form.
    """

    model: str = "sprites"
    group_norm: Literal["per-frame", "joint"] = "per-frame"
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = "auto"


@dataclass(frozen=True)
class TuneSettings:
    """Tuning of the text-to-set model on one clip (Video-P2P, section 3.1)."""

    steps: int = 500
    learning_rate: float = 3e-5
    weight_decay: float = 1e-2
    gradient_clip: float = 1.0
    train_norm_temp: bool = False
    gradient_checkpointing: bool = False
    seed: int = 33

    def __post_init__(self) -> None:
        _check(self.steps >= 0, "steps", self.steps, "0 or more")
        _check(self.learning_rate > 0, "learning_rate", self.learning_rate, "more than 0")
        _check(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        _check(self.gradient_clip > 0, "gradient_clip", self.gradient_clip, "more than 0")


@dataclass(frozen=True)
class InvertSettings:
    """DDIM inversion, and what makes the guided source branch return to the clip (section 3.2)."""

    method: Literal["null-text", "ddim", "direct"] = "null-text"
    steps: int = 50
    guidance: float = 7.5
    null: Literal["shared", "per-frame"] = "shared"
    inner_steps: int = 10
    null_learning_rate: float = 1e-2
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        _check(1 <= self.steps <= 1000, "steps", self.steps, "between 1 and 1000")
        _check(self.guidance >= 0, "guidance", self.guidance, "0 or more")
        _check(self.inner_steps >= 1, "inner_steps", self.inner_steps, "1 or more")
        _check(self.null_learning_rate > 0, "null_learning_rate", self.null_learning_rate, "more than 0")
        _check(self.tolerance >= 0, "tolerance", self.tolerance, "0 or more")


@dataclass(frozen=True)
class EditSettings:
    """One edit with decoupled guidance and attention control (Algorithm 1).

    ``swap`` holds ``"cat=dog"``; ``reweight`` ``"red:2"``; ``window`` ``"dog=0:0.8"``; words may
    carry ``#2`` for their second occurrence. ``cross_replace`` and ``self_replace`` are shares of
    the steps. ``blend`` empty means the changed words.
    """

    prompt: str | None = None
    swap: tuple[str, ...] = ()
    reweight: tuple[str, ...] = ()
    window: tuple[str, ...] = ()
    cross_replace: float = 0.4
    self_replace: float = 0.4
    self_target: Literal["temporal", "frame", "both"] = "temporal"
    blend: tuple[str, ...] = ()
    no_blend: bool = False
    blend_threshold: float = 0.3
    blend_start: float = 0.2
    mask: str | None = None
    guide: Literal["decoupled", "optimised", "empty"] = "decoupled"
    guidance: float | None = None

    def __post_init__(self) -> None:
        for name in ("cross_replace", "self_replace", "blend_threshold", "blend_start"):
            _unit(name, getattr(self, name))
        _check(self.guidance is None or self.guidance >= 0, "guidance", self.guidance, "0 or more")
        if self.prompt is not None and self.swap:
            raise UsageError("--prompt and --swap both say the new prompt.", "give only one of them")
        if self.no_blend and (self.blend or self.mask):
            raise UsageError("--no-blend contradicts --blend and --mask.", "leave out --no-blend")
        if self.blend and self.mask:
            raise UsageError("--blend and --mask both say where the edit may act.", "give only one of them")


def _convert(cls_name: str, name: str, hint: Any, value: Any) -> Any:
    """``value`` as the type that the field's annotation names, or a UsageError."""
    options = [hint]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = list(typing.get_args(hint))
    for option in options:
        origin = typing.get_origin(option)
        if option is type(None) and value is None:
            return None
        if origin is Literal and value in typing.get_args(option):
            return value
        if origin is tuple and isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if option is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if option in (int, bool, str) and type(value) is option:
            return value
    wanted = []
    for option in options:
        if typing.get_origin(option) is Literal:
            wanted.append("one of " + ", ".join(map(str, typing.get_args(option))))
        elif typing.get_origin(option) is tuple:
            wanted.append("a list of words")
        elif option is not type(None):
            names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
            wanted.append(names[option])
    raise UsageError(
        f"{name} is {value!r}, but must be {' or '.join(wanted)}.",
        f"correct {name} ({cls_name.removesuffix('Settings').lower()} settings)",
    )


def from_mapping(cls: type, values: Mapping[str, Any]) -> Any:
    """Settings of class ``cls`` from plain values, such as a YAML mapping.

    Raises:
        UsageError: for an unknown key (names the nearest known one) or a value of a wrong type.
    """
    hints = typing.get_type_hints(cls)
    known = [field.name for field in fields(cls)]
    checked = {}
    for key, value in values.items():
        name = str(key).replace("-", "_")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else "known: " + ", ".join(known)
            raise UsageError(f"There is no setting {key!r}.", meant)
        checked[name] = _convert(cls.__name__, name, hints[name], value)
    return cls(**checked)


def to_mapping(settings: Any) -> dict[str, Any]:
    """The settings as plain values that YAML and JSON can hold."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(settings).items()}
