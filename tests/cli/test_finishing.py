"""What an outlined edit's frames become: one look, tried several times, on the clip's own pixels."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import max_pool2d

from tests.cli.conftest import Make
from tests.cli.running import done, refused
from vp2p.bench.steady import unsteadiness
from vp2p.sprites.scenes import Scene
from vp2p.stages.edited import every_frame
from vp2p.stages.source import load_frames
from vp2p.video.writing import write_video
from vp2p.workspace import Workspace

SCENE = Scene("cat", "grass", path="slide", seed=4)

_NEAR = 0.4  # of the way from sand to grass: an inverted clip keeps some of the light of its ground

SWAP = ("edit", "--swap", "cat=dog", "--blend-threshold", "0.9", "--format", "png")
DRAWN_ON = ("--no-in-place", "--candidates", "1")  # the object stays where it was drawn


def edited(folder: Path, name: str, *options: str) -> np.ndarray:
    """The edit's frames, which are what its folder keeps without any coding."""
    done(*SWAP, "--name", name, *options)
    frames = every_frame(folder / "edit" / name / "edited")
    assert np.array_equal(frames, load_file(folder / "edit" / name / "edited.safetensors")["frames"].numpy())
    return frames


def source(folder: Path) -> np.ndarray:
    return load_frames(Workspace(folder).newest("source")).pixels


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cat that slides over the grass, inverted by the bundled model."""
    folder = tmp_path_factory.mktemp("drawn")
    write_video(folder / "cat", SCENE.render(4), Fraction(4), format="png")
    options = ("--prompt", SCENE.prompt, "--model", "sprites", "--size", "keep", "--frames", "4")
    done("init", folder / "walk", "--video", folder / "cat", *options)
    done("-w", folder / "walk", "tune", "--steps", "0")
    done("-w", folder / "walk", "invert", "--steps", "8")
    return folder / "walk"


def swapped(walk: Path, *options: str) -> np.ndarray:
    """The frames of a dog in the cat's place, with these options; made once, and then found by its name."""
    name = "-".join(options).strip("-") or "default"
    done("-w", walk, "edit", "--swap", "cat=dog", "--name", name, "--format", "png", *options)
    return every_frame(walk / "edit" / name / "edited")


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--candidates", "0"), DRAWN_ON, ("--no-propagate",)])
def test_pixels_away_from_the_objects_are_the_clips(walk: Path, options: tuple[str, ...]) -> None:
    frames, clip = swapped(walk, *options), source(walk)
    objects = torch.from_numpy(SCENE.masks(4) | SCENE.replace(object="dog").masks(4))
    reach = 16 if "--no-in-place" in options else 12  # pixels; a dog that stays where it was drawn reaches further
    away = max_pool2d(objects.float()[:, None], 2 * reach + 1, stride=1, padding=reach)[:, 0] == 0
    assert away.float().mean() > 0.05 and np.array_equal(frames[away], clip[away])
    assert (frames != clip).any(-1)[SCENE.masks(4)].mean() > 0.9


@pytest.mark.slow
def test_a_carried_object_keeps_one_look(walk: Path) -> None:
    """Brought back along the clip's motion, which is a shift, the frames agree."""
    steady, own = (unsteadiness(swapped(walk, *one), SCENE.poses(4)) for one in (DRAWN_ON, ("--no-propagate",)))
    assert steady < 0.3 * own


@pytest.mark.slow
@pytest.mark.parametrize("given", [False, True])
def test_a_new_ground_leaves_the_object_as_it_was(walk: Path, tmp_path: Path, given: bool) -> None:
    options = []
    if given:
        write_video(
            tmp_path / "mask", np.repeat(~SCENE.masks(4)[..., None] * np.uint8(255), 3, -1), Fraction(4), format="png"
        )
        options = ["--mask", tmp_path / "mask"]
    name = f"sand-{given}"
    done("-w", walk, "edit", "--swap", "grass=sand", "--name", name, "--format", "png", *options)
    frames, clip = every_frame(walk / "edit" / name / "edited"), source(walk)
    object_ = torch.from_numpy(SCENE.masks(4))
    inner = max_pool2d((~object_).float()[:, None], 9, stride=1, padding=4)[:, 0] == 0
    assert (frames == clip).all(-1)[object_ if given else inner].mean() > 0.99
    away = max_pool2d(object_.float()[:, None], 9, stride=1, padding=4)[:, 0] == 0
    assert (frames != clip).any(-1)[away].mean() > 0.99
    ideal = SCENE.replace(place="sand").render(4).astype(float)
    far = abs(clip[away].mean(0) - ideal[away].mean(0)).max()
    assert abs(frames[away].mean(0) - ideal[away].mean(0)).max() < _NEAR * far


