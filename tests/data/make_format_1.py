"""Makes format-1.tar.gz: a workspace whose manifests have format 1, with its clip and a model of a few numbers.

It is kept to show that later versions open it, so it is made by the last version that wrote that format, from
commit b3f83f0 of this repository: ``python -m tests.data.make_format_1 FOLDER`` there writes it into FOLDER.
"""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tests import tiny
from tests.cli.conftest import moving_square, save_clip
from tests.cli.running import done
from vp2p.settings import TuneSettings
from vp2p.stages.session import Session
from vp2p.stages.tune import tune
from vp2p.workspace import Workspace

_MICRO = {
    "tokens": 16,
    "pad": "!",
    "text": {"hidden_size": 8, "num_hidden_layers": 1, "hidden_act": "gelu"},
    "vae": {"block_out_channels": (4, 4, 4), "scaling_factor": 0.25},
    "unet": {
        "block_out_channels": (8, 8),
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "attention_head_dim": 2,
        "layers_per_block": 1,
        "use_linear_projection": True,
    },
}


def main(folder: Path) -> None:
    """Writes a clip, a model, a workspace with two branches and an interrupted run, and an archive of all three."""
    folder.mkdir(parents=True)
    os.chdir(folder)
    save_clip(Path("clip.mp4"), moving_square(2, 32), sound=False)
    save_model(Path("model"))
    options = ("--frames", "2", "--size", "32", "--model", "model")
    done("init", "work", "--video", "clip.mp4", "--prompt", "a cat is running on the grass", *options)
    done("-w", "work", "tune", "--steps", "2")
    done("-w", "work", "tune", "--steps", "3")
    done("-w", "work", "invert", "--method", "direct", "--steps", "2")
    done("-w", "work", "edit", "--swap", "cat=dog")
    done("-w", "work", "edit", "--swap", "cat=dog", "--no-blend", "--name", "everywhere")
    try:
        tune(Session(Workspace.find(explicit=Path("work"))), TuneSettings(steps=4), False, _stop, checkpoint_seconds=0)
    except KeyboardInterrupt:
        pass
    config = Path("work/vp2p.yaml")
    config.write_text(config.read_text().replace(str(folder.absolute() / "model"), "../model"))
    with tarfile.open("format-1.tar.gz", "w:gz") as archive:
        for name in ("clip.mp4", "model", "work"):
            archive.add(name)


def save_model(folder: Path) -> None:
    """A model of few different numbers, which an archive holds in little space."""
    tiny._SHAPES["micro"] = _MICRO
    tiny.save_tiny(folder, "micro")
    for path in folder.rglob("*.safetensors"):
        tensors = {name: torch.round(tensor * 8) / 8 for name, tensor in load_file(path).items()}
        save_file(tensors, path, metadata={"format": "pt"})


def _stop(what: str, done: int, total: int, metric: str = "") -> None:
    """Interrupts after the third step, which leaves the checkpoint of the second."""
    if done == 3:
        raise KeyboardInterrupt


if __name__ == "__main__":
    main(Path(sys.argv[1]))
