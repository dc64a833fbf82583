"""The Python API: the code of docs/python.md runs as it stands, and what the page promises is true."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import vp2p
from tests.cli.conftest import moving_square
from vp2p.compositing.followed import FollowedMotion
from vp2p.pipeline.effect import followed
from vp2p.sprites.scenes import Scene
from vp2p.video.writing import write_video

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
PROMPT = "a cat on the grass"
# As long as it must be, no longer.
_SHORTER = {
    "steps=60": "steps=3",
    "frames=8": "frames=2",
    f'invert(clip, "{PROMPT}")': f'invert(clip, "{PROMPT}", steps=2)',
    "walk.invert()": "walk.invert(steps=2)",
}


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(Path("cat.mp4"), Scene("cat", "grass", path="slide", seed=4).render(8), 4)
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) >= 7
    for block in blocks:
        for long, short in _SHORTER.items():
            assert any(long in one for one in blocks), long
            block = block.replace(long, short)
        exec(compile(block, str(PAGE), "exec"), names)
    printed = capfd.readouterr()
    assert printed.err == "" and printed.out.count("\n") == 4  # the page's own four lines
    dog = names["dog"]
    assert isinstance(dog, vp2p.Edit) and dog.frames.shape == dog.source.shape == (2, 128, 128, 3)
    assert not np.array_equal(dog.frames, dog.source)
    assert {"dog.mp4", "attention.png", "walk"} <= {path.name for path in tmp_path.iterdir()}


def test_importing_loads_no_torch() -> None:
    code = "import sys, vp2p; assert not {'torch', 'numpy', 'cv2', 'av'} & set(sys.modules), sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_edit_is_saved_at_its_sources_own_size_and_rate(model: vp2p.VideoModel, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    write_video(video, moving_square(4, 96), 6)
    clip = vp2p.read_clip(video, frames=2, size="64")
    inversion = model.invert(clip, PROMPT, method="direct", steps=2)
    mask = np.zeros((2, 64, 64), bool)
    mask[:, 8:40, :48] = True
    edit = model.edit(inversion, swap={"cat": "dog"}, mask=mask)
    edit.save_full(tmp_path / "full.mp4", video, frames=2, size="64")
    full = vp2p.read_clip(tmp_path / "full.mp4", frames="all")
    assert full.pixels.shape == (4, 96, 96, 3) and full.rate == 6
    with pytest.raises(vp2p.errors.UsageError, match="other frames"):
        edit.save_full(tmp_path / "other.mp4", video, frames=3, size="64")
    assert not (tmp_path / "other.mp4").exists()


@pytest.fixture
def model(sd1_folder: Path) -> vp2p.VideoModel:
    return vp2p.load(str(sd1_folder), device="cpu")


@pytest.fixture
def clip() -> vp2p.Clip:
    return dataclasses.replace(vp2p.Clip.of(moving_square(2, 64)), size="keep")


def test_two_models_share_nothing(model: vp2p.VideoModel, clip: vp2p.Clip, sd1_folder: Path) -> None:
    other = vp2p.load(str(sd1_folder), device="cpu")
    before = {name: tensor.clone() for name, tensor in other.t2s.unet.named_parameters()}
    model.tune(clip, PROMPT, steps=1, learning_rate=1e-2)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.t2s.unet.named_parameters())


def test_each_tuning_starts_from_the_untuned_model(model: vp2p.VideoModel, clip: vp2p.Clip) -> None:
    first, second = (model.tune(clip, PROMPT, steps=2, learning_rate=1e-2) for _ in range(2))
    assert first.losses == second.losses
    assert all(torch.equal(tensor, second.tensors[name]) for name, tensor in first.tensors.items())


def test_what_was_tuned_stays_when_the_model_changes(model: vp2p.VideoModel, clip: vp2p.Clip) -> None:
    tuned = model.tune(clip, PROMPT, steps=1, learning_rate=1e-2)
    kept = {name: tensor.clone() for name, tensor in tuned.tensors.items()}
    model.untune()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in tuned.tensors.items())
    assert not all(torch.equal(one, kept[name]) for name, one in model.t2s.tuned_parameters().items())


def test_a_cancelled_tuning_leaves_the_model_as_it_was(model: vp2p.VideoModel, clip: vp2p.Clip, tmp_path: Path) -> None:
    tuned = model.tune(clip, PROMPT, steps=1, learning_rate=1e-2)
    before = {name: tensor.clone() for name, tensor in model.t2s.unet.named_parameters()}

    def cancel(what: str, done: int, total: int, metric: str = "") -> None:
        raise KeyError(what)

    with pytest.raises(KeyError, match="tune"):
        model.tune(clip, PROMPT, steps=3, learning_rate=1e-1, on_step=cancel)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.t2s.unet.named_parameters())
    tuned.save(tmp_path / "tuned.safetensors")
    model.untune()
    model.load_tuned(tmp_path / "tuned.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.t2s.unet.named_parameters())


def test_the_models_card_is_asked(clip: vp2p.Clip) -> None:
    model = vp2p.load("sprites", device="cpu")
    assert model.invert(clip, PROMPT, method="noise").settings.guidance == 3.0
    assert model.invert(clip, PROMPT, method="noise", guidance=5.0).settings.guidance == 5.0


@pytest.mark.parametrize("options", [{"swop": {"cat": "dog"}}, {"swap": {"cat": "dog"}, "strength": 2.0}, {}])
def test_wrong_options_are_named(model: vp2p.VideoModel, clip: vp2p.Clip, options: dict) -> None:
    inversion = model.invert(clip, PROMPT, method="noise", steps=2)
    with pytest.raises(vp2p.errors.Vp2pError) as caught:
        model.edit(inversion, **options)
    assert caught.value.hint


def test_a_mask_of_another_shape_is_refused(model: vp2p.VideoModel, clip: vp2p.Clip) -> None:
    inversion = model.invert(clip, PROMPT, method="noise", steps=2)
    with pytest.raises(vp2p.errors.UsageError, match="shape"):
        model.edit(inversion, swap={"cat": "dog"}, mask=np.ones((3, 3)))


def test_guidance_by_embeddings_that_there_are_not_is_refused(model: vp2p.VideoModel, clip: vp2p.Clip) -> None:
    inversion = model.invert(clip, PROMPT, method="direct", steps=1)
    with pytest.raises(vp2p.errors.UsageError, match="direct inversion has not"):
        model.edit(inversion, swap={"cat": "dog"}, guide="optimised")


def test_key_frames_and_hard_frames_are_told_as_people_count_them(model: vp2p.VideoModel, clip: vp2p.Clip) -> None:
    inversion = model.invert(clip, PROMPT, method="direct", steps=1)
    edit = model.edit(inversion, swap={"cat": "dog"}, no_blend=True)
    assert edit.motions == edit.key_frames == edit.hard_frames == ()

    def told(*objects: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[str, ...]:
        none = np.zeros((8, 1, 1), np.float32)
        field, nearest = np.zeros((8, 2, 1, 1), np.float32), np.zeros(8, np.int64)
        motions = tuple(FollowedMotion(keys, hard, nearest, field, none, none) for keys, hard in objects)
        return followed(dataclasses.replace(edit, motions=motions))

    assert told(((3,), ())) == ()
    keys, hard = told(((0, 6), (7,)), ((3,), (4,)))
    assert "frames 1, 4 and 7, which" in keys and "in frames 5 and 8:" in hard
    (one,) = told(((3,), (4,)))
    assert "in frame 5:" in one


def test_a_negative_prompt_leads_the_edit_elsewhere_and_leaves_the_source(
    model: vp2p.VideoModel, clip: vp2p.Clip
) -> None:
    inversion = model.invert(clip, PROMPT, method="direct", steps=2)
    plain, empty, away = (
        model.edit(inversion, swap={"cat": "dog"}, no_blend=True, **options)
        for options in ({}, {"negative_prompt": ""}, {"negative_prompt": "a cat"})
    )
    assert np.array_equal(plain.frames, empty.frames) and np.array_equal(plain.source, away.source)
    assert not np.array_equal(plain.frames, away.frames)
    with pytest.raises(vp2p.errors.PromptError):
        model.edit(inversion, swap={"cat": "dog"}, negative_prompt="cat " * 100)
    with pytest.raises(vp2p.errors.UsageError, match="only one|both say"):
        model.edit(inversion, swap={"cat": "dog"}, negative_prompt="a cat", guide="optimised")


def test_outside_a_mask_the_clip_is_kept_to_the_bit(model: vp2p.VideoModel, clip: vp2p.Clip) -> None:
    inversion = model.invert(clip, PROMPT, steps=2)
    mask = np.zeros(inversion.clip.pixels.shape[:3], bool)
    mask[:, :16, :16] = True
    edit = model.edit(inversion, swap={"cat": "dog"}, mask=mask)
    assert np.array_equal(edit.frames[~mask], inversion.clip.pixels[~mask])
    assert not np.array_equal(edit.frames[mask], inversion.clip.pixels[mask])


def test_a_workspace_is_the_same_from_python_and_from_the_command_line(tmp_path: Path, sd1_folder: Path) -> None:
    from tests.cli.running import done

    video = tmp_path / "clip.mp4"
    write_video(video, moving_square(2, 48), 4)
    options = {"frames": 2, "model": str(sd1_folder), "device": "cpu"}
    with vp2p.open_workspace(tmp_path / "walk", video, PROMPT, **options) as walk:
        walk.tune(steps=1)
        walk.invert(steps=2)
        edit = walk.edit(swap={"cat": "dog"}, name="dog")
        both = walk.edit_all([{"swap": {"cat": "dog"}}, {"swap": {"cat": "bird"}}])
    assert edit.state == "done" and edit.artifact.exists()
    assert [(one.run, one.state) for one in both] == [("dog", "up to date"), ("bird", "done")]
    again = done("-w", tmp_path / "walk", "edit", "--swap", "cat=dog", "--name", "dog")
    assert "up to date" in again.err
    with pytest.raises(vp2p.errors.NoWorkspaceError):
        vp2p.open_workspace(tmp_path / "nowhere")


def test_alternatives_are_several_edits(model: vp2p.VideoModel, clip: vp2p.Clip) -> None:
    inversion = model.invert(clip, "a cat on the grass", steps=1)
    quick = {"candidates": 0, "propagate": False}
    for swap in ({"cat": "dog|fox"}, ["cat=dog|fox"], {"cat": ("dog", "fox")}):
        with pytest.raises(vp2p.errors.UsageError, match="make 2 edits") as caught:
            model.edit(inversion, swap=swap, **quick)
        assert "edit_all" in caught.value.hint
        made = model.edit_all(inversion, [{"swap": swap}, {"swap": r"cat=a\|b"}], **quick)
        assert [edit.plan.target.words[1].text for edit in made] == ["dog", "fox", "a"]
        assert made[2].plan.target.prompt == "an a|b on the grass"
