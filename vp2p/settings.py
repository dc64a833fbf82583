"""The options of every stage: frozen, typed, validated once."""

from __future__ import annotations

import difflib
import math
import types
import typing
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Mapping

from vp2p.errors import UsageError
from vp2p.plain import is_number
from vp2p.text import shorten

_ALWAYS_THERE = object()


def _option(default: Any, help: str, before: Any = _ALWAYS_THERE) -> Any:
    """A field with the sentence that ``--help`` says of it.

    Args:
        before: of an option added later, the value that does what was done before; see :func:`identifying`.
    """
    return field(default=default, metadata={"help": help} | ({} if before is _ALWAYS_THERE else {"before": before}))


def _check(ok: bool, name: str, value: object, wanted: str) -> None:
    if not ok:
        raise UsageError(
            f"{name} is {shorten(value)}, but must be {wanted}.", f"give --{name.replace('_', '-')} {wanted}"
        )


def _unit(name: str, value: float) -> None:
    _check(0.0 <= value <= 1.0, name, value, "between 0 and 1")


@dataclass(frozen=True)
class ClipSettings:
    """Which frames of the clip are edited, and at which size.

    ``start`` and ``end`` are seconds; ``frames`` is a count or ``"all"``; ``size`` is ``"512"``,
    ``"512x320"`` (width x height), ``"keep"``, or None for the model's own.
    """

    frames: int | str = _option(8, "How many frames, spread evenly over the clip; or all.")
    start: float | None = _option(None, "Where the clip begins, in seconds.")
    end: float | None = _option(None, "Where the clip ends, in seconds.")
    fps: float | None = _option(None, "Take frames at this rate instead of spreading them.")
    stride: int | None = _option(None, "Take every k-th frame instead of spreading them.")
    size: str | None = _option(
        None, "Pixels: 512, 512x320 (width x height) or keep; by default the model's own area, in the clip's shape."
    )
    fit: Literal["crop", "pad", "stretch"] = _option(
        "crop", "How frames are brought to that size: cut, bordered in black, or distorted."
    )

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
class ComputeSettings:
    """Where the model runs, and in which number format."""

    device: Literal["auto", "cuda", "mps", "cpu"] = _option(
        "auto", "Where to compute; auto takes CUDA, then MPS, then the CPU."
    )
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = _option(
        "auto", "Number format of the UNet; auto is half precision on CUDA, else fp32."
    )


@dataclass(frozen=True)
class ModelSettings(ComputeSettings):
    """Which model is inflated, how its group norms count frames, and what frame attention reads.

    ``group_norm`` ``joint`` is the released code's form; ``attention`` ``self`` is the image model's.
    """

    model: str = _option(
        "sprites", "sprites (bundled), a folder in diffusers' format, a hub id, or an alias (sd15, sd21)."
    )
    group_norm: Literal["per-frame", "joint"] = _option(
        "per-frame", "Normalise each frame alone, or all frames jointly as the released code does."
    )
    attention: Literal["first-frame", "self"] = _option(
        "first-frame",
        "What the attention within frames reads: the first frame, or each frame itself as in the image model.",
        before="first-frame",
    )


