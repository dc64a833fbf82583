"""The options of every stage: frozen, typed, validated once."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Mapping

from vp2p.addresses import refuse_address
from vp2p.errors import UsageError
from vp2p.limits import Limits
from vp2p.points import Point
from vp2p.schema import check_limits, from_mapping, option, out_of_limits
from vp2p.text import shorten

Share = Annotated[float, Limits(0, 1, usual=0.5)]
Scale = Annotated[float, Limits(0, usual=7.5)]
Positive = Annotated[float, Limits(0, above=True)]
NotNegative = Annotated[float, Limits(0)]
Count = Annotated[int, Limits(1)]
CountOrAll = Annotated[int | str, Limits(1, words=("all",))]


def _shares(text: str) -> tuple[float, float]:
    """Two shares of the steps, as in ``0.2:1``; not numbers where they cannot be read."""
    start, _, end = text.partition(":")
    try:
        return float(start), float(end)
    except ValueError:
        return math.nan, math.nan


def _check_shares(name: str, text: str, example: str) -> None:
    start, end = _shares(text)
    if not 0 <= start < end <= 1:
        raise out_of_limits(name, text, f"two shares from 0 to 1, such as {example}")


def _size_said(value: object) -> object:
    """A size as text: of 512 "512", of (512, 320) "512x320"."""
    sides = value if isinstance(value, (list, tuple)) and len(value) == 2 else [value]
    return "x".join(map(str, sides)) if all(type(side) is int for side in sides) else value


MADE_KINDS = ("canny", "softedge")
"""The kinds of structure whose pictures are made of the clip's own frames."""
KINDS = (*MADE_KINDS, "depth", "pose", "normal", "segmentation", "lineart", "scribble", "mlsd", "tile", "other")


def kind_and_path(text: str, name: str) -> tuple[str, str]:
    """``KIND=PATH`` as the option ``name`` holds it. Raises UsageError if there is no such kind, or no path."""
    kind, _, path = text.partition("=")
    path = "" if "\0" in path else path
    flag = "--" + name.replace("_", "-")
    if kind in KINDS and path:
        return kind, path
    near = difflib.get_close_matches(kind, KINDS, n=1)
    known = f"give {flag} one of {', '.join(KINDS)}, then = and a path"
    if kind in KINDS or "=" not in text:
        raise UsageError(f"{flag} {shorten(text)} is not KIND=PATH.", f"{flag} {kind}=PATH" if kind in KINDS else known)
    raise UsageError(f"{flag} knows no kind {shorten(kind)}.", f"{flag} {near[0]}={path}" if near and path else known)


@dataclass(frozen=True)
class ClipSettings:
    """Which frames of the clip are edited, and at which size.

    ``start`` and ``end`` are seconds; ``frames`` is a count or ``"all"``; ``size`` is ``"512"``,
    ``"512x320"`` (width x height), ``"keep"``, or None for the model's own. YAML and Python may also give 512 and
    (512, 320).
    """

    frames: CountOrAll = option(8, "How many frames to take, spread evenly over the clip, or all.")
    start: NotNegative | None = option(None, "Where the clip begins, in seconds. By default at the video's start.")
    end: float | None = option(None, "Where the clip ends, in seconds. By default at the video's end.")
    fps: Positive | None = option(None, "Take frames at this rate instead of spreading them.")
    stride: Count | None = option(None, "Take every k-th frame instead of spreading them.")
    size: str | None = option(
        None,
        "Size in pixels: 512, 512x320 (width x height) or keep. By default the model's own area, in the clip's shape.",
        said=_size_said,
    )
    fit: Literal["crop", "pad", "stretch"] = option(
        "crop", "How to fit frames to that size: crop them, pad them with black, or stretch them."
    )
    control_video: tuple[str, ...] = option(
        (),
        "A video or pictures that show the clip's structure to a ControlNet of that kind: depth=depth.mp4. "
        "May be repeated.",
        before=(),
    )

    def __post_init__(self) -> None:
        check_limits(self)
        kinds = []
        for text in self.control_video:
            kind, path = kind_and_path(text, "control_video")
            refuse_address("--control-video", path)
            kinds.append(kind)
        twice = next((kind for kind in kinds if kinds.count(kind) > 1), None)
        if twice is not None:
            raise UsageError(f"--control-video gives pictures of {twice} more than once.", "give one of them")
        if self.end is not None and self.end <= (self.start or 0.0):
            raise UsageError(
                f"--end {self.end:g} is not after --start {self.start or 0.0:g}.",
                "give an --end that is later than --start, both in seconds",
            )
        if self.fps is not None and self.stride is not None:
            raise UsageError("--fps and --stride both say how far apart frames are.", "give only one of them")


