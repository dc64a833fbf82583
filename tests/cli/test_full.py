"""``vp2p full``: an edit at its source's own size and rate, made by the command line from a small clip."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import PROMPT, Make, moving_square, save_clip
from tests.cli.running import done, only, refused, snapshot, vp2p
from tests.video import test_colour as colour
from vp2p.settings import ClipSettings
from vp2p.stages.full import full, narrower
from vp2p.stages.handle import open_workspace
from vp2p.stages.redo import run_command
from vp2p.stages.saving import Interrupted
from vp2p.stages.session import Session
from vp2p.video.reading import probe, read_clip
from vp2p.workspace import Workspace


@pytest.fixture
def edited(work: Make) -> Path:
    """A workspace in which the square of the clip's middle three of six frames is edited, inside a mask."""
    folder = work("sd2", "invert")
    mask = np.zeros((6, 64, 64, 3), np.uint8)
    for at, frame in enumerate(mask):
        frame[16:44, max(0, 6 * at) : 28 + 6 * at] = 255
    save_clip(folder.parent / "mask.mp4", mask, sound=False)
    done("edit", "--swap", "cat=dog", "--mask", folder.parent / "mask.mp4")
    return folder


def test_it_has_the_size_rate_and_sound_of_the_source(edited: Path) -> None:
    ran = done("full")
    run = only(edited / "full")
    assert Path(ran.out.strip()) == Path("full") / run.name / "full.mp4"
    made, source = probe(run / "full.mp4"), probe(edited.parent / "clip.mp4")
    assert (made.width, made.height, made.frames, made.rate) == (source.width, source.height, 6, source.rate)
    assert made.audio == source.audio
    frames, original = (read_clip(one, ClipSettings("all")).frames for one in (run / "full.mp4", source.path))
    apart = np.abs(frames.astype(int) - original).max(-1)
    assert apart[:, 52:].max() < 24, "below the mask there is nothing but what coding changes"
    before = snapshot(run)
    assert "up to date" in done("full", "dog").err
    assert snapshot(run) == before and not (run / "checkpoint").exists()
    assert f"full/{run.name}" in done("status").out and "as it was recorded" in done("verify").err
    told = done("edit", "--swap", "cat=dog", "--mask", "../mask.mp4", "--full", "-n").out.splitlines()
    assert [line.partition(" ")[0] for line in told] == ["source", "tune", "invert", "edit", "full"]
    assert all("up to date" in line for line in told)
    new = done("edit", "--swap", "cat=fox", "--full", "-n").out.splitlines()
    assert [line.partition(":")[2].split()[0] for line in new] == ["up"] * 3 + ["run"] * 2


def test_an_interrupted_run_goes_on_and_ends_as_an_unbroken_one(edited: Path) -> None:
    other = edited.parent / "other"
    shutil.copytree(edited, other)
    done("-w", other, "full")

    def stop(what: str, step: int, total: int, metric: str = "") -> None:
        if step == 2:
            raise Interrupted(signal.SIGINT)

    with pytest.raises(Interrupted):
        full(Session(Workspace(edited)), progress=stop)
    assert "resume" in done("full", "-n").out
    assert "resumed" in done("full").err
    assert (only(edited / "full") / "full.mp4").read_bytes() == (only(other / "full") / "full.mp4").read_bytes()


@pytest.mark.slow
def test_of_hdr_it_is_sdr_with_the_pixels_that_were_edited(
    tmp_path: Path, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "clip.mp4"
    nits = colour.light() @ colour.TO_BT2020.T * 600
    colour.clip_of(clip, colour.pq(nits), 9, colour.HDR)
    Image.fromarray(np.pad(np.full((24, 24), 255, np.uint8), ((8, 32), (40, 128)))).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    options = ("--frames", "2", "--size", "192x64", "--model", models["sd2"])
    assert "what is written is SDR" in done("init", "work", "--video", clip, "--prompt", PROMPT, *options).err
    monkeypatch.chdir("work")
    done("tune", "--steps", "1")
    done("invert", "--method", "direct", "--steps", "2")
    done("edit", "--swap", "cat=dog", "--mask", tmp_path / "mask.png")
    assert "what is written is SDR" in done("full").err
    made = only(Path("full")) / "full.mp4"
    with av.open(str(made)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
    frames, original = (read_clip(one, ClipSettings("all")).frames for one in (made, clip))
    apart = np.abs(frames.astype(int) - original)[:, 48:, 16::32]
    assert apart.max() < 12, "below the mask, in the middle of each square"


def test_python_makes_it_too(edited: Path) -> None:
    with open_workspace(edited) as opened:
        assert opened.full("dog").artifact.name == "full.mp4"


def test_without_the_video_it_says_what_to_do(edited: Path) -> None:
    video = edited.parent / "clip.mp4"
    kept = video.read_bytes()
    save_clip(video, moving_square(8))
    ran = refused(2, "full")
    assert "is not the one that was edited" in ran.cause and "vp2p init" in ran.hint
    video.unlink()
    ran = refused(2, "full")
    assert "is gone" in ran.cause and "vp2p config video" in ran.hint
    assert "is gone" in refused(2, "edit", "--swap", "cat=fox", "--full").cause
    assert not (edited / "full").exists() and not (edited / "edit" / "fox").exists()
    video.write_bytes(kept)
    done("full")
    video.unlink()
    assert "up to date" in done("full").err


def test_an_edit_of_the_whole_picture_has_no_region(work: Make) -> None:
    folder = work("sd2", "invert")
    ran = vp2p("edit", "--prompt", f"{PROMPT} at night", "--full")
    assert ran.code == 2 and "changes the whole picture" in ran.cause and "vp2p edit" in ran.hint
    assert not list((folder / "full").glob("[!.]*"))


def test_a_mask_as_wide_as_the_ground_is_told_of_and_ends_neither_other_edits_nor_the_sheet(edited: Path) -> None:
    Image.new("L", (64, 64), 255).save(edited.parent / "all.png")
    words = ("edit", "--swap", "cat=dog", "--no-propagate", "--full")
    ran = vp2p(*words, "--grid", "mask=../all.png,../mask.mp4")
    assert ran.code == 2 and "the mask of the edit dog-mask-all.png holds most of the picture's border" in ran.cause
    assert ran.hint.endswith(": vp2p edit --swap cat=dog --mask-point 50%,50% --no-propagate --full")
    *_, large, sheet = map(Path, ran.out.splitlines())
    assert sheet.suffix == ".png" and sheet.is_file() and large.name == "full.mp4" and large.is_file()
    run = Workspace(edited).by_name("edit", "dog-mask-all.png")
    for known, hint in (
        ({"mask_text": "cat", "mask_grow": 30.0}, "--mask-grow 10.0"),
        ({"blend_threshold": 0.2}, "--blend-threshold 0.6"),
    ):
        settings = run.record().settings["edit"] | {"mask": None} | known
        assert hint in run_command(run, narrower(settings))


def test_there_must_be_an_edit(work: Make) -> None:
    work("sd2", "invert")
    assert refused(1, "full").hint.startswith("vp2p edit --swap")
    assert "no edit" in refused(2, "full", "fox").cause
