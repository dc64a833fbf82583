"""Pictures of what is new, from Python: edits show them, whoever shares a pass with them, and their memory counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import vp2p
from tests.cli.conftest import moving_square
from tests.ip_adapters import save_ip_adapter, save_picture
from vp2p.models.opening import open_model
from vp2p.pipeline.memory import Shapes, Work
from vp2p.settings import ModelSettings

_PROMPT, _SHORT = "a cat on the grass", {"steps": 2, "method": "direct"}
_DOG = {"swap": {"cat": "dog"}, "no_blend": True}


@pytest.fixture(scope="module", params=["plain", "plus"])
def folder(tmp_path_factory: pytest.TempPathFactory, sd2_folder: Path, request: pytest.FixtureRequest) -> Path:
    """One that holds an adapter and pictures."""
    made = save_ip_adapter(tmp_path_factory.mktemp("adapters") / "ip", sd2_folder, form=request.param)
    save_picture(made / "dog.png", 1)
    save_picture(made / "other.png", 2)
    return made


@pytest.fixture(scope="module")
def model(sd2_folder: Path, folder: Path) -> vp2p.VideoModel:
    return vp2p.load(str(sd2_folder), device="cpu", ip_adapter=str(folder))


@pytest.fixture(scope="module")
def inversion(model: vp2p.VideoModel) -> vp2p.Inversion:
    return model.invert(replace(vp2p.Clip.of(moving_square(3, 32)), size="keep"), _PROMPT, **_SHORT)


def test_the_picture_acts_on_the_target_alone(
    model: vp2p.VideoModel, inversion: vp2p.Inversion, folder: Path, sd2_folder: Path
) -> None:
    plain = model.edit(inversion, **_DOG)
    without = vp2p.load(str(sd2_folder), device="cpu").edit(inversion, **_DOG)
    assert torch.equal(plain.latents.targets, without.latents.targets)
    found = [
        model.edit(inversion, reference=f"{folder / name}", **_DOG).latents
        for name in ("dog.png", "dog.png:0.5", "other.png", "dog.png:0")
    ]
    assert torch.equal(found[3].targets, plain.latents.targets)
    seen = [plain.latents, *found[:3]]
    for place, one in enumerate(seen):
        torch.testing.assert_close(one.source, plain.latents.source, atol=1e-5, rtol=1e-5)
        for other in seen[:place]:
            assert (one.targets - other.targets).abs().max() > 0.01


def test_it_may_be_all_that_changes(model: vp2p.VideoModel, inversion: vp2p.Inversion, folder: Path) -> None:
    same = model.edit(inversion, prompt=_PROMPT, no_blend=True)
    shown = model.edit(inversion, prompt=_PROMPT, no_blend=True, reference=str(folder / "dog.png"))
    assert (shown.latents.targets - same.latents.targets).abs().max() > 0.01
    assert same.notes and not shown.notes


def test_edits_side_by_side_have_their_own_pictures_or_none(
    model: vp2p.VideoModel, inversion: vp2p.Inversion, folder: Path
) -> None:
    each = [{}, {"reference": f"{folder / 'dog.png'}"}, {"reference": f"{folder / 'other.png'}:0.3"}]
    together = model.edit_all(inversion, each, **_DOG)
    for edit, own in zip(together, each):
        alone = model.edit(inversion, **own, **_DOG)
        torch.testing.assert_close(edit.latents.targets, alone.latents.targets, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("more", [{"candidates": 2, "render": 0.5}, {"guide": "optimised", "negative_prompt": None}])
def test_with_all_that_an_edit_may_do(
    model: vp2p.VideoModel, inversion: vp2p.Inversion, folder: Path, more: dict[str, object]
) -> None:
    mask = np.zeros((3, 32, 32), bool)
    mask[:, 8:24, 4:20] = True
    if "guide" in more:  # of null-text, whose embeddings are one for each frame
        inversion = model.invert(inversion.clip, _PROMPT, steps=1, method="null-text", null="per-frame", inner_steps=1)
    edit = model.edit(inversion, swap={"cat": "dog"}, mask=mask, reference=str(folder / "dog.png"), **more)
    plain = model.edit(inversion, swap={"cat": "dog"}, mask=mask, **more)
    assert (edit.latents.targets - plain.latents.targets).abs().max() > 0.01
    assert edit.frames.shape == (3, 32, 32, 3)


def test_what_cannot_be(model: vp2p.VideoModel, inversion: vp2p.Inversion, folder: Path, sd2_folder: Path) -> None:
    (folder / "text.png").write_text("no picture")
    wrong = {
        "": "name of the picture is empty",
        "nowhere.png": "There is no picture 'nowhere.png'",
        f"{folder}": "is no picture that can be read",
        f"{folder / 'text.png'}": "is no picture that can be read",
        f"{folder / 'dog.png'}:much": "must be a number",
        f"{folder / 'dog.png'}:-1": "must be 0 or more",
        "https://x.org/dog.png": "is an address",
    }
    for text, cause in wrong.items():
        with pytest.raises(vp2p.errors.UsageError, match=cause) as caught:
            model.edit(inversion, reference=text, **_DOG)
        assert caught.value.hint
    without = vp2p.load(str(sd2_folder), device="cpu")
    with pytest.raises(vp2p.errors.UsageError, match="needs an IP-Adapter") as caught:
        without.edit(inversion, reference=str(folder / "dog.png"), **_DOG)
    assert caught.value.hint.startswith("vp2p config model.ip_adapter")


def test_memory_is_counted(model: vp2p.VideoModel, sd2_folder: Path, folder: Path) -> None:
    weights = model.ip_adapter.bytes_held
    assert weights > 0
    assert model.bytes_held > vp2p.load(str(sd2_folder), device="cpu").bytes_held
    shapes = [
        Shapes(open_model(ModelSettings(model=str(sd2_folder), ip_adapter=one)), torch.float32, 0)
        for one in (str(folder), None)
    ]
    editing, inverting = Work("editing", 3, (32, 32)), Work("inversion", 3, (32, 32))
    for work, offload in ((editing, False), (replace(editing, low=True), True)):
        assert shapes[0].needed(work, offload) >= shapes[1].needed(work, offload) + weights
    assert shapes[0].needed(inverting) == shapes[1].needed(inverting)
