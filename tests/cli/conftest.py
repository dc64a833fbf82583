"""Clips, and workspaces of both tiny models at every stage, made once and copied for each test."""

from __future__ import annotations

import shlex
import shutil
import tarfile
from fractions import Fraction
from pathlib import Path
from typing import Callable, Container

import av
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.cli.running import done
from tests.video.makers import tone
from vp2p.stages.redo import redo
from vp2p.workspace import RunFolder, Workspace

PROMPT = "a cat is running on the grass"
FRAMES, STEPS = 3, 3
TUNE = ("tune", "--steps", "2", "--learning-rate", "0.01")
INVERT = ("invert", "--method", "null-text", "--steps", str(STEPS), "--inner-steps", "2")
# Sizes at which the tiny models' UNets still halve as often as they must.
SIZES = {"sd1": 64, "sd2": 32, "words": 32}
Make = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder of configuration, not there yet, in place of the real one."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "config"))
    from vp2p.config.user import config_folder

    assert config_folder().is_relative_to(tmp_path)
    return config_folder()


def moving_square(count: int = 6, side: int = 64) -> np.ndarray:
    """uint8 (F, H, W, 3): a bright square that crosses a shaded ground."""
    frames = np.empty((count, side, side, 3), dtype=np.uint8)
    frames[:] = (np.arange(side, dtype=np.uint8) * 2)[None, :, None, None]
    for index, frame in enumerate(frames):
        frame[20:40, 4 + 6 * index : 24 + 6 * index] = (230, 120, 40)
    return frames


def save_clip(path: Path, frames: np.ndarray, rate: int = 6, sound: bool = True) -> Path:
    """Writes an MP4 at ``rate`` frames a second, with a tone as long as the picture if wanted."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=rate, options={"crf": "8"})
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        stream.codec_context.colorspace = 5  # BT.601, as PyAV converts
        heard = output.add_stream("aac", rate=48000) if sound else None
        packets = []
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        if heard is not None:
            packets += tone(heard, len(frames) / rate)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames of 64 x 64 in one second, with sound."""
    return save_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", moving_square())


@pytest.fixture(scope="session")
def models(sd1_folder: Path, sd2_folder: Path, words_folder: Path) -> dict[str, Path]:
    return {"sd1": sd1_folder, "sd2": sd2_folder, "words": words_folder}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, clip: Path, models: dict[str, Path]) -> Make:
    """A function that gives the session's own workspace of a model (a key of ``models``) at a stage; not to be changed.

    "words" is "sd2" with the real vocabulary of CLIP, for tests of words.

    Stages are init, tune, invert (null-text) and edit (cat to dog, called dog).
    """
    root = tmp_path_factory.mktemp("workspaces")
    commands: dict[str, tuple[str, ...]] = {
        "tune": TUNE,
        "invert": INVERT,
        "edit": ("edit", "--swap", "cat=dog"),
    }

    def make(kind: str, stage: str) -> Path:
        folder = root / kind / stage / "work"
        if folder.exists():
            return folder
        if stage == "init":
            folder.parent.mkdir(parents=True)
            shutil.copy(clip, folder.parent)
            options = ("--frames", str(FRAMES), "--size", str(SIZES[kind]), "--model", models[kind])
            done("init", folder, "--video", folder.parent / "clip.mp4", "--prompt", PROMPT, *options)
            return folder
        before = make(kind, {"tune": "init", "invert": "tune", "edit": "invert"}[stage])
        shutil.copytree(before.parent, folder.parent)
        done("-w", folder, *commands[stage])
        return folder

    return make


@pytest.fixture
def work(prepared: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A function that copies such a workspace for one test, which then stands in it."""

    def copy(kind: str, stage: str) -> Path:
        folder = tmp_path / "at" / "work"
        shutil.copytree(prepared(kind, stage).parent, folder.parent)
        monkeypatch.chdir(folder)
        return folder

    return copy


@pytest.fixture(params=["sd1", "sd2"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each of the two tiny models in turn."""
    return request.param


def stored(name: str, tmp_path: Path) -> Path:
    """The workspace in the archive ``name`` of tests/data, unpacked with its clip and its model."""
    with tarfile.open(Path(__file__).parents[1] / "data" / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path / "at", filter="data")
    return tmp_path / "at" / "work"


def redone(run: RunFolder, workspace: Path, without: Container[str] = ()) -> RunFolder:
    """Redoes a run: all its tensors but some are those that were kept, but for how another processor rounds."""
    files = [name for name in run.manifest().artifacts if name.endswith(".safetensors") and name not in without]
    kept = {name: load_file(run.path(name)) for name in files}
    done(*shlex.split(redo(run))[1:])
    now = Workspace(workspace).by_name(run.stage, run.name)
    for name, tensors in kept.items():
        found = load_file(now.path(name))
        assert found.keys() == tensors.keys(), name
        before, after = (torch.cat([all_[key].double().flatten() for key in tensors]) for all_ in (tensors, found))
        apart, largest = (before - after).abs(), float(before.abs().max())
        if name == "edited.safetensors":  # pixels
            assert apart.max() <= 1, redo(run)
            continue
        # Rounding was seen to make 5e-6. Where a gradient is nearly 0, it decides which way AdamW steps.
        assert apart.quantile(0.99) <= 1e-5 * largest and apart.max() <= 1e-4 * largest, f"{redo(run)}: {name}"
    assert kept
    return now


@pytest.fixture
def branched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with branches and an interrupted run, in which the test stands: tests/data/make_format_1.py."""
    monkeypatch.chdir(stored("format-1", tmp_path))
    return tmp_path / "at" / "work"
