"""SAM 2, which outlines what a few points or a box mark in one frame, and follows it through a clip.

Ravi et al., "SAM 2: Segment Anything in Images and Videos", 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from transformers import Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

from vp2p.models.pretrained import IMAGENET, SEGMENTER
from vp2p.progress import Progress, silent

_BESIDE, _ON, _CORNERS = 0, 1, (2, 3)  # what a point says: SAM 2's own labels


class Marked(NamedTuple):
    """What is marked in one frame: points (x, y) in pixels, and for each what it says."""

    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()

    def with_point(self, x: float, y: float, inside: bool) -> Marked:
        """The same with a point that is on the object, or beside it."""
        return Marked((*self.points, (x, y)), (*self.labels, _ON if inside else _BESIDE))

    @classmethod
    def box(cls, left: float, top: float, right: float, bottom: float) -> Marked:
        """A box around the object."""
        return cls(((left, top), (right, bottom)), _CORNERS)


@dataclass(frozen=True)
class Segmenter:
    """A SAM 2 model in eval mode."""

    model: Sam2VideoModel

    @torch.no_grad()
    def follow(self, frames: np.ndarray, marked: Mapping[int, Marked], on_step: Progress = silent) -> np.ndarray:
        """Where the one marked object is in every frame, bool (F, H, W).

        Args:
            frames: uint8 RGB (F, H, W, 3).
            marked: by frame, counted from 0; at least one.
            on_step: called after each frame.
        """
        count, height, width = frames.shape[:3]
        side, device = _side(self.model), self.model.device
        session = Sam2VideoInferenceSession(
            torch.stack([_prepared(frame, side) for frame in frames]),
            height,
            width,
            device,
            device,
            "cpu",
            torch.float32,
        )
        known = session.obj_id_to_idx(1)
        scale = torch.tensor([side / width, side / height])
        for frame, (points, labels) in sorted(marked.items()):
            inputs = {
                "point_coords": (torch.tensor(points) * scale)[None, None].to(device),
                "point_labels": torch.tensor(labels, dtype=torch.int32)[None, None].to(device),
            }
            session.add_point_inputs(known, frame, inputs)
            session.obj_with_new_inputs = [1]
            self.model(session, frame_idx=frame)
        found = np.zeros((count, height, width), bool)
        done = 0
        for backwards in (False, True):
            for output in self.model.propagate_in_video_iterator(session, min(marked), reverse=backwards):
                logits = interpolate(output.pred_masks.float(), (height, width), mode="bilinear", align_corners=False)
                found[output.frame_idx] = (logits[0, 0] > 0).cpu().numpy()
                done += 1
                on_step("mask", min(done, count), count)
        return found


def load_segmenter(folder: Path) -> Segmenter:
    """The SAM 2 model of a folder. Raises ModelError if it cannot be loaded."""
    return Segmenter(SEGMENTER.load(Sam2VideoModel, folder))


def _side(model: Sam2VideoModel) -> int:
    size = model.config.image_size
    return size if isinstance(size, int) else int(size[0])


def _prepared(frame: np.ndarray, side: int) -> Tensor:
    """A frame as SAM 2 sees it: a square (3, side, side) of the whole picture, normalised."""
    pixels = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
    square = interpolate(pixels, (side, side), mode="bilinear", align_corners=False, antialias=True)[0]
    mean, deviation = (torch.tensor(values)[:, None, None] for values in IMAGENET)
    return (square.round() / 255 - mean) / deviation
