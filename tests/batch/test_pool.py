"""One loaded model for several workspaces gives what a process for each would give, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.cli.conftest import moving_square, save_clip
from vp2p.batch.pool import Pool
from vp2p.settings import ClipSettings, EditSettings, InvertSettings, ModelSettings, TuneSettings
from vp2p.stages.edit import edit
from vp2p.stages.init import init
from vp2p.stages.invert import invert
from vp2p.stages.session import Session
from vp2p.stages.tune import tune
from vp2p.workspace import Workspace, WorkspaceConfig

TUNE = TuneSettings(steps=2, learning_rate=0.01, train_norm_temp=True)


def work_on(session: Session) -> dict[str, bytes]:
    """Tunes, inverts and edits; returns every tensor file."""
    tune(session, TUNE)
    invert(session, InvertSettings(method="null-text", steps=2, inner_steps=1))
    edit(session, EditSettings.of(swap=("cat=dog",)))
    root = session.workspace.folder
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.safetensors")}


def workspace(folder: Path, name: str, model: Path) -> Workspace:
    video = save_clip(folder / f"{name}.mp4", moving_square(3)[:, :: 1 if name == "first" else -1], sound=False)
    config = WorkspaceConfig(
        "a cat is on the grass", str(video), ClipSettings(2, size="32"), ModelSettings(model=str(model))
    )
    init(folder / name, config)
    return Workspace(folder / name)


@pytest.mark.slow
def test_results_are_those_of_a_fresh_process(tmp_path: Path, sd2_folder: Path) -> None:
    (tmp_path / "alone").mkdir()
    alone = work_on(Session(workspace(tmp_path / "alone", "second", sd2_folder)))
    pool = Pool()
    first = pool.session(workspace(tmp_path, "first", sd2_folder))
    work_on(first)
    second = pool.session(workspace(tmp_path, "second", sd2_folder))
    assert work_on(second) == alone
    assert second.model is first.model and second.t2s is first.t2s


def session(pool: Pool, model: Path) -> Session:
    """A session of a workspace that is not made."""
    workspace = Workspace(Path("nowhere"))
    workspace.config = WorkspaceConfig("a cat", "cat.mp4", model=ModelSettings(model=str(model)))
    return pool.session(workspace)


def test_the_model_is_lent_untuned(sd2_folder: Path) -> None:
    pool = Pool()
    first = session(pool, sd2_folder).t2s
    before = {name: parameter.clone() for name, parameter in first.unet.named_parameters()}
    with torch.no_grad():
        for parameter in first.tuned_parameters(norm_temp=True).values():
            parameter += 1
    second = session(pool, sd2_folder).t2s
    assert second is first
    assert all(torch.equal(parameter, before[name]) for name, parameter in second.unet.named_parameters())


def test_another_model_takes_the_place_of_the_last(sd1_folder: Path, sd2_folder: Path) -> None:
    pool = Pool()
    loaded = session(pool, sd1_folder).model
    assert session(pool, sd1_folder).model is loaded
    other = session(pool, sd2_folder)
    assert other.t2s.unet is other.model.unet and session(pool, sd1_folder).model is not loaded
