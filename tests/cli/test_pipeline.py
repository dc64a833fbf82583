"""The four commands one after another, on models of both kinds, and what each leaves."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import torch
from safetensors.torch import load_file

from tests.cli.conftest import FRAMES, PROMPT, SIZES, STEPS, Make
from tests.cli.running import done, snapshot, vp2p

# Pixels of a latent cell, text tokens and their width.
DOWNSCALE = {"sd1": 8, "sd2": 4}
TOKENS = {"sd1": (77, 32), "sd2": (32, 48)}
INVERT = ("invert", "--steps", str(STEPS), "--inner-steps", "2")


def only(folder: Path) -> Path:
    """The one run in a stage's folder."""
    (run,) = (path for path in folder.iterdir() if not path.name.startswith("."))
    return run


def shapes(path: Path) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in load_file(path).items()}


def latent_shape(kind: str) -> tuple[int, int, int]:
    side = SIZES[kind] // DOWNSCALE[kind]
    return 4, side, side


def test_init_keeps_the_frames(prepared: Make, kind: str) -> None:
    folder = prepared(kind, "init")
    side = SIZES[kind]
    assert shapes(only(folder / "source") / "frames.safetensors") == {"frames": ((FRAMES, side, side, 3), torch.uint8)}
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


def video(path: Path) -> tuple[int, Fraction, bool]:
    """How many frames a clip decodes to, their rate, and whether it has sound."""
    with av.open(str(path)) as container:
        count = sum(1 for _ in container.decode(video=0))
        return count, container.streams.video[0].average_rate, bool(container.streams.audio)


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
        "edited.mp4", "source.mp4", "latents.safetensors", "mask.safetensors", "sheet.png"
    }  # fmt: skip


EDITS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "swap of a word that splits in two": (("--swap", "cat=origami"), {"kind": "swap"}),
    "several swaps": (("--swap", "cat=dog", "--swap", "grass=sand"), {"kind": "swap"}),
    "refine": (("--prompt", "a red cat is running on the grass"), {"kind": "refine"}),
    "style": (("--prompt", PROMPT + " sketch"), {"kind": "refine"}),
    "reweight alone": (("--reweight", "cat:3"), {"kind": "reweight"}),
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


def test_a_second_run_is_up_to_date_and_touches_nothing(work: Make, kind: str) -> None:
    folder = work(kind, "edit")
    before = snapshot(folder)
    for words in (
        ("tune", "--steps", "2", "--learning-rate", "0.01"),
        INVERT,
        ("edit", "--swap", "cat=dog"),
        ("edit", "--prompt", PROMPT.replace("cat", "dog")),  # the same edit by other words
    ):
        ran = done(*words)
        assert "up to date" in ran.err and Path(ran.out.strip()).exists()
    assert snapshot(folder) == before


CHANGES: list[tuple[str, tuple[str, ...]]] = [
    ("tune", ("tune", "--steps", "1")),
    ("invert", ("invert", "--method", "direct", "--steps", "2")),
    ("edit", ("edit", "--swap", "cat=dog", "--blend-threshold", "0.5")),
]


@pytest.mark.parametrize(("stage", "words"), CHANGES)
def test_other_settings_make_a_run_beside(work: Make, stage: str, words: tuple[str, ...]) -> None:
    folder = work("sd2", "edit")
    before = snapshot(folder)
    done(*words)
    after = snapshot(folder)
    assert {name: after[name] for name in before} == before
    assert len(list((folder / stage).iterdir())) == 2
    if stage == "edit":
        assert (folder / "edit" / "dog-2" / "edited.mp4").exists()


def test_force_makes_the_same_run_anew(work: Make) -> None:
    folder = work("sd2", "edit")
    before = snapshot(folder)
    for words in (("tune", "--steps", "2", "--learning-rate", "0.01"), INVERT, ("edit", "--swap", "cat=dog")):
        assert ": done" in done(*words, "--force").err
    after = snapshot(folder)
    assert set(after) == set(before)
    for name in before:
        if name.endswith(".safetensors") and not name.startswith("source"):
            assert after[name][1] == before[name][1] and after[name][0] != before[name][0]