MemoryMode = Literal["auto", "low", "high"]


@dataclass(frozen=True)
class ComputeSettings:
    """Where the model runs, in which number format, and in how much memory."""

    device: Literal["auto", "cuda", "mps", "cpu"] = option(
        "auto", "Where to compute. With auto: CUDA, else MPS, else the CPU."
    )
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = option(
        "auto",
        "Number format of the UNet. With auto: half precision on CUDA, else fp32. "
        "A new workspace has bf16 on CPUs with instructions for it.",
    )
    memory: MemoryMode = option(
        "auto",
        "How much memory to use: as little as can be (low, which is slower), or as much as is fastest (high). "
        "With auto: what is free decides, and what cannot fit is refused at once. Results are the same.",
        before="auto",
    )


@dataclass(frozen=True)
class ModelSettings(ComputeSettings):
    """Which model is inflated, how its group norms count frames, what frame attention reads, and how far it sees.

    ``group_norm`` ``joint`` is the released code's form; ``attention`` ``self`` is the image model's.
    """

    model: str = option(
        "sprites",
        "The model: sprites (bundled), a folder in diffusers' format, a checkpoint in one .safetensors file, a hub id, "
        "or an alias (sd15, sd21, sdxl).",
    )
    model_config: str | None = option(
        None,
        "A folder in diffusers' format with the configurations and the tokenizer of a one-file checkpoint. By default "
        "those of Stable Diffusion 1.5, 2.x or XL, which come with vp2p.",
        before=None,
    )
    variant: str | None = option(
        None,
        "Which of a folder's weights to take, where it has several: fp16, bf16, ema. By default the plain ones.",
        before=None,
    )
    vae: str | None = option(
        None,
        "Another VAE than the model's own: a folder, a .safetensors file, or a hub id such as "
        "stabilityai/sd-vae-ft-mse.",
        before=None,
    )
    lora: tuple[str, ...] = option(
        (),
        "A LoRA that is fused into the model, and how strongly: toon.safetensors:0.8. By default 1. May be repeated.",
        before=(),
    )
    control: tuple[str, ...] = option(
        (),
        "A ControlNet that keeps the clip's structure, and how strongly: canny=net/:0.8. Pictures of other kinds than "
        "canny and softedge come from --control-video. May be repeated.",
        before=(),
    )
    ip_adapter: str | None = option(
        None,
        "An IP-Adapter, by which edits may show pictures of what is new (vp2p edit --reference): a folder like the "
        "hub's h94/IP-Adapter, a file in it, a hub id, or a hub id with a file.",
        before=None,
    )
    prediction_type: Literal["auto", "epsilon", "v_prediction"] = option(
        "auto",
        "What the UNet predicts: the noise, or v. With auto, what the model says of itself.",
        expert=True,
        before="auto",
    )
    group_norm: Literal["per-frame", "joint"] = option(
        "per-frame", "Normalise each frame alone, or all frames jointly as the released code does.", expert=True
    )
    attention: Literal["first-frame", "self"] = option(
        "first-frame",
        "What attention within frames reads: the first frame, or each frame itself as in the image model.",
        expert=True,
        before="first-frame",
    )
    window_frames: Annotated[int, Limits(4)] = option(
        24,
        "How many frames the model sees at once. A longer clip is worked on in windows that overlap, so memory does "
        "not grow with it.",
        expert=True,
        before=24,
    )

    def __post_init__(self) -> None:
        check_limits(self)
        for text in self.control:
            kind_and_path(text, "control")


PAPER_STEPS = 500
"""Tuning steps in the paper's experiments."""