@pytest.mark.slow
def test_an_object_and_its_ground_are_edited_each_by_itself(walk: Path) -> None:
    """The dog has one look, and stands on sand; what is edited alone or with --no-per-phrase has one layer."""
    both = ("edit", "--swap", "cat=dog", "--swap", "grass=sand", "--format", "png", "--candidates", "1")
    done("-w", walk, *both, "--name", "layers")
    done("-w", walk, *both, "--name", "at-once", "--no-per-phrase")
    keys = {name: set(load_file(walk / "edit" / name / "latents.safetensors")) for name in ("layers", "at-once")}
    assert keys == {"layers": {"source", "target_1", "target_2"}, "at-once": {"source", "target"}}
    frames, once = (every_frame(walk / "edit" / name / "edited") for name in ("layers", "at-once"))
    assert unsteadiness(frames, SCENE.poses(4)) < 0.3 * unsteadiness(once, SCENE.poses(4))
    objects = torch.from_numpy(SCENE.masks(4) | SCENE.replace(object="dog").masks(4)).float()
    away = max_pool2d(objects[:, None], 25, stride=1, padding=12)[:, 0] == 0
    sand, grass = (SCENE.replace(place=place).render(4)[away].mean(0) for place in ("sand", "grass"))
    assert abs(frames[away].mean(0) - sand).max() < _NEAR * abs(grass - sand).max()
    mask = load_file(walk / "edit" / "layers" / "mask.safetensors")["mask"]
    assert mask.mean() > 0.9  # object and ground are all there is


def test_apart_counts_where_several_phrases_change_alone(work: Make) -> None:
    work("sd2", "invert")

    def runs(*words: str) -> set[str]:
        """Their names, which differ where the edits do."""
        return {done(*SWAP, *words, one, "--json").json["result"]["run"] for one in ("--per-phrase", "--no-per-phrase")}

    assert len(runs()) == len(runs("--swap", "grass=sand", "--no-paste")) == 1
    assert len(runs("--swap", "grass=sand")) == 2


def test_where_a_mixture_of_both_prompts_is_too_long_one_pass_does_it(
    tmp_path: Path, clip: Path, models: dict[str, Path]
) -> None:
    folder, prompt = tmp_path / "long", "a cat on the " + "running " * 18 + "grass"
    options = ("--frames", "3", "--size", "32", "--model", models["sd2"])
    done("init", folder, "--video", clip, "--prompt", prompt, *options)
    done("-w", folder, "tune", "--steps", "0")
    done("-w", folder, "invert", "--steps", "2")
    done("-w", folder, "edit", "--prompt", "a " + "red " * 18 + "dog on the sand", "--name", "long")
    assert set(load_file(folder / "edit" / "long" / "latents.safetensors")) == {"source", "target"}


def test_without_paste_and_carry_the_picture_is_the_models(work: Make) -> None:
    folder = work("sd2", "invert")
    plain = edited(folder, "plain", "--no-paste", "--no-propagate")
    assert not (plain == source(folder)).all(-1).mean() > 0.2


def test_the_same_edit_again_is_the_same(work: Make) -> None:
    folder = work("sd2", "invert")
    first = edited(folder, "dog", "--candidates", "4")
    assert np.array_equal(edited(folder, "dog", "--candidates", "4", "--force"), first)


def test_tries_count_for_what_is_carried_alone(work: Make) -> None:
    folder = work("sd2", "invert")
    names = {
        done(*SWAP, "--no-propagate", "--candidates", count, "--json").json["result"]["run"] for count in ("0", "5")
    }
    assert len(names) == 1
    names = {done(*SWAP, "--candidates", count, "--json").json["result"]["run"] for count in ("0", "2")}
    assert len(names) == 2 and len(list((folder / "edit").iterdir())) == 3


def test_a_given_mask_is_kept_to_the_pixel(work: Make, tmp_path: Path) -> None:
    folder = work("sd2", "invert")
    clip = source(folder)
    white = np.zeros(clip.shape, np.uint8)
    white[:, :, : clip.shape[2] // 2 + 1] = 255  # no multiple of a latent cell's side
    write_video(tmp_path / "mask", white, Fraction(3), format="png")
    done("edit", "--swap", "cat=dog", "--mask", tmp_path / "mask", "--format", "png", "--name", "masked")
    frames, outside = every_frame(folder / "edit/masked/edited"), white[..., 0] == 0
    assert np.array_equal(frames[outside], clip[outside])
    assert not np.array_equal(frames[~outside], clip[~outside])


def test_fewer_than_no_tries_are_refused(work: Make) -> None:
    work("sd2", "invert")
    assert "candidates is -1" in refused(2, "edit", "--swap", "cat=dog", "--candidates", "-1").cause
