"""``vp2p mask``, and edits by --mask-text and --mask-point: by tiny random networks, and by the clip itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from tests.cli.conftest import FRAMES, Make
from tests.cli.running import done, only, refused, snapshot, vp2p
from tests.segmenting import save_detector, save_segmenter

QUICK = ("--candidates", "0", "--no-propagate")
SQUARE = "14,30"  # a pixel of the video's bright square in its first frame
SIDE = 32


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The options that name a tiny SAM 2 and a tiny Grounding DINO model."""
    folder = tmp_path_factory.mktemp("models")
    return (
        *("--segmenter", str(save_segmenter(folder / "sam"))),
        *("--detector", str(save_detector(folder / "dino"))),
    )


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub's cache with nothing in it."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def kept(run: Path) -> np.ndarray:
    """The mask in a run's folder, bool (F, H, W)."""
    mask = load_file(run / "mask.safetensors")["mask"].numpy()
    assert mask.dtype == np.uint8 and mask.shape == (FRAMES, SIDE, SIDE) and set(np.unique(mask)) <= {0, 1}
    return mask > 0


def of_dog(folder: Path) -> np.ndarray:
    return load_file(folder / "edit" / "dog" / "mask.safetensors")["mask"].numpy()


def test_a_point_in_the_videos_pixels_is_grown_and_shown(work: Make) -> None:
    folder = work("words", "init")
    ran = done("mask", "--mask-point", SQUARE, "--as", "square")
    run = only(folder / "mask")
    assert Path(ran.out.strip()) == Path("mask") / run.name / "sheet.png"
    assert (
        "--mask square" in ran.err
        and "found by the clip's colours" in ran.err
        and "hf download facebook/sam2.1-hiera-small" in ran.err
    )
    found = kept(run)
    bright = [(one & known).sum() / known.sum() for one, known in zip(found, _squares(folder))]
    assert min(bright) > 0.9 and found.mean() < 0.4
    before = snapshot(run)
    assert "up to date" in done("mask", "--mask-point", " 14, 30@1 ").err and snapshot(run) == before
    shown = done("show", "mask")
    assert shown.out.strip() == f"show/mask-{run.name}.png"
    assert done("show", "square", "--json").json["result"]["rows"][1] == f"mask of {SQUARE}"
    assert f"mask/{run.name} square" in done("status").out and "mask" in done("log").out
    assert done("verify").code == 0 and "nothing to delete" in done("gc").err


def _squares(folder: Path) -> np.ndarray:
    """Where the frames that are edited are as bright and red as the square."""
    frames = load_file(only(folder / "source") / "frames.safetensors")["frames"].numpy().astype(int)
    return (frames[..., 0] > 180) & (frames[..., 2] < 90)