@dataclass(frozen=True)
class TuneSettings:
    """Tuning of the text-to-set model on one clip (Video-P2P, section 3.1).

    ``steps`` is a count, or ``"auto"``.
    """

    steps: Annotated[int | str, Limits(0, words=("auto",), usual=200)] = option(
        "auto",
        "Tuning steps, or auto: as many as the loss on noise that is held out still falls by, 500 at most. "
        "With 0 the model stays untuned.",
    )
    learning_rate: Positive = option(3e-5, "Learning rate of AdamW.")
    weight_decay: NotNegative = option(1e-2, "Weight decay of AdamW.", expert=True)
    gradient_clip: Positive = option(1.0, "Scale the gradient down to this norm where it is larger.", expert=True)
    train_norm_temp: bool = option(False, "Also train the layer norm before the temporal attention.", expert=True)
    gradient_checkpointing: bool = option(False, "Need less memory, for about a third more computation.")
    seed: int = option(33, "Seed of the noise and of the timesteps.")
    mixed: Share = option(
        0.0,
        "Share of the steps that train on single frames, without attention over time, as Dreamix does.",
        expert=True,
        before=0.0,
    )

    def __post_init__(self) -> None:
        check_limits(self)

    @property
    def most(self) -> int:
        """How many steps are taken at most: with ``auto`` as many as the paper takes."""
        return PAPER_STEPS if isinstance(self.steps, str) else self.steps


OPTIMISING = ("null-text",)
"""The inversion methods that optimise unconditional embeddings, by which edits can be guided."""


@dataclass(frozen=True)
class InvertSettings:
    """DDIM inversion, and what makes the guided source branch return to the clip (section 3.2)."""

    method: Literal["null-text", "ddim", "direct", "noise"] = option(
        "direct",
        "How the source branch returns to the clip. The noise method does not invert: it adds noise to a reduced clip.",
    )
    # More would no longer reach the noisiest of the usual 1000 timesteps.
    steps: Annotated[int, Limits(1, 500)] = option(30, "DDIM steps, of edits too.")
    guidance: Scale = option(
        7.5, "Scale of classifier-free guidance, for edits too. The model may suggest another default."
    )
    null: Literal["shared", "per-frame"] = option(
        "shared", "One null embedding for all frames, or one for each frame.", expert=True
    )
    inner_steps: Count = option(10, "Most updates of the null embedding at each step.", expert=True)
    null_learning_rate: Positive = option(
        1e-2, "Learning rate of the null embedding. It falls with the steps.", expert=True
    )
    tolerance: NotNegative = option(
        1e-5, "Mean squared error below which no update is made. It rises by 2e-5 a step.", expert=True
    )
    downsample: Count = option(4, "How many times smaller the noise method makes each side of the clip.", expert=True)
    seed: int = option(33, "Seed of the noise method's noise.", expert=True)

    def __post_init__(self) -> None:
        check_limits(self)


SIGNS: Mapping[str, str] = {"swap": "=", "reweight": ":", "window": "="}
"""What joins a word to its value in the options that are said of a word."""


@dataclass(frozen=True)
class WordSettings:
    """What an edit says: the new prompt, and how much single words weigh.

    ``swap`` holds ``"cat=dog"`` or ``"cat=baby elephant"``, ``reweight`` ``"red:2"`` or ``"red:0->3"``, ``window``
    ``"dog=0:0.8"``, ``reference`` ``"dog.png:0.6"``. A word may carry ``#2`` to mean its second occurrence.
    """

    swap: tuple[str, ...] = option(
        (),
        'Replace a word, or words, by others: cat=dog, or "cat=baby elephant". With cat=dog|rabbit, each is an edit of '
        "its own. May be repeated.",
    )
    prompt: str | None = option(None, "The whole new prompt. Its words decide the kind of edit.")
    reweight: tuple[str, ...] = option(
        (),
        'Multiply a word\'s attention: red:2 strengthens it, red:0.5 weakens it, and "red:0->3" changes it evenly '
        "from the first step to the last. May be repeated.",
    )
    reweight_text: bool = option(
        True,
        "Let the weights of --reweight count in guidance, too, and in what a weakened word says through the others.",
        expert=True,
        before=True,  # earlier edits did not, and are still the same edits
    )
    window: tuple[str, ...] = option(
        (),
        "Share of the steps in which one word's cross-attention is replaced, in place of --cross-replace: "
        "dog=0.1:0.8. May be repeated.",
        expert=True,
    )
    reference: str | None = option(
        None,
        "A picture of what the new words are to look like, and how strongly: dog.png:0.6. By default 1. "
        "The model needs an --ip-adapter.",
        before=None,
    )
    new_weight: NotNegative = option(
        1.0,
        "Multiply the attention of the new words, where --reweight names none of them.",
        expert=True,
        before=1.0,
    )

    def __post_init__(self) -> None:
        check_limits(self)
        if self.prompt is not None and self.swap:
            raise UsageError("--prompt and --swap both say the new prompt.", "give only one of them")


