"""The four commands one after another, on models of both kinds, and what each leaves."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.cli.conftest import FRAMES, INVERT, PROMPT, SIZES, STEPS, Make
from tests.cli.running import done, only, video

# Pixels of a latent cell, text tokens and their width.
DOWNSCALE = {"sd1": 8, "sd2": 4}
TOKENS = {"sd1": (77, 32), "sd2": (32, 48)}


def shapes(path: Path) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in load_file(path).items()}


def latent_shape(kind: str) -> tuple[int, int, int]:
    side = SIZES[kind] // DOWNSCALE[kind]
    return 4, side, side


def test_init_keeps_the_frames(prepared: Make, kind: str) -> None:
    folder = prepared(kind, "init")
    side = SIZES[kind]
    kept = shapes(only(folder / "source") / "frames.safetensors")
    assert kept.pop("frames") == ((FRAMES, side, side, 3), torch.uint8)
    # The frames between, which tell of motion: one in each gap of this clip.
    assert kept == {f"between.{gap}": ((1, side, side, 3), torch.uint8) for gap in range(FRAMES - 1)}
    assert sorted(path.name for path in folder.iterdir()) == ["source", "vp2p.yaml"]


def test_tune_keeps_what_it_trained_and_its_losses(prepared: Make, kind: str) -> None:
    run = only(prepared(kind, "tune") / "tune")
    tuned = load_file(run / "tuned.safetensors")
    assert {tensor.dtype for tensor in tuned.values()} == {torch.float32}
    trained = ("attn1.to_q.weight", "attn2.to_q.weight")
    assert all(name.endswith(trained) or ".attn_temp." in name for name in tuned)
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [0, 1]
    assert all(set(entry) == {"step", "loss"} and entry["loss"] > 0 for entry in log)


@pytest.mark.parametrize("null", ["shared", "per-frame"])
def test_null_text(work: Make, kind: str, null: str) -> None:
    folder = work(kind, "tune")
    ran = done(*INVERT, "--null", null)
    run = only(folder / "invert")
    assert ran.out == f"invert/{run.name}/reconstruction.mp4\n"
    latents = (FRAMES, *latent_shape(kind))
    assert shapes(run / "trajectory.safetensors") == {
        "trajectory": ((STEPS + 1, *latents), torch.float32),
        "timesteps": ((STEPS,), torch.int64),
    }
    each = (FRAMES,) if null == "per-frame" else ()
    assert shapes(run / "null.safetensors") == {
        "embeddings": ((STEPS, *each, *TOKENS[kind]), torch.float32),
        "source": ((STEPS + 1, *latents), torch.float32),
    }
    timesteps = load_file(run / "trajectory.safetensors")["timesteps"]
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [entry["timestep"] for entry in log] == timesteps.tolist() == sorted(timesteps.tolist(), reverse=True)
    assert [entry["step"] for entry in log] == [STEPS + step for step in range(STEPS)]
    assert all(set(entry) == {"step", "timestep", "losses"} and 1 <= len(entry["losses"]) <= 2 for entry in log)
    _check_reconstruction(run)


@pytest.mark.parametrize("method", ["ddim", "direct"])
def test_inversions_without_embeddings(work: Make, kind: str, method: str) -> None:
    folder = work(kind, "tune")
    done("invert", "--method", method, "--steps", STEPS)
    run = only(folder / "invert")
    assert not (run / "null.safetensors").exists()
    assert shapes(run / "trajectory.safetensors")["trajectory"][0] == (STEPS + 1, FRAMES, *latent_shape(kind))
    _check_reconstruction(run)
    done("edit", "--swap", "cat=dog", "--guide", "empty")
    assert (folder / "edit" / "dog" / "edited.mp4").exists()


def _check_reconstruction(run: Path) -> None:
    quality = json.loads((run / "quality.json").read_text())
    assert set(quality) == {"psnr_vae", "psnr_reconstruction"} and all(value > 0 for value in quality.values())
    assert video(run / "reconstruction.mp4") == (FRAMES, Fraction(FRAMES), True)


def test_edit_leaves_clips_latents_mask_and_sheet(prepared: Make, kind: str) -> None:
    run = prepared(kind, "edit") / "edit" / "dog"
    latents = (FRAMES, *latent_shape(kind))
    assert shapes(run / "latents.safetensors") == {
        "source": (latents, torch.float32),
        "target": (latents, torch.float32),
    }
    mask = load_file(run / "mask.safetensors")["mask"]
    assert (tuple(mask.shape), mask.dtype) == ((FRAMES, *latent_shape(kind)[1:]), torch.float32)
    assert set(mask.unique().tolist()) <= {0.0, 1.0} and mask.any()
    for name in ("edited.mp4", "source.mp4"):  # one second in all, with the clip's sound
        assert video(run / name) == (FRAMES, Fraction(FRAMES), True)
    assert (run / "sheet.png").read_bytes().startswith(b"\x89PNG")
    manifest = json.loads((run / "manifest.json").read_text())
    assert set(manifest["parents"]) == {"source", "tune", "invert"}
    assert manifest["settings"]["target"] == PROMPT.replace("cat", "dog")
    assert set(manifest["artifacts"]) == {
        "edited.mp4", "source.mp4", "latents.safetensors", "edited.safetensors", "mask.safetensors", "sheet.png"
    }  # fmt: skip


EDITS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "swap of a word that splits in two": (("--swap", "cat=origami"), {"kind": "swap"}),
    "several swaps": (("--swap", "cat=dog", "--swap", "grass=sand"), {"kind": "swap"}),
    "refine": (("--prompt", "a red cat is running on the grass"), {"kind": "refine"}),
    "style": (("--prompt", PROMPT + " sketch"), {"kind": "refine"}),
    "reweight alone": (("--reweight", "cat:3"), {"kind": "reweight"}),
    "another number of words": (("--swap", "cat=big owl", "--swap", "is running=sleeps"), {"kind": "swap"}),
    "swap with weight and window": (
        ("--swap", "cat=dog", "--reweight", "dog:2", "--window", "dog=0.1:0.8", "--cross-replace", "0.8"),
        {"kind": "swap"},
    ),
    "both self attentions": (("--swap", "cat=dog", "--self-target", "both", "--self-replace", "1"), {"kind": "swap"}),
    "blend words": (("--swap", "cat=dog", "--blend", "dog", "--blend", "grass"), {"kind": "swap"}),
    "everywhere": (("--swap", "cat=dog", "--no-blend"), {"kind": "swap"}),
    "optimised guide": (("--swap", "cat=dog", "--guide", "optimised"), {"kind": "swap"}),
    "empty guide": (("--swap", "cat=dog", "--guide", "empty", "--guidance", "3"), {"kind": "swap"}),
}


@pytest.mark.parametrize("what", EDITS)
def test_kinds_of_edit(work: Make, what: str) -> None:
    options, facts = EDITS[what]
    folder = work("sd2", "invert")
    result = done("edit", *options, "--name", "one", "--json").json["result"]
    assert result["facts"].items() >= facts.items()
    run = folder / "edit" / "one"
    assert video(run / "edited.mp4")[0] == FRAMES
    assert (run / "mask.safetensors").exists() == (what not in ("everywhere", "style"))
    latents = load_file(run / "latents.safetensors")
    assert latents["target"].isfinite().all() and not latents["target"].equal(latents["source"])


@pytest.mark.parametrize("format", ["gif", "webp", "png"])
def test_formats(work: Make, format: str) -> None:
    folder = work("sd2", "invert")
    ran = done("edit", "--swap", "cat=dog", "--format", format)
    written = Path(ran.out.removesuffix("\n"))
    assert "no sound" in ran.err
    if format == "png":
        assert written == Path("edit/dog/edited")
        assert [path.name for path in sorted(written.iterdir())] == ["00001.png", "00002.png", "00003.png"]
    else:
        from PIL import Image

        assert written == Path(f"edit/dog/edited.{format}")
        with Image.open(written) as image:
            assert (image.n_frames, image.format) == (FRAMES, format.upper())
            image.load()
            assert image.info["duration"] == pytest.approx(1000 / FRAMES, abs=10)
    assert (folder / "edit" / "dog" / "source.mp4").exists()