@dataclass(frozen=True)
class TuneSettings:
    """Tuning of the text-to-set model on one clip (Video-P2P, section 3.1)."""

    steps: int = _option(500, "Tuning steps; 0 leaves the model untuned.")
    learning_rate: float = _option(3e-5, "Learning rate of AdamW.")
    weight_decay: float = _option(1e-2, "Weight decay of AdamW.")
    gradient_clip: float = _option(1.0, "The gradient is scaled down to this norm where it is larger.")
    train_norm_temp: bool = _option(False, "Train the layer norm before the temporal attention, too.")
    gradient_checkpointing: bool = _option(False, "Need less memory, for about a third more arithmetic.")
    seed: int = _option(33, "Seed of the noise and of the timesteps.")
    mixed: float = _option(
        0.0, "Share of the steps that see single frames, without attention over time, as Dreamix does.", before=0.0
    )

    def __post_init__(self) -> None:
        _unit("mixed", self.mixed)
        _check(self.steps >= 0, "steps", self.steps, "0 or more")
        _check(self.learning_rate > 0, "learning_rate", self.learning_rate, "more than 0")
        _check(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        _check(self.gradient_clip > 0, "gradient_clip", self.gradient_clip, "more than 0")


@dataclass(frozen=True)
class InvertSettings:
    """DDIM inversion, and what makes the guided source branch return to the clip (section 3.2)."""

    method: Literal["null-text", "ddim", "direct", "noise"] = _option(
        "direct",
        "How the source branch is brought back to the clip; noise does not invert, but adds noise to the reduced clip.",
    )
    steps: int = _option(50, "DDIM steps.")
    guidance: float = _option(7.5, "Scale of classifier-free guidance; edits use it too.")
    null: Literal["shared", "per-frame"] = _option(
        "shared", "One null embedding for all frames, or one for each frame."
    )
    inner_steps: int = _option(10, "At most so many updates of the null embedding at each step.")
    null_learning_rate: float = _option(1e-2, "Learning rate of the null embedding; it falls with the steps.")
    tolerance: float = _option(1e-5, "Mean squared error below which no update is made; it rises by 2e-5 a step.")
    downsample: int = _option(4, "How many times smaller a side of the clip becomes before the noise method's noise.")
    seed: int = _option(33, "Seed of the noise method's noise.")

    def __post_init__(self) -> None:
        # More would no longer reach the noisiest of the usual 1000 timesteps.
        _check(1 <= self.steps <= 500, "steps", self.steps, "between 1 and 500")
        _check(self.guidance >= 0, "guidance", self.guidance, "0 or more")
        _check(self.inner_steps >= 1, "inner_steps", self.inner_steps, "1 or more")
        _check(self.null_learning_rate > 0, "null_learning_rate", self.null_learning_rate, "more than 0")
        _check(self.tolerance >= 0, "tolerance", self.tolerance, "0 or more")
        _check(self.downsample >= 1, "downsample", self.downsample, "1 or more")


@dataclass(frozen=True)
class EditSettings:
    """One edit with decoupled guidance and attention control (Algorithm 1).

    ``swap`` holds ``"cat=dog"``; ``reweight`` ``"red:2"``; ``window`` ``"dog=0:0.8"``; words may
    carry ``#2`` for their second occurrence. ``cross_replace`` and ``self_replace`` are shares of
    the steps. ``blend`` empty means the changed words.
    """

    prompt: str | None = _option(None, "The whole new prompt; the kind of edit follows from its words.")
    swap: tuple[str, ...] = _option((), "Replace a word by another: cat=dog. May be repeated.")
    reweight: tuple[str, ...] = _option(
        (), "Multiply a word's attention: red:2 strengthens, red:0.5 weakens. May be repeated."
    )
    window: tuple[str, ...] = _option(
        (), "When a word is controlled, in place of --cross-replace: dog=0.1:0.8, shares of the steps. May be repeated."
    )
    cross_replace: float = _option(0.4, "Share of the steps in which cross-attention is the source's; the first ones.")
    self_replace: float = _option(0.4, "Share of the steps in which self-attention is the source's; the first ones.")
    self_target: Literal["temporal", "frame", "both"] = _option(
        "frame", "Which self-attention --self-replace means: over time, within frames, or both."
    )
    blend: tuple[str, ...] = _option(
        (), "A word that outlines where the edit may act; by default it follows from the change. May be repeated."
    )
    no_blend: bool = _option(False, "Let the edit act on the whole picture.")
    blend_threshold: float = _option(0.3, "Cut of the outline, as a share of the attention's peak.")
    blend_start: float = _option(0.2, "Share of the steps before the outline (or mask) is used.")
    mask: str | None = _option(
        None,
        "A video or pictures, white where the edit may act, instead of the words' outline. Labels count, too.",
    )
    guide: Literal["decoupled", "optimised", "empty"] = _option(
        "decoupled",
        "Which unconditional embeddings guide: decoupled takes the optimised ones for the source and the empty "
        "prompt's for the edit; optimised and empty take one kind for both.",
    )
    guidance: float | None = _option(None, "Scale of the edit's classifier-free guidance; by default the inversion's.")
    strength: float = _option(
        1.0, "Share of the steps that are taken: below 1 it starts from a less noisy clip, and keeps more.", before=1.0
    )
    blend_levels: Literal["one", "all"] = _option(
        "one", "Which attention maps outline the edit: those of one size, as published, or of all sizes.", before="one"
    )
    blend_peak: Literal["frame", "clip"] = _option(
        "frame", "Whose peak the outline's cut is a share of: each frame's, or the whole clip's.", before="frame"
    )
    blend_soft: bool = _option(False, "Let the edit fade out around the outline's cut.", before=False)
    new_weight: float = _option(
        1.0, "Multiply the attention of the words that are new, where --reweight names none of them.", before=1.0
    )
    carry: bool = _option(
        True,
        "Give all frames the look of one, laid along the clip's motion; else each frame keeps its own.",
        before=False,
    )
    tries: int = _option(
        5,
        "How many versions of the frame whose look is carried are tried; the likeliest is kept. 0 takes it from the "
        "clip's own edit.",
        before=0,
    )
    in_place: bool = _option(True, "Give a new object the place and the size of the old one.", before=False)
    apart: bool = _option(
        True,
        "Edit things that lie apart, such as an object and the ground, each by itself, one over the other.",
        before=False,
    )
    paste: bool = _option(True, "Leave the clip's own pixels outside the old object and the new one.", before=False)

    def __post_init__(self) -> None:
        for name in ("cross_replace", "self_replace", "blend_threshold", "blend_start"):
            _unit(name, getattr(self, name))
        _check(self.guidance is None or self.guidance >= 0, "guidance", self.guidance, "0 or more")
        _check(self.new_weight >= 0, "new_weight", self.new_weight, "0 or more")
        _check(self.tries >= 0, "tries", self.tries, "0 or more")
        _check(0 < self.strength <= 1, "strength", self.strength, "more than 0, at most 1")
        if self.prompt is not None and self.swap:
            raise UsageError("--prompt and --swap both say the new prompt.", "give only one of them")
        if self.no_blend and (self.blend or self.mask):
            raise UsageError("--no-blend contradicts --blend and --mask.", "leave out --no-blend")
        if self.blend and self.mask:
            raise UsageError("--blend and --mask both say where the edit may act.", "give only one of them")


@dataclass(frozen=True)
class AttentionSettings:
    """Which words' attention is looked at, and where.

    ``steps`` are shares of an edit's steps, ``"0.2:1"``, from noise (0) to the clip (1); ``level`` is
    the maps' size, ``"16"`` or ``"24x16"`` (width x height), ``"all"``, or None for the one that
    outlines edits.
    """

    words: tuple[str, ...] = _option((), "Words of the prompt; by default all that name something.")
    prompt: str | None = _option(None, "Another prompt than the workspace's, such as an edit's.")
    steps: str = _option("0.2:1", "Which of an edit's steps, as shares: 0 is at the noise, 1 at the clip.")
    level: str | None = _option(
        None, "Size of the maps: 16, 24x16 (width x height) or all; by default those that outline edits."
    )

    def __post_init__(self) -> None:
        start, end = self.window
        _check(0 <= start < end <= 1, "steps", self.steps, "two shares from 0 to 1, such as 0.2:1")

    @property
    def window(self) -> tuple[float, float]:
        """The shares; not numbers where they cannot be read."""
        start, _, end = self.steps.partition(":")
        try:
            return float(start), float(end)
        except ValueError:
            return math.nan, math.nan


# The parts of a settings file, and the options of the commands.
SECTIONS: Mapping[str, type] = {
    "clip": ClipSettings,
    "model": ModelSettings,
    "tune": TuneSettings,
    "invert": InvertSettings,
    "edit": EditSettings,
}


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
        if origin is tuple and isinstance(value, str):
            return (value,)
        if origin is tuple and isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if option is float and is_number(value):
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
        f"{name} is {shorten(value)}, but must be {' or '.join(wanted)}.",
        f"correct {name} ({cls_name.removesuffix('Settings').lower()} settings)",
    )