_WINDOW = 0.4  # of the steps, the same for cross- and self-attention, halfway between the old shape and any
_MOST_HELD = 2 * _WINDOW
_SEEDS = 2**32  # of an edit, from 0 on


@dataclass(frozen=True)
class ControlSettings:
    """How strongly attention control and guidance act (Video-P2P, section 3.3); shares are of the steps."""

    shape_freedom: Share | None = option(
        None,
        "How freely the new object may differ in shape: 0 keeps the old one's, 1 lets go of it. "
        "By default --cross-replace and --self-replace say it.",
        before=None,
    )
    cross_replace: Share = option(_WINDOW, "Share of the steps, from the first, that use the source's cross-attention.")
    self_replace: Share = option(_WINDOW, "Share of the steps, from the first, that use the source's self-attention.")
    guidance: Scale | None = option(
        None, "Scale of the edit's classifier-free guidance. By default it is the inversion's."
    )
    guidance_interval: str = option(
        "0:1",
        "Which of the steps are guided, as shares: 0 is the noise, 1 the clip. The others take a smaller pass.",
        expert=True,
        before="0:1",
    )
    negative_prompt: str | None = option(
        None,
        'What the edit should not show, such as the old word: "a cat". Guidance leads away from it.',
        before=None,
    )
    strength: Annotated[float, Limits(0, 1, above=True)] = option(
        1.0, "Share of the denoising steps to run. Below 1 it starts from a less noisy clip and keeps more.", before=1.0
    )
    self_target: Literal["temporal", "frame", "both"] = option(
        "frame", "Which self-attention --self-replace acts on: over time, within frames, or both.", expert=True
    )
    self_blend: bool = option(
        False,
        "Replace the self-attention only outside the mask. Inside, the edit attends to itself, as in FateZero.",
        expert=True,
        before=False,
    )
    modulate: Share = option(
        0.0,
        "Draw the new words' attention into a mask that is known, in the first steps, by up to 1, as VideoGrain does.",
        expert=True,
        before=0.0,
    )
    token_flow: bool = option(
        False,
        "Lay what every fourth frame attends to over the frames between, along the clip's own features, as TokenFlow "
        "does.",
        expert=True,
        before=False,
    )
    merge_tokens: Annotated[float, Limits(0, 1, below=True, usual=0.5)] = option(
        0.0,
        "Merge this share of the later frames' tokens into the likest ones of the first frame, as VidToMe does. Long "
        "clips carry what the first frame does not show from window to window.",
        expert=True,
        before=0.0,
    )
    guide: Literal["decoupled", "optimised", "empty"] = option(
        "decoupled",
        "Which unconditional embedding guides. Decoupled: the optimised one for the source, the empty prompt's for "
        "the edit. Optimised, empty: that one for both.",
        expert=True,
    )

    @property
    def cross_window(self) -> float:
        """Share of the steps that use the source's cross-attention."""
        return self.cross_replace if self.shape_freedom is None else _MOST_HELD * (1 - self.shape_freedom)

    @property
    def self_window(self) -> float:
        """Share of the steps that use the source's self-attention."""
        return self.self_replace if self.shape_freedom is None else _MOST_HELD * (1 - self.shape_freedom)

    @property
    def freedom(self) -> float:
        """How freely the shape may differ, 0…1; a half where nothing is said of it."""
        return 0.5 if self.shape_freedom is None else self.shape_freedom

    def guided(self, step: int, steps: int) -> bool:
        """Whether a step of 0…T-1 is guided (Kynkäänniemi et al., 2404.07724, section 3, by steps)."""
        start, end = _shares(self.guidance_interval)
        return int(start * steps) <= step < int(end * steps)

    def taken(self, steps: int) -> int:
        """How many of so many denoising steps an edit takes: those that end at the clip."""
        return max(1, round(self.strength * steps))

    def __post_init__(self) -> None:
        check_limits(self)
        _check_shares("guidance_interval", self.guidance_interval, "0:0.8")
        held = (self.cross_replace, self.self_replace)
        if self.shape_freedom is not None and held != (_WINDOW, _WINDOW):
            raise UsageError(
                "--shape-freedom and --cross-replace or --self-replace both say how much of the old shape is held.",
                "give only --shape-freedom, or only the others",
            )
        if self.negative_prompt and self.guide == "optimised":
            raise UsageError(
                "--negative-prompt and --guide optimised both say what the edit is led away from.",
                "give only one of them",
            )


