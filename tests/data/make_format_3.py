"""Makes format-3.tar.gz: a workspace with a run of every kind, made before the method became a library.

It is kept to show that later versions open it, find each run up to date and can redo it to the same bytes. It was made
from commit 3176fb2: ``python -m tests.data.make_format_3 FOLDER`` there writes it into FOLDER.
"""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path

import numpy as np

from tests.cli.conftest import moving_square, save_clip
from tests.cli.running import done
from tests.data.make_format_1 import save_model

COMMANDS: list[tuple[str, ...]] = [
    ("tune", "--steps", "2"),
    ("tune", "--steps", "3", "--mixed", "0.5"),
    ("attention", "cat", "grass"),
    ("invert", "--method", "direct", "--steps", "2", "--guidance", "3"),
    ("edit", "--swap", "cat=dog"),
    ("edit", "--swap", "cat=dog", "--swap", "grass=sand", "--name", "both"),
    ("edit", "--reweight", "cat:2", "--window", "cat=0:0.8"),
    ("edit", "--prompt", "a red cat is running on the grass", "--no-carry", "--blend-soft", "--blend-levels", "all"),
    ("edit", "--swap", "cat=dog", "--mask", "../mask.mp4", "--name", "masked", "--tries", "2"),
    ("edit", "--swap", "cat=dog", "--no-blend", "--strength", "0.5", "--name", "everywhere"),
    ("invert", "--method", "null-text", "--steps", "2", "--null", "per-frame", "--inner-steps", "2"),
    ("edit", "--swap", "cat=dog", "--guide", "optimised", "--no-in-place", "--no-paste", "--name", "optimised"),
    ("invert", "--method", "ddim", "--steps", "2"),
    ("edit", "--swap", "cat=dog", "--self-target", "both", "--no-apart", "--name", "ddim"),
    ("invert", "--method", "noise", "--steps", "2", "--downsample", "2"),
    ("edit", "--swap", "cat=dog", "--new-weight", "2", "--blend-peak", "clip", "--name", "noise"),
]


def main(folder: Path) -> None:
    """Writes a clip, a mask, a model, a workspace and an archive of all four."""
    folder.mkdir(parents=True)
    os.chdir(folder)
    save_clip(Path("clip.mp4"), moving_square(2, 32), sound=False)
    mask = np.zeros((2, 32, 32, 3), np.uint8)
    mask[:, 8:24, 8:24] = 255
    save_clip(Path("mask.mp4"), mask, sound=False)
    save_model(Path("model"))
    options = ("--frames", "2", "--size", "32", "--model", "model")
    done("init", "work", "--video", "clip.mp4", "--prompt", "a cat is running on the grass", *options)
    os.chdir("work")
    for words in COMMANDS:
        done(*words)
    os.chdir("..")
    config = Path("work/vp2p.yaml")
    config.write_text(config.read_text().replace(str(folder.absolute() / "model"), "../model"))
    with tarfile.open("format-3.tar.gz", "w:gz") as archive:
        for name in ("clip.mp4", "mask.mp4", "model", "work"):
            archive.add(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
