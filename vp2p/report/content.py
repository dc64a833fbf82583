"""What a report tells, as plain data: clips, maps over them, words, runs and figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Mapping

from vp2p.video.timing import Timing

if TYPE_CHECKING:
    import numpy as np

    from vp2p.compositing.followed import FollowedMotion


@dataclass(frozen=True)
class Clip:
    """Frames, uint8 RGB of shape (F, H, W, 3), and when they are shown; ``file`` is where they are kept as a clip."""

    frames: np.ndarray
    timing: Timing
    file: Path | None = None


@dataclass(frozen=True)
class Maps:
    """Maps (F, h, w) from 0 to 1 over a clip; ``note`` says how to read them."""

    label: str
    kind: Literal["mask", "attention"]
    values: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class Piece:
    """A stretch of a prompt; ``changed`` where the other prompt has not its like."""

    text: str
    changed: bool


@dataclass(frozen=True)
class Setting:
    """A setting of a run; ``differs`` where a run made from the same one has it otherwise."""

    name: str
    value: str
    differs: bool


@dataclass(frozen=True)
class Curve:
    """A figure over the steps of a run. ``y`` is positive where ``log`` is set, which asks for a logarithmic axis."""

    title: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    log: bool = False


@dataclass(frozen=True)
class RunView:
    """A run: how it was set, what came of it, the command that makes it again, and the runs made from it.

    ``key`` is its stage and name, such as ``tune/0123456789ab``; ``state`` and ``told`` are those of
    :class:`vp2p.upkeep.log.Entry`.
    """

    key: str
    stage: str
    name: str
    tags: tuple[str, ...]
    state: str
    told: str
    created: str
    settings: tuple[Setting, ...]
    figures: Mapping[str, str]
    curves: tuple[Curve, ...]
    command: str
    made: tuple[RunView, ...]


@dataclass(frozen=True)
class Measure:
    """A figure of ``vp2p eval`` by its name; ``source`` is what the source itself gets, where that says something."""

    name: str
    value: float | None
    source: float | None


@dataclass(frozen=True)
class EditView:
    """An edit beside the clip that it was made from.

    ``before`` and ``after`` are the prompts, in pieces; ``chips`` what the settings say of single words.
    ``source`` is the key of its source run; ``motions`` those of what was followed in it.
    """

    name: str
    key: str
    source: str
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    chips: tuple[str, ...]
    clip: Clip
    reconstruction: Clip | None
    mask: Maps | None
    measures: tuple[Measure, ...]
    motions: tuple[FollowedMotion, ...] = ()


@dataclass(frozen=True)
class Attention:
    """The words' maps of one run, over the frames of ``source``, a source run's key."""

    key: str
    source: str
    words: tuple[Maps, ...]
    note: str


@dataclass(frozen=True)
class Content:
    """All that the report of one workspace tells.

    ``sources`` holds the clips that edits are made from, by the source run's key, the newest last;
    ``facts`` what the clip and the model are; ``runs`` those made from no other; ``commands`` make
    everything again, line by line.
    """

    folder: Path
    prompt: str
    facts: Mapping[str, str]
    sources: Mapping[str, Clip]
    edits: tuple[EditView, ...]
    attention: tuple[Attention, ...]
    runs: tuple[RunView, ...]
    commands: tuple[str, ...]

    @property
    def source(self) -> Clip:
        """The newest source clip."""
        return list(self.sources.values())[-1]