def setting_name(key: Any) -> str:
    """The name of the setting that a key of a YAML mapping means; the bare key null comes as None."""
    return "null" if key is None else str(key).replace("-", "_")


def from_mapping(cls: type, values: Mapping[str, Any]) -> Any:
    """Settings of class ``cls`` from plain values, such as a YAML mapping.

    Raises:
        UsageError: for an unknown key (names the nearest known one) or a value of a wrong type.
    """
    hints = typing.get_type_hints(cls)
    known = [entry.name for entry in fields(cls)]
    checked = {}
    for key, value in values.items():
        name = setting_name(key)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else "known: " + ", ".join(known)
            raise UsageError(f"There is no setting {shorten(key)}.", meant)
        checked[name] = _convert(cls.__name__, name, hints[name], value)
    return cls(**checked)


def to_mapping(settings: Any) -> dict[str, Any]:
    """The settings as plain values that YAML and JSON can hold."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(settings).items()}


def identifying(settings: Any) -> dict[str, Any]:
    """:func:`to_mapping` as it enters an identity: without options added later that do what was done before.

    So a run that was made before an option existed has the identity that it would have now.
    """
    values = to_mapping(settings)
    for name, value in before(type(settings)).items():
        if values[name] == value:
            del values[name]
    return values


def before(cls: type) -> dict[str, Any]:
    """The options that records of older runs may lack, with the value that those runs had."""
    return {entry.name: entry.metadata["before"] for entry in fields(cls) if "before" in entry.metadata}
