"""What runs keep of inversions and edits, as files, and how it is read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from vp2p.errors import ArtifactError
from vp2p.schema import from_mapping
from vp2p.settings import InvertSettings
from vp2p.stages.edited import FRAMES, Format, video_name
from vp2p.workspace import RunFolder, load_tensors, save_tensors
from vp2p.workspace.tensors import load_metadata, map_tensors

if TYPE_CHECKING:
    import numpy as np

    from vp2p.compositing.followed import FollowedMotion
    from vp2p.pipeline.edit import Edit
    from vp2p.pipeline.inflated import InflatedModel
    from vp2p.pipeline.inversion import Inversion
    from vp2p.video.clip import Clip

_TRAJECTORY, _EXTRA = "trajectory.safetensors", "null.safetensors"
_MOTION, _OF_MOTION = "motion.safetensors", ("nearest", "field", "certainty", "mask")


def keep_inversion(run: RunFolder, inversion: Inversion, model: InflatedModel) -> None:
    """Writes the trajectory, and what else the method needs to return to the clip."""
    import torch

    timesteps = torch.tensor(model.schedule(inversion.settings.steps).timesteps)
    save_tensors(run.path(_TRAJECTORY), {"trajectory": inversion.inverted.trajectory, "timesteps": timesteps})
    if inversion.inverted.extra:
        save_tensors(run.path(_EXTRA), dict(inversion.inverted.extra))


def load_inversion(run: RunFolder, clip: Clip) -> Inversion:
    """A finished inversion of ``clip``. Raises ArtifactError if it is damaged."""
    from vp2p.method.inversion.protocol import Inverted
    from vp2p.pipeline.inversion import Inversion

    run.verify()
    recorded = run.record().settings
    extra = load_tensors(run.path(_EXTRA), run.rebuild) if run.path(_EXTRA).exists() else {}
    trajectory = map_tensors(run.path(_TRAJECTORY), run.rebuild)["trajectory"]
    settings = from_mapping(InvertSettings, recorded["invert"])
    return Inversion(clip, recorded["prompt"], settings, Inverted(trajectory, extra))


def keep_edit(run: RunFolder, edit: Edit, format: Format) -> tuple[str, ...]:
    """Writes what an edit leaves; returns notes for the user."""
    import torch

    from vp2p.video.writing import write_video

    targets = edit.latents.targets
    names = ["target"] if len(targets) == 1 else [f"target_{number}" for number in range(1, len(targets) + 1)]
    save_tensors(run.path("latents.safetensors"), {"source": edit.latents.source, **dict(zip(names, targets))})
    save_tensors(run.path(FRAMES), {"frames": torch.from_numpy(edit.frames)})
    if edit.mask is not None:
        save_tensors(run.path("mask.safetensors"), {"mask": torch.from_numpy(edit.mask)})
    if edit.motions:
        _keep_motions(run.path(_MOTION), edit.motions)
    write_video(run.path("source.mp4"), edit.source, edit.clip.timing, edit.clip.sound)
    notes = write_video(run.path(video_name(format)), edit.frames, edit.clip.timing, edit.clip.sound, format)
    edit.save_sheet(run.path("sheet.png"))
    return notes


def _keep_motions(path: Path, motions: Sequence[FollowedMotion]) -> None:
    import numpy as np
    import torch

    tensors = {name: torch.from_numpy(np.stack([getattr(motion, name) for motion in motions])) for name in _OF_MOTION}
    frames = [{"key_frames": motion.keys, "hard_frames": motion.hard} for motion in motions]
    save_tensors(path, tensors, {"objects": frames})


def load_motions(run: RunFolder) -> tuple[FollowedMotion, ...]:
    """The motions of a finished edit; none of one that followed nothing, or that was made before they were kept.

    Raises:
        ArtifactError: they are damaged.
    """
    path = run.path(_MOTION)
    if not path.exists():
        return ()
    import numpy as np

    from vp2p.compositing.followed import FollowedMotion

    tensors, objects = load_tensors(path, run.rebuild), load_metadata(path, run.rebuild)["objects"]
    values = [tensors[name].numpy() for name in _OF_MOTION]
    try:
        if not all(np.isfinite(value).all() for value in values):
            raise ValueError("not finite")
        return tuple(
            FollowedMotion(tuple(one["key_frames"]), tuple(one["hard_frames"]), *of_one)
            for one, *of_one in zip(objects, *values, strict=True)
        )
    except (TypeError, KeyError, ValueError) as error:
        raise ArtifactError(f"{path} is damaged: its objects or tensors do not fit together.", run.rebuild) from error


def kept_frames(model: InflatedModel, run: RunFolder) -> tuple[np.ndarray, np.ndarray]:
    """The frames of both branches of a finished edit, uint8 (F, H, W, 3), as they were before any video coding.

    Raises:
        ArtifactError: they are missing or damaged.
    """
    latents = load_tensors(run.path("latents.safetensors"), run.rebuild)
    edited = load_tensors(run.path(FRAMES), run.rebuild)["frames"]
    return model.decode(latents["source"]), edited.numpy()