def test_from_names_an_older_run(work: Make) -> None:
    folder = work("sd2", "tune")
    older = only(folder / "tune").name
    done("tune", "--steps", "1")
    done("invert", "--method", "direct", "--steps", "2", "--from", older[:6])
    parents = json.loads((only(folder / "invert") / "manifest.json").read_text())["parents"]
    assert parents["tune"] == older


def test_the_workspace_can_be_named_from_anywhere(work: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "invert")
    monkeypatch.chdir(tmp_path)
    ran = done("-w", folder, "edit", "--swap", "cat=dog")
    assert ran.out == "at/work/edit/dog/edited.mp4\n"
    assert "vp2p -w at/work invert" in done("-w", "at/work", "tune", "--steps", "1").err
    monkeypatch.setenv("VP2P_WORKSPACE", str(folder))
    assert "up to date" in done("edit", "--swap", "cat=dog").err
    monkeypatch.delenv("VP2P_WORKSPACE")
    monkeypatch.chdir(folder / "edit" / "dog")
    assert done("edit", "--swap", "cat=dog").out == "edited.mp4\n"


def test_a_workspace_can_be_moved_without_its_video(work: Make, clip: Path) -> None:
    folder = work("sd2", "init")
    (folder.parent / clip.name).unlink()
    done("tune", "--steps", "1")
    done("invert", "--method", "direct", "--steps", "2")
    done("edit", "--swap", "cat=dog")
    assert video(folder / "edit" / "dog" / "edited.mp4") == (FRAMES, Fraction(FRAMES), False)


def test_defaults_come_from_the_environment_and_from_the_workspace(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "init")
    with open(folder / "vp2p.yaml", "a") as config:
        config.write("tune:\n  steps: 1\n  seed: 5\n")
    done("tune")
    monkeypatch.setenv("VP2P_TUNE_STEPS", "2")
    done("tune")
    done("tune", "--steps", "3")
    steps = [
        (manifest["settings"]["tune"]["steps"], manifest["settings"]["tune"]["seed"])
        for manifest in (json.loads(path.read_text()) for path in (folder / "tune").glob("*/manifest.json"))
    ]
    assert sorted(steps) == [(1, 5), (2, 5), (3, 5)]


def test_status_tells_what_is_there_and_what_comes_next(work: Make, kind: str) -> None:
    folder = work(kind, "edit")
    before = snapshot(folder)
    found: dict[str, Any] = done("status", "--json").json["result"]
    assert [run["stage"] for run in found["runs"]] == ["source", "tune", "invert", "edit"]
    assert all(run["finished"] for run in found["runs"]) and found["prompt"] == PROMPT
    assert found["next"] == "vp2p edit --swap OLD=NEW"
    text = done("status").err
    assert "null-text, 3 steps" in text and "2 steps, rate 0.01" in text and "dog" in text
    assert snapshot(folder) == before


def test_json_puts_one_envelope_on_stdout(work: Make) -> None:
    folder = work("sd2", "tune")
    envelope = done("invert", "--method", "direct", "--steps", "2", "--json").json
    assert (envelope["vp2p"], envelope["command"], envelope["ok"]) == (1, "invert", True)
    assert Path(envelope["result"]["artifact"]) == only(folder / "invert") / "reconstruction.mp4"
    failed = vp2p("edit", "--swap", "bird=dog", "--json")
    assert failed.code == 2 and failed.json["ok"] is False
    error = failed.json["error"]
    assert (error["kind"], error["exit"]) == ("PromptError", 2)
    assert error["cause"] in failed.err and error["hint"] in failed.err


def test_quiet_leaves_the_path_alone(work: Make) -> None:
    work("sd2", "invert")
    ran = done("-q", "edit", "--swap", "cat=dog")
    assert (ran.out, ran.err) == ("edit/dog/edited.mp4\n", "")