NO_MODEL = "none"
"""What ``segmenter`` says where no model is to be used, though there is one."""


@dataclass(frozen=True)
class MaskSettings:
    """What finds a mask that nobody has drawn: words, or points on an object and, with a minus, beside it.

    ``points`` are as in :class:`vp2p.points.Point`. Without a ``segmenter`` and, for words, a ``detector``, the models
    in the hub's cache are taken. Where there are none, the clip's colours and the edit model's attention are.
    """

    text: str | None = option(
        None,
        'Words for what to edit, such as "the left rabbit": a mask of it is found and followed through the clip.',
        flat="mask_text",
        before=None,
    )
    points: tuple[str, ...] = option(
        (),
        "A point on what to edit, from the top left: 120,80 in the video's pixels, or 40%,60% of the picture. 120,80@3 "
        "is in the third frame, and -120,80 does not belong to it. May be repeated.",
        flat="mask_point",
        before=(),
    )
    threshold: Share = option(
        0.3,
        "With --mask-text: how sure the detector must be, or the share of its peak above which attention counts.",
        flat="mask_threshold",
        expert=True,
        before=0.3,
    )
    grow: Annotated[float, Limits(0, 50)] = option(
        0.0,
        "Widen the found mask by this many percent of the longer side, so that a new object of another shape has room.",
        flat="mask_grow",
        before=0.0,
    )
    segmenter: str | None = option(
        None,
        "The SAM 2 model for --mask-text and --mask-point: a folder, a hub id, or none. By default "
        "facebook/sam2.1-hiera-small where the hub's cache has it, else the clip's colours. Words need both models.",
        before=None,
    )
    detector: str | None = option(
        None,
        "The Grounding DINO model for --mask-text: a folder or a hub id. By default IDEA-Research/grounding-dino-tiny "
        "where the hub's cache has it, else the edit model's own attention. Words need both models.",
        before=None,
    )

    def __post_init__(self) -> None:
        check_limits(self)
        if self.text is not None and not self.text.strip():
            raise UsageError("--mask-text holds no words.", 'give words for what to edit: --mask-text "the cat"')
        if self.text is not None and self.points:
            raise UsageError("--mask-text and --mask-point both say what the mask covers.", "give only one of them")
        if self.points and not any(point.inside for point in self.placed):
            raise UsageError(
                "Every --mask-point says what does not belong to the mask.", "give one without a minus: 120,80"
            )

    @property
    def placed(self) -> tuple[Point, ...]:
        """The points. Raises UsageError for one that is none."""
        return tuple(map(Point.read, self.points))

    @property
    def asked(self) -> bool:
        """Whether a mask is to be found."""
        return self.text is not None or bool(self.points)


@dataclass(frozen=True)
class BlendSettings:
    """Where the edit may act: in a mask from the attention of words, in a given one, or everywhere.

    ``words`` empty means the changed words.
    """

    words: tuple[str, ...] = option(
        (),
        "A word whose attention masks where the edit may act. By default these are the changed words. May be repeated.",
        flat="blend",
    )
    mask: str | None = option(
        None,
        "A video or pictures, white where the edit may act, in place of the attention mask. Label maps work too, and "
        "the name of a mask of vp2p mask.",
    )
    found: MaskSettings = MaskSettings()
    off: bool = option(False, "Let the edit act on the whole picture.", flat="no_blend")
    threshold: Share = option(
        0.3, "Attention above this share of its peak belongs to the mask.", flat="blend_threshold"
    )
    start: Share = option(0.2, "Share of the steps to run before the mask is applied.", flat="blend_start", expert=True)
    levels: Literal["one", "all"] = option(
        "one",
        "Which attention maps make the mask: those of one size, as published, or those of all sizes.",
        flat="blend_levels",
        expert=True,
        before="one",
    )
    peak: Literal["frame", "clip"] = option(
        "frame",
        "Whose peak --blend-threshold is a share of: that of each frame, or that of the whole clip.",
        flat="blend_peak",
        expert=True,
        before="frame",
    )
    soft: bool = option(
        False, "Fade the edit out at the edge of the mask.", flat="blend_soft", expert=True, before=False
    )

    def __post_init__(self) -> None:
        check_limits(self)
        if self.off and (self.words or self.given):
            raise UsageError("--no-blend contradicts --blend and --mask.", "leave out --no-blend")
        if self.words and self.given:
            raise UsageError(f"--blend and {self.given} both say where the edit may act.", "give only one of them")
        if self.mask and self.found.asked:
            raise UsageError(f"--mask and {self.given} both say where the edit may act.", "give only one of them")

    @property
    def given(self) -> str | None:
        """The option by which a mask is given, in place of the one that attention makes; None where there is none."""
        if self.found.asked:
            return "--mask-point" if self.found.points else "--mask-text"
        return "--mask" if self.mask else None


