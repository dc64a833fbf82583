"""Clips, models, prompts and settings that a workspace cannot be made of: refused, and nothing is made."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import pytest

from tests.cli.conftest import PROMPT, Make
from tests.cli.running import done, refused, snapshot
from tests.video.makers import tone


@pytest.fixture
def place(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a good clip and several bad ones in it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(clip, tmp_path / "clip.mp4")
    (tmp_path / "zero.mp4").write_bytes(b"")
    (tmp_path / "notes.mp4").write_text("no video at all\n" * 50)
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:200])
    (tmp_path / "folder").mkdir()
    with av.open(str(tmp_path / "sound.mp4"), "w") as output:
        for packet in tone(output.add_stream("aac", rate=48000), 1.0):
            output.mux(packet)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    (tmp_path / "bad.yaml").write_text("tune:\n  stepz: 3\n")
    (tmp_path / "worse.yaml").write_text("tune: [")
    return tmp_path


BAD: list[tuple[int, dict[str, str], str, str]] = [
    (1, {"--video": "nowhere.mp4"}, "nowhere.mp4", "path to the clip"),
    (1, {"--video": "zero.mp4"}, "zero.mp4 is empty", "again"),
    (1, {"--video": "notes.mp4"}, "notes.mp4", "video file"),
    (1, {"--video": "cut.mp4"}, "cut.mp4", ""),
    (1, {"--video": "sound.mp4"}, "sound.mp4", "video"),
    (1, {"--video": "folder"}, "no images", "PNG"),
    (2, {"--video": ""}, "video is empty", "video"),
    (2, {"--frames": "7"}, "6 frames", "--frames 6"),
    (2, {"--frames": "0"}, "frames is 0", "--frames"),
    (2, {"--frames": "some"}, "'some'", "or all"),
    (2, {"--start": "0.8", "--end": "0.2"}, "--end 0.2", "--end"),
    (2, {"--start": "9"}, "1.00 seconds", "--start"),
    (2, {"--start": "inf"}, "--start is inf", "--start"),
    (2, {"--fps": "3", "--stride": "2"}, "--fps and --stride", "only one"),
    (2, {"--fps": "60", "--frames": "all"}, "6 frames", "--fps 6"),
    (2, {"--size": "33"}, "multiples of 16", "--size 32"),
    (2, {"--size": "huge"}, "huge", "--size 512"),
    (2, {"--prompt": " "}, "prompt is empty", "prompt"),
    (2, {"--prompt": "cat " * 40}, "40 tokens", "shorten"),
    (1, {"--model": "/no/such/model"}, "/no/such/model", "--model"),
    (1, {"--model": "folder"}, "model_index.json", "--model"),
    (1, {"--model": "clip.mp4"}, "is no model", "--model"),
    (2, {"--template": "nonesuch"}, "'nonesuch'", ""),
    (2, {"--template": "bad.yaml"}, "'stepz'", "did you mean steps?"),
    (2, {"--template": "worse.yaml"}, "worse.yaml", "correct worse.yaml"),
    (2, {"--template": "none.yaml"}, "none.yaml", "none.yaml"),
    (2, {"folder": "taken"}, "taken exists already", "another name"),
    (2, {"folder": "clip.mp4"}, "clip.mp4 exists already", "another name"),
    (2, {"folder": "clip.mp4/inside"}, "clip.mp4/inside", "another name"),
]


@pytest.mark.parametrize(
    ("code", "given", "cause", "hint"), BAD, ids=["".join(map("".join, one[1].items())) for one in BAD]
)
def test_a_workspace_that_cannot_be(
    place: Path, sd2_folder: Path, code: int, given: dict[str, str], cause: str, hint: str
) -> None:
    options = {"--video": "clip.mp4", "--prompt": PROMPT, "--model": str(sd2_folder), "--frames": "3", "--size": "32"}
    options |= {key: value for key, value in given.items() if key != "folder"}
    before = snapshot(place)
    ran = refused(code, "init", given.get("folder", "new"), *(word for pair in options.items() for word in pair))
    assert cause in ran.cause and hint in ran.hint, ran.err
    assert snapshot(place) == before


def test_a_workspace_is_not_made_twice(work: Make, sd2_folder: Path) -> None:
    folder = work("sd2", "tune")
    before = snapshot(folder)
    ran = refused(2, "init", folder, "--video", "../clip.mp4", "--prompt", "a dog", "--model", sd2_folder)
    assert "is a workspace already" in ran.cause and ran.hint.startswith(f"vp2p -w {folder} status")
    assert snapshot(folder) == before


def test_a_model_that_is_gone_and_one_that_is_another(work: Make, sd1_folder: Path, sd2_folder: Path) -> None:
    folder = work("sd2", "invert")
    config = folder / "vp2p.yaml"
    text = config.read_text()
    config.write_text(text.replace(str(sd2_folder), "/no/such/model"))
    before = snapshot(folder)
    for words in (("tune",), ("invert", "--steps", "2"), ("edit", "--swap", "cat=dog")):
        assert "/no/such/model" in refused(1, *words).cause
    assert snapshot(folder) == before
    config.write_text(text.replace(str(sd2_folder), str(sd1_folder)))
    before = snapshot(folder)
    for words in (("invert", "--steps", "2"), ("edit", "--swap", "cat=dog")):
        ran = refused(1, *words)
        assert "another model" in ran.cause and ran.hint == "vp2p tune"
    assert snapshot(folder) == before


def test_a_damaged_model_is_named(work: Make, sd2_folder: Path, tmp_path: Path) -> None:
    folder = work("sd2", "init")
    mine = shutil.copytree(sd2_folder, tmp_path / "mine")
    (folder / "vp2p.yaml").write_text((folder / "vp2p.yaml").read_text().replace(str(sd2_folder), str(mine)))
    weights = mine / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    before = snapshot(folder)
    ran = refused(1, "tune", "--steps", "1")
    assert str(mine / "unet") in ran.cause and "again" in ran.hint
    assert "cut short" in ran.cause and snapshot(folder) == before
    weights.unlink()
    assert "unet/diffusion_pytorch_model.safetensors" in refused(1, "tune", "--steps", "1").cause
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("added", "cause", "hint"),
    [
        ("tun:\n  steps: 3\n", "'tun'", "did you mean tune?"),
        ("tune:\n  stepz: 3\n", "'stepz'", "did you mean steps?"),
        ("tune:\n  steps: many\n", "'many'", "steps"),
        ("tune: [\n", "line", "correct"),
    ],
)
def test_a_mistake_in_the_settings_file(work: Make, added: str, cause: str, hint: str) -> None:
    folder = work("sd2", "invert")
    with open(folder / "vp2p.yaml", "a") as config:
        config.write(added)
    before = snapshot(folder)
    for words in (("tune",), ("edit", "--swap", "cat=dog"), ("status",)):
        ran = refused(2, *words)
        assert "vp2p.yaml" in ran.cause and cause in ran.cause and hint in ran.hint
    assert snapshot(folder) == before


def test_stages_out_of_order(work: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "init")
    before = snapshot(folder)
    assert refused(1, "invert").hint.startswith("vp2p tune")
    assert refused(1, "edit", "--swap", "cat=dog").hint == "vp2p invert"
    assert snapshot(folder) == before
    monkeypatch.chdir(tmp_path)
    for words in (("tune",), ("invert",), ("edit", "--swap", "cat=dog"), ("status",)):
        ran = refused(10, *words)
        assert "no vp2p.yaml" in ran.cause and ran.hint.startswith("vp2p init FOLDER --video VIDEO --prompt")
    ran = refused(10, "-w", "nowhere", "tune")
    assert "nowhere" in ran.cause and ran.hint.startswith("vp2p init nowhere --video VIDEO --prompt")


def test_one_process_at_a_time_writes_a_run(work: Make) -> None:
    from vp2p.workspace import Workspace, run_lock

    folder = work("sd2", "tune")
    (run,) = Workspace(folder).runs("tune")
    before = snapshot(folder)
    with run_lock(run.folder):
        assert "has been writing" in refused(11, "tune", "--steps", "2", "--learning-rate", "0.01", "--force").cause
    done("tune", "--steps", "2", "--learning-rate", "0.01")
    assert snapshot(folder) == before
