"""Options that an edit refuses, and edits that change nothing: said in a note, as the result looks like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Sequence

from vp2p.errors import UsageError
from vp2p.pipeline.unread import as_option
from vp2p.settings import OPTIMISING, EditSettings, InvertSettings

if TYPE_CHECKING:
    from vp2p.pipeline.edit import Edit
    from vp2p.t2s.inflation import AttentionMode

_DRAWN = ("candidates", "seed", "in_place")


def check_guide(settings: EditSettings, inversion: InvertSettings) -> None:
    """Refuses guidance by embeddings that the inversion has not.

    Raises:
        UsageError: ``guide`` is "optimised", and the method optimises none.
    """
    if settings.control.guide == "optimised" and inversion.method not in OPTIMISING:
        raise UsageError(
            f"--guide optimised needs optimised embeddings, which the {inversion.method} inversion has not.",
            f"vp2p invert --method {OPTIMISING[0]}",
        )


def check_merging(settings: EditSettings, attention: AttentionMode) -> None:
    """Refuses to merge tokens into those of a first frame that the frames do not read, or that only one rank has.

    Raises:
        UsageError: tokens are to be merged, and ``attention`` is "self", or this process is one of several ranks.
    """
    if not settings.control.merge_tokens:
        return
    if attention == "self":
        raise UsageError(
            "--merge-tokens merges into the first frame's tokens, but each frame attends to itself.",
            "leave out --merge-tokens, or: vp2p config model.attention first-frame, then vp2p tune",
        )
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        raise UsageError(
            "--merge-tokens compares frames that several ranks hold apart.",
            "vp2p edit without torchrun, or leave out --merge-tokens",
        )


def nothing_changed(edit: Edit, settings: EditSettings) -> tuple[str, ...]:
    """A note where an edit could not change, or did not change, any frame, with what to try."""
    import numpy as np

    if edit.plan.kind == "same" and settings.words.reference is None:
        return ("the edit changes no word and no weight, so it shows the clip as it is",)
    if edit.mask is not None and not edit.mask.any():
        words = ", ".join(edit.plan.changed_words) or "the changed words"
        return (
            f"nothing could change: the outline of {words} is empty; "
            "try a lower --blend-threshold or --blend-start, another --blend word, or --no-blend",
        )
    if np.array_equal(edit.frames, edit.source) or np.array_equal(edit.frames, edit.clip.pixels):
        return ("nothing changed: every frame is as it was; try another word, or --reweight of the new one",)
    return ()


def undrawn(edit: Edit, read: Mapping[str, Any]) -> tuple[str, ...]:
    """A note on the options of drawing an object, of those that are given and ``read``, where none was drawn."""
    from vp2p.compositing.background import surrounds

    idle = [as_option(name, read[name]) for name in _DRAWN if name in read]
    if not idle:
        return ()
    ground = all(mask is None or surrounds(mask.float()) for mask in edit.latents.masks)
    if not ground and len(edit.frames) > 1:
        return ()
    why = "this edit is of the ground or a style" if ground else "the clip has one frame"
    return (f"{' and '.join(idle)} changed nothing: {why}, and no object is drawn anew",)


def followed(edit: Edit) -> tuple[str, ...]:
    """Notes on the key frames of which all frames were made, where one was not enough."""
    notes: tuple[str, ...] = ()
    if len(edit.key_frames) > 1:
        notes = (f"all frames are made from frames {_counted(edit.key_frames)}, which were edited together",)
    if edit.hard_frames:
        notes += (f"the object was hard to follow in {_frames(edit.hard_frames)}: look there first",)
    return notes


def _frames(frames: Sequence[int]) -> str:
    return f"frame{'s' if len(frames) > 1 else ''} {_counted(frames)}"


def _counted(frames: Sequence[int]) -> str:
    """Frames as people count them: "1, 3 and 8"."""
    *most, last = (str(frame + 1) for frame in frames)
    return f"{', '.join(most)} and {last}" if most else last