@dataclass(frozen=True)
class CompositeSettings:
    """How the edited object is composited onto the clip's own frames."""

    propagate: bool = option(
        True,
        "Take the new object from as few frames as needed, and bend and move it with the old one. "
        "Otherwise each frame shows its own.",
        before=False,
    )
    candidates: Annotated[int, Limits(0)] = option(
        5,
        "How many versions of those frames to try. The likeliest is kept. With 0 they come from the edited clip.",
        before=0,
    )
    seed: Annotated[int, Limits(0, _SEEDS - 1)] | None = option(
        None,
        "Start those versions from noise drawn by this seed, for another look. By default the first ones start from "
        "the clip's own noise.",
        before=None,
    )
    in_place: bool = option(True, "Fit the new object to the place and size of the old one.", expert=True, before=False)
    per_phrase: bool = option(
        True,
        "Edit each changed phrase by itself where their masks do not touch, such as an object and the ground.",
        expert=True,
        before=False,
    )
    render: Share = option(
        0.0,
        "Share of the steps in which the composite is rendered once more, so that rim, light and shadow fit.",
        expert=True,
        before=0.0,
    )
    paste: bool = option(
        True, "Keep the clip's own pixels outside the old object and the new one.", expert=True, before=False
    )

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class EditSettings:
    """One edit with decoupled guidance and attention control (Algorithm 1).

    Its groups are flat on the command line, in YAML and in records: ``blend.threshold`` is
    ``blend_threshold`` there, and ``blend.words`` is ``blend``.
    """

    words: WordSettings = WordSettings()
    control: ControlSettings = ControlSettings()
    blend: BlendSettings = BlendSettings()
    composite: CompositeSettings = CompositeSettings()

    @classmethod
    def of(cls, **flat: Any) -> EditSettings:
        """The edit with these options, by their flat names: ``EditSettings.of(swap=["cat=dog"], candidates=3)``.

        Raises:
            UsageError: an unknown option, or a wrong value.
        """
        return from_mapping(cls, flat)


@dataclass(frozen=True)
class AttentionSettings:
    """Which words' attention is looked at, and where.

    ``steps`` are shares of an edit's steps, ``"0.2:1"``, from noise (0) to the clip (1); ``level`` is
    the maps' size, ``"16"`` or ``"24x16"`` (width x height), ``"all"``, or None for the one that
    outlines edits.
    """

    words: tuple[str, ...] = option((), "Words of the prompt. By default all that name something.")
    prompt: str | None = option(None, "Another prompt than the workspace's, such as an edit's.")
    steps: str = option("0.2:1", "Which of an edit's steps, as shares: 0 is the noise, 1 the clip.")
    level: str | None = option(
        None, "Size of the maps: 16, 24x16 (width x height) or all. By default that of the mask of edits."
    )

    def __post_init__(self) -> None:
        _check_shares("steps", self.steps, "0.2:1")

    @property
    def window(self) -> tuple[float, float]:
        """The shares; not numbers where they cannot be read."""
        return _shares(self.steps)


# The parts of a settings file, and the options of the commands.
SECTIONS: Mapping[str, type] = {
    "clip": ClipSettings,
    "model": ModelSettings,
    "tune": TuneSettings,
    "invert": InvertSettings,
    "edit": EditSettings,
}
