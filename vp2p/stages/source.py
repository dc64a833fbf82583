"""The frames that every later stage works on: read from the video once, then kept."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping

from vp2p.addresses import refuse_address
from vp2p.config.placing import placed_controls
from vp2p.errors import ArtifactError, UsageError
from vp2p.schema import to_mapping
from vp2p.settings import ClipSettings
from vp2p.stages.controls import check_controls
from vp2p.stages.planned import Planned
from vp2p.stages.result import State
from vp2p.stages.running import NONE, Patience, perform
from vp2p.video.timing import Timing
from vp2p.workspace import RunFolder, Workspace, load_tensors, save_tensors
from vp2p.workspace.identity import file_digest, identity
from vp2p.workspace.tensors import load_metadata

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from vp2p.models.folder import ModelFolder
    from vp2p.video.clip import Clip


# The pictures of control videos beside the frames, and their digests in the record.
_CONTROL, _DIGESTS = "control.", "control"
_BETWEEN = "between."  # and the place of the gap


def content_digest(path: Path) -> str:
    """SHA-256 of a video file, or of the files in a folder of pictures by name."""
    if not path.is_dir():
        return file_digest(path)
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    return identity("source", {"files": [[file.name, file_digest(file)] for file in files]})


def read_frames(video: Path, clip: ClipSettings, folder: ModelFolder) -> Clip:
    """Reads, samples and fits a clip, and its control videos, to what a model can take.

    Args:
        clip: its control videos as paths from the current folder, or absolute ones.

    Raises:
        VideoError, UsageError: see :func:`vp2p.video.reading.read_clip` and
            :func:`vp2p.video.fitting.target_size`.
    """
    from vp2p.video.between import frames_between
    from vp2p.video.clip import Clip
    from vp2p.video.fitting import fit_frames, target_size
    from vp2p.video.reading import read_clip
    from vp2p.video.structure import read_controls

    def fitted(picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        native = folder.native_size if clip.size is None else 0
        size = target_size((width, height), clip.size, native, folder.size_multiple)
        frame: np.ndarray = fit_frames(picture[None], size, clip.fit)[0]
        return frame

    check_controls(folder, clip)
    found = read_clip(video, clip, fitted=fitted)  # one by one: the frames of a long clip are large
    control, notes = read_controls(video, clip, len(found.frames))
    size = (found.frames.shape[2], found.frames.shape[1])
    control = {kind: fit_frames(pictures, size, clip.fit) for kind, pictures in control.items()}
    between = frames_between(video, clip, size)
    read = Clip(found.frames, found.timing, found.notes + notes, size="keep", fit=clip.fit)
    return dataclasses.replace(read, control=control, between=between)


def plan_source(workspace: Workspace, folder: ModelFolder) -> Planned:
    """The source run of the workspace's video and clip settings.

    A video that is gone, or a control video, is no matter once its frames are kept.

    Raises:
        VideoError: neither the video nor its frames are there.
        UsageError: neither a control video nor its frames are there, or the model needs one that is not given.
        UsageError, ArtifactError: as for the workspace.
    """
    clip = workspace.config.clip
    check_controls(folder, clip)
    size = [folder.native_size, folder.size_multiple] if clip.size is None else folder.size_multiple
    wanted = _plain(to_mapping(clip) | {"model_size": size})
    if not clip.control_video:
        del wanted["control_video"]  # as in older runs
    there = placed_controls(clip, workspace.folder)
    paths = [workspace.video, *(Path(text.partition("=")[2]) for text in there.control_video)]
    if not all(path.exists() for path in paths):
        for run in reversed(workspace.runs("source")):
            if run.finished and _without_digests(run.record().settings) == wanted:
                return Planned(workspace, run, wanted, {})
        from vp2p.video.reading import probe

        probe(workspace.video)  # raises, and says what is missing
    if there.control_video:
        from vp2p.video.structure import control_path

        wanted[_DIGESTS] = {kind: content_digest(path) for kind, path in map(control_path, there.control_video)}
    run = workspace.run("source", source_identity(wanted, workspace.video))
    return Planned(workspace, run, wanted, {})


def source_identity(settings: Mapping[str, Any], video: Path) -> str:
    """The identity of a source run with these recorded settings: paths are none of it, contents are."""
    told = {key: value for key, value in settings.items() if key != "control_video"}
    return identity("source", told | {"content": content_digest(video)})


def _without_digests(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != _DIGESTS}


def make_source(planned: Planned, folder: ModelFolder, frames: Clip | None = None, patience: Patience = NONE) -> State:
    """Keeps the frames of a source run, unless they are kept already; returns whether they were.

    Args:
        frames: where they have just been read.
        patience: how long to wait for another process that keeps them.

    Raises:
        VideoError, UsageError, ArtifactError: as for :func:`read_frames` and the workspace.
    """
    run, workspace = planned.run, planned.workspace

    def work(_: object) -> None:
        import torch

        found = frames or read_frames(workspace.video, placed_controls(workspace.config.clip, workspace.folder), folder)
        if found.timing.span is None:
            raise ValueError("frames that were read cover a span of the video")
        start, end = found.timing.span
        facts: dict[str, Any] = {"rate": str(found.rate), "start": start, "end": end}
        if found.timing.shown is not None:
            facts["shown"] = found.timing.shown
        pictures = {"frames": found.pixels, **{_CONTROL + kind: one for kind, one in found.control.items()}}
        pictures |= {f"{_BETWEEN}{place}": one for place, one in enumerate(found.between)}
        tensors = {name: torch.from_numpy(one) for name, one in pictures.items()}
        save_tensors(run.path("frames.safetensors"), tensors, facts)

    return perform(planned, work, patience=patience)


def source_of(planned: Planned, folder: ModelFolder) -> RunFolder:
    """The source run that another run is made from; made again from the video if it is gone.

    Raises:
        ArtifactError: it is gone, and the video or vp2p.yaml gives other frames now.
        Vp2pError: as for :func:`plan_source` and :func:`make_source`.
    """
    workspace, run = planned.workspace, planned.parent("source")
    if run.finished:
        return run
    again = plan_source(workspace, folder)
    if again.run.name != run.name:
        raise ArtifactError(
            f"The frames source/{run.name} are gone, and {workspace.video} gives others now.", "vp2p tune"
        )
    make_source(again, folder)
    return again.run


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Tuples as lists, as they come back from JSON."""
    found: dict[str, Any] = json.loads(json.dumps(values))
    return found


