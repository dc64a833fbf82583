"""What must not change does not: an empty edit, and all that lies outside the mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.cli.conftest import PROMPT, Make, save_clip
from tests.cli.running import done
from vp2p.stages.edited import every_frame
from vp2p.stages.source import load_frames
from vp2p.workspace import Workspace


def latents(run: Path) -> tuple[torch.Tensor, torch.Tensor]:
    found = load_file(run / "latents.safetensors")
    return found["source"], found["target"]


@pytest.mark.parametrize("method", ["null-text", "ddim", "direct"])
def test_an_empty_change_gives_back_the_source(work: Make, method: str) -> None:
    folder = work("sd2", "tune")
    done("invert", "--method", method, "--steps", "3", "--inner-steps", "1")
    same = ("edit", "--prompt", PROMPT)
    assert done(*same, "--no-paste", "--json").json["result"]["facts"]["kind"] == "same"
    source, target = latents(folder / "edit" / "same")
    assert torch.equal(source, target)
    assert (folder / "edit/same/edited.mp4").read_bytes() == (folder / "edit/same/source.mp4").read_bytes()
    done(*same, "--name", "pasted", "--format", "png")
    clip = load_frames(Workspace(folder).newest("source")).pixels
    assert np.array_equal(every_frame(folder / "edit/pasted/edited"), clip)


def test_the_source_of_null_text_and_direct_is_what_the_inversion_kept(work: Make) -> None:
    folder = work("sd2", "edit")
    (inverted,) = (folder / "invert").iterdir()
    source, _ = latents(folder / "edit" / "dog")
    assert torch.equal(source, load_file(inverted / "null.safetensors")["source"][0])
    done("invert", "--method", "direct", "--steps", "3")
    done("edit", "--swap", "cat=dog", "--name", "direct")
    source, _ = latents(folder / "edit" / "direct")
    assert torch.equal(source, load_file(inverted / "trajectory.safetensors")["trajectory"][0])


def test_outside_the_outline_nothing_changes(work: Make, kind: str) -> None:
    folder = work(kind, "invert")
    done("edit", "--swap", "cat=dog", "--blend-threshold", "0.9", "--blend-start", "0")
    source, target = latents(folder / "edit" / "dog")
    inside = load_file(folder / "edit" / "dog" / "mask.safetensors")["mask"].bool()
    assert inside.any() and not inside.all()
    changed = (source != target).any(1)
    assert not changed[~inside].any() and changed[inside].any()


def test_a_mask_video_takes_the_place_of_the_outline(work: Make, tmp_path: Path) -> None:
    folder = work("sd2", "invert")
    frames = np.zeros((6, 64, 64, 3), dtype=np.uint8)
    frames[:, :, :32] = 255  # the left half
    mask_video = save_clip(tmp_path / "mask.mp4", frames, sound=False)
    done("edit", "--swap", "cat=dog", "--mask", mask_video, "--blend-start", "0")
    mask = load_file(folder / "edit" / "dog" / "mask.safetensors")["mask"]
    assert mask[:, :, :4].all() and not mask[:, :, 4:].any()
    source, target = latents(folder / "edit" / "dog")
    changed = (source != target).any(1)
    assert torch.equal(changed, mask.bool())