def test_an_edit_finds_its_mask_once(work: Make) -> None:
    folder = work("words", "invert")
    planned = done("edit", "--swap", "cat=dog", "--mask-point", SQUARE, *QUICK, "-n").out
    assert "mask " in planned and not (folder / "mask").exists()
    ran = done("edit", "--swap", "cat=dog", "--mask-point", SQUARE, *QUICK, "--blend-threshold", "0.5")
    assert "by the clip's colours" in ran.err and "--blend-threshold 0.5 has no effect with --mask-point" in ran.err
    run = only(folder / "mask")
    cells = kept(run).reshape(FRAMES, SIDE // 4, 4, SIDE // 4, 4).mean((2, 4)) >= 0.5
    assert np.array_equal(of_dog(folder) > 0, cells)
    before = snapshot(run)
    done("edit", "--swap", "cat=rabbit", "--mask-point", SQUARE, *QUICK)
    assert snapshot(run) == before
    done("tag", "square", f"mask/{run.name}")
    named = done("edit", "--swap", "cat=rabbit", "--mask", "square", *QUICK)
    assert "edit rabbit: up to date" in named.err
    assert "square" not in done("eval", "dog", "--mask", "square").err
    assert "outlined by “14,30”" in _report(folder)


def _report(folder: Path) -> str:
    done("report")
    return (folder / "report.html").read_text("utf-8")


def test_words_of_the_prompt_are_where_the_model_sees_them(work: Make) -> None:
    folder = work("words", "tune")
    ran = done("mask", "the cat")
    assert "found by the edit model's attention" in ran.err and "hf download IDEA-Research" in ran.err
    run = only(folder / "mask")
    assert kept(run).any()
    record = yaml.safe_load((run / "settings.yaml").read_text())
    assert set(record["parents"]) == {"source", "tune"} and record["settings"]["mask"]["mask_text"] == "the cat"
    assert "up to date" in done("mask", "--mask-text", "The  Cat").err
    assert "no SAM 2" not in done("mask", "cat", "--segmenter", "none").err


def test_networks_find_it_where_they_are_named(work: Make, networks: tuple[str, ...]) -> None:
    folder = work("words", "invert")
    done("mask", "the left rabbit", "--mask-threshold", "0", *networks)
    run = only(folder / "mask")
    first = kept(run)
    assert "found by SAM 2" in done("mask", "the left rabbit", "--mask-threshold", "0", *networks).err
    done("mask", "the left rabbit", "--mask-threshold", "0", *networks, "--force")
    assert np.array_equal(kept(run), first)
    assert set(yaml.safe_load((run / "settings.yaml").read_text())["parents"]) == {"source"}
    words = ("--swap", "cat=dog", "--mask-text", "the left rabbit", "--mask-threshold", "0", *networks, *QUICK)
    done("edit", *words)
    assert len(list((folder / "mask").glob("[!.]*"))) == 1
    done("mask", "--mask-point", "50%,50%", "--mask-point=-10%,10%@2", *networks[:2])
    assert len(list((folder / "mask").glob("[!.]*"))) == 2


def test_a_mask_goes_with_all_that_is_made_from_it(work: Make, tmp_path: Path) -> None:
    folder = work("words", "invert")
    done("edit", "--swap", "cat=dog", "--mask-point", SQUARE, *QUICK)
    run = only(folder / "mask")
    done("export", tmp_path / "walk.tar", "dog")
    done("import", tmp_path / "walk.tar", tmp_path / "there")
    assert (tmp_path / "there" / "mask" / run.name / "manifest.json").is_file()
    assert (
        "up to date" in done("-w", tmp_path / "there", "edit", "--swap", "cat=dog", "--mask-point", SQUARE, *QUICK).err
    )
    doomed = done("gc", f"mask/{run.name}").out
    assert "edit/dog" in doomed and f"mask/{run.name}" in doomed
    done("gc", f"mask/{run.name}", "--yes")
    assert not run.exists() and not (folder / "edit" / "dog").exists() and done("verify").code == 0


def test_a_damaged_mask_is_named_with_the_command_that_makes_it_anew(work: Make) -> None:
    folder = work("words", "init")
    done("mask", "--mask-point", SQUARE)
    (only(folder / "mask") / "mask.safetensors").write_bytes(b"nothing")
    ran = refused(1, "mask", "--mask-point", SQUARE)
    assert "mask.safetensors is damaged" in ran.cause and ran.hint == f"vp2p mask --mask-point {SQUARE} --force"
    done(*ran.hint.split()[1:])
    assert kept(only(folder / "mask")).any()


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        (("--mask-point", "64,10"), "64,10@1 is outside the video, which is 64x64", "x up to 63 and y up to 63"),
        (("--mask-point", "101%,10%"), "no percent is above 100", "--mask-point 50%,50%"),
        (("--mask-point", "10,10@4"), "is in frame 4, but the clip has 3", "from 1 to 3"),
        (("--mask-point", "ten"), "mask_point is 'ten'", "--mask-point 120,80"),
        (("--mask-point=-10,10",), "says what does not belong", "without a minus"),
        (("the dog",), "has 'dog', which the prompt does not have", "hf download IDEA-Research/grounding-dino-tiny"),
        (("the cat", "--mask-text", "cat"), "given twice", "leave out"),
        ((), "Nothing says what the mask is to cover", 'vp2p mask "the cat"'),
        (("cat", "--mask-threshold", "1"), "Nothing in the clip fits 'cat'", "a lower --mask-threshold"),
        (("cat", "--as", "a/b"), "a/b", ""),
    ],
)
def test_mistakes_leave_nothing_behind(work: Make, words: tuple[str, ...], cause: str, hint: str) -> None:
    folder = work("words", "init")
    before = snapshot(folder)
    ran = refused(2, "mask", *words)
    assert cause in ran.cause and hint in ran.hint
    after = snapshot(folder)
    assert not [name for name in set(after) - set(before) if not Path(name).name.startswith(".") and name != "mask"]


def test_words_that_nothing_fits_name_how_sure_the_detector_was(work: Make, networks: tuple[str, ...]) -> None:
    work("words", "invert")
    ran = refused(2, "edit", "--swap", "cat=dog", "--mask-text", "grass", "--mask-threshold", "1", *networks)
    assert "Nothing in the clip fits 'grass': the best match is" in ran.cause
    assert ran.hint.startswith("--mask-threshold 0.") and "other words" in ran.hint
    assert not list(Path("edit").glob("[!.]*")) and not list(Path("mask").glob("[!.]*"))


@pytest.mark.parametrize(
    ("words", "code", "cause"),
    [
        (("--mask-text", "cat", "--mask", "cat.mp4"), 2, "--mask and --mask-text both say where"),
        (("--mask-text", "cat", "--segmenter", "{model}"), 1, "holds no SAM 2 model; it holds a whole model"),
        (("--mask", "nowhere"), 2, "There is no mask nowhere"),
    ],
)
def test_edits_refuse_what_cannot_be(
    work: Make, models: dict[str, Path], words: tuple[str, ...], code: int, cause: str
) -> None:
    work("words", "invert")
    ran = refused(code, "edit", "--swap", "cat=dog", *(word.format(model=models["words"]) for word in words))
    assert cause in ran.cause and ran.hint


def test_a_point_needs_the_video_unless_it_is_in_percents(work: Make) -> None:
    folder = work("words", "init")
    done("mask", "--mask-point", "20%,50%")
    (folder.parent / "clip.mp4").unlink()
    assert "percents" in refused(2, "mask", "--mask-point", SQUARE).hint
    assert "up to date" in done("mask", "--mask-point", "20%,50%").err
    assert vp2p("mask", "--mask-point", "30%,50%").code == 0