def load_frames(run: RunFolder, video: Path | None = None) -> Clip:
    """The frames of a finished source run, with the sound of ``video``, if that is a file.

    Raises:
        ArtifactError: they are missing or damaged.
    """
    from vp2p.video.clip import Clip

    run.verify()
    path = run.path("frames.safetensors")
    facts = load_metadata(path, run.rebuild)
    tensors = {name: one.numpy() for name, one in load_tensors(path, run.rebuild).items()}
    pixels = tensors.pop("frames")
    try:
        start, end = float(facts["start"]), float(facts["end"])
        shown = tuple(map(float, facts["shown"])) if "shown" in facts else None
        timing = Timing(Fraction(facts["rate"]), (start, end), shown)
        whole = str(pixels.dtype) == "uint8" and pixels.shape[3:] == (3,) and 0 <= start < end and timing.rate > 0
    except (TypeError, ValueError, ZeroDivisionError):
        whole = False
    if not whole:
        raise ArtifactError(f"{path} is damaged: it does not hold the frames of a clip.", run.rebuild)
    sound = video if video is not None and video.is_file() else None
    control = {name.removeprefix(_CONTROL): one for name, one in tensors.items() if name.startswith(_CONTROL)}
    gaps = range(len(pixels) - 1) if f"{_BETWEEN}0" in tensors else range(0)
    between = tuple(tensors[f"{_BETWEEN}{place}"] for place in gaps)
    return Clip(pixels, timing, sound=sound, size="keep", control=control, between=between)


def mask_path(mask: str) -> Path:
    """The path that ``--mask`` names. Raises UsageError if nothing is there."""
    refuse_address("--mask", mask)
    path = Path(mask).expanduser()
    if not path.exists():
        raise UsageError(
            f"There is no mask {path}.",
            "give --mask a video or a folder of pictures, or find one: vp2p mask --mask-text WORDS",
        )
    return path


def load_mask(
    path: Path, video: Path, clip: ClipSettings, frames: Clip, size: tuple[int, int]
) -> tuple[Tensor, tuple[str, ...]]:
    """A mask video as (F, h, w) float of a size: 1 for each cell that is white for the most part, else 0; and notes.

    Args:
        video: which it is for, and ``clip`` says how ``frames`` were chosen from; see
            :func:`vp2p.video.mask.match`.

    Raises:
        VideoError, UsageError: it cannot be read, holds fewer frames than the clip, or is black.
    """
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    from vp2p.video.fitting import fit_frames
    from vp2p.video.mask import black, match, read_mask

    count, height, width = frames.pixels.shape[:3]
    matched = match(path, video, clip, count)
    try:
        found, notes = read_mask(path, matched.settings, matched.by_times)
    except UsageError as error:
        if error.cause == black(path).cause:
            raise
        raise UsageError(
            f"The mask {path} does not cover the clip's {count} frames. {error.cause}",
            "give --mask a video as long as the clip",
        ) from error
    notes = matched.notes + notes
    if len(found) == 1 < count:
        notes += (f"the mask is one picture: it holds for all {count} frames",)
        found = found.repeat(count, axis=0)
    white = torch.from_numpy(fit_frames(found, (width, height), clip.fit)).float().mean(-1) > 127
    if not white.any():
        raise black(path)
    if white.all():
        notes += ("the mask is white everywhere: the edit may act on the whole picture",)
    return (adaptive_avg_pool2d(white.float()[:, None], size)[:, 0] >= 0.5).float(), notes
