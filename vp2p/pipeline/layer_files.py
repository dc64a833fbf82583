"""The layers of an edit in files, one for each frame, so that memory does not hold them all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vp2p.compositing.between import EditLayers
from vp2p.workspace import load_tensors, save_tensors
from vp2p.workspace.tensors import load_metadata

_AROUND = 8  # pixels beyond what an edit covers that are kept with it


@dataclass(frozen=True)
class LayerFiles:
    """See :class:`vp2p.pipeline.full.LayerStore`. ``rebuild`` is the hint where a file of ``folder`` is damaged."""

    folder: Path
    keeps: bool
    rebuild: str

    def save(self, place: int, layers: EditLayers) -> None:
        """Keeps what the edit covers, in 8 bits. Raises ArtifactError if the disk refuses."""
        covered = torch.nonzero(layers.covered | (layers.alpha > 0))
        top, left = (covered.amin(0) - _AROUND).clamp(min=0).tolist() if len(covered) else (0, 0)
        bottom, right = (covered.amax(0) + _AROUND).tolist() if len(covered) else (0, 0)
        kept = {
            "picture": layers.picture,
            "background": layers.background,
            "alpha": 255 * layers.alpha[None],
            "objects": 255.0 * layers.objects[None],
            "front": 255.0 * layers.front[None],
        }
        tensors = {
            name: plane[:, top:bottom, left:right].round().clamp(0, 255).to(torch.uint8) for name, plane in kept.items()
        }
        save_tensors(self._path(place), tensors, {"corner": [top, left]})

    def load(self, place: int, clip: Tensor) -> EditLayers:
        """The layers over a frame (3, H, W). Raises ArtifactError if they are missing or damaged."""
        path = self._path(place)
        kept, (top, left) = load_tensors(path, self.rebuild), load_metadata(path, self.rebuild)["corner"]

        def whole(name: str, around: Tensor) -> Tensor:
            found = around.clone()
            height, width = kept[name].shape[1:]
            found[:, top : top + height, left : left + width] = kept[name].float()
            return found

        nothing = torch.zeros_like(clip[:1])
        objects = whole("objects", nothing)[0] > 127
        # A run that was begun when nothing was known of things in front goes on, too.
        front = whole("front", nothing)[0] > 127 if "front" in kept else torch.zeros_like(objects)
        background, picture, alpha = whole("background", clip), whole("picture", clip), whole("alpha", nothing)[0] / 255
        return EditLayers(clip, objects, background, picture, alpha, self.keeps, front)

    def _path(self, place: int) -> Path:
        return self.folder / f"layers-{place:08d}.safetensors"
