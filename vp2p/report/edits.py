"""The finished edits of a workspace as a report tells them."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any, Mapping

from vp2p.report.content import Clip, EditView, Maps
from vp2p.report.measured import measures
from vp2p.report.prompts import marked
from vp2p.stages.edited import edited_file, every_frame
from vp2p.stages.kept import load_motions
from vp2p.stages.planned import finished_plan
from vp2p.video.timing import Timing
from vp2p.workspace import RunFolder, Workspace, load_tensors

_MASK_NOTE = "Tinted: where the edit may act. The rest stays the source's."


def edit_view(workspace: Workspace, run: RunFolder, timing: Timing) -> EditView:
    """A finished edit, its clips, its mask and its motion; ``timing`` is its source's.

    Raises:
        ArtifactError: a file of it is missing or damaged.
        VideoError: a clip of it cannot be read.
    """
    run.verify()
    plan = finished_plan(workspace, run)
    recorded = plan.recorded
    before, after = marked(recorded["prompt"], recorded["target"])
    return EditView(
        name=run.name,
        key=run.key,
        source=plan.parent("source").key,
        before=before,
        after=after,
        chips=_chips(recorded["edit"]),
        clip=read_frames(edited_file(run), timing),
        reconstruction=read_frames(run.path("source.mp4"), timing),
        mask=_mask(run),
        measures=measures(workspace, run),
        motions=load_motions(run),
    )


def read_frames(file: Path, timing: Timing) -> Clip:
    """Every frame of a clip on the disk. Raises VideoError if it cannot be read."""
    return Clip(every_frame(file), timing, file)


def _mask(run: RunFolder) -> Maps | None:
    path = run.path("mask.safetensors")
    if not path.exists():
        return None
    return Maps("where the edit acts", "mask", load_tensors(path, run.rebuild)["mask"].float().numpy(), _MASK_NOTE)


def _chips(edit: Mapping[str, Any]) -> tuple[str, ...]:
    """What an edit does besides changing words."""
    weights = (text.replace("->", "→").rpartition(":") for text in edit["reweight"])
    chips = [f"{word} ×{weight}" for word, _, weight in weights]
    chips += [f"{word} controlled {share.replace(':', '–')}" for word, share in _pairs(edit["window"])]
    chips += [f"outlined by {word}" for word in edit["blend"]]
    picture = edit.get("reference")  # which older records lack
    chips += [f"looks like {PurePath(picture).name}"] if picture else []
    chips += ["acts everywhere"] if edit["no_blend"] else []
    found = edit.get("mask_text") or ", ".join(edit.get("mask_point", ()))
    chips += [f"outlined by “{found}”"] if found else ["outlined by a mask"] if edit["mask"] else []
    return tuple(chips)


def _pairs(texts: list[str]) -> list[tuple[str, str]]:
    return [text.partition("=")[::2] for text in texts]
