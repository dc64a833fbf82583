"""``vp2p attention``: where the model sees each word, at every state of a workspace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from tests.cli.conftest import FRAMES, Make
from tests.cli.running import done, only, refused, snapshot
from vp2p.settings import AttentionSettings
from vp2p.stages.attention import plan_attention
from vp2p.stages.session import Session
from vp2p.workspace import Workspace
from vp2p.workspace.tensors import load_metadata


def test_it_works_right_after_init(work: Make, kind: str) -> None:
    folder = work(kind, "init")
    ran = done("attention")
    run = only(folder / "attention")
    assert Path(ran.out.strip()) == Path("attention") / run.name / "sheet.png"
    assert "not tuned yet" in ran.err and '"cat" spread over' in ran.err and "vp2p tune" in ran.err
    maps = load_file(run / "maps.safetensors")["maps"]
    kept = load_metadata(run / "maps.safetensors", "")
    assert [one["word"] for one in kept["words"]] == ["cat", "running", "grass"]
    assert maps.shape[:2] == (3, FRAMES) and maps.min() >= 0 and maps.max() <= 1
    with Image.open(run / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert pixels.shape[0] > 4 * 128  # the clip and three words
    before = snapshot(run)
    assert "up to date" in done("attention").err
    assert snapshot(run) == before


def test_a_tuned_model_is_used_once_there_is_one(work: Make) -> None:
    folder = work("words", "tune")
    tuned = only(folder / "tune").name
    facts = done("attention", "cat", "--json").json["result"]["facts"]
    assert facts["model"] == f"tuned, {tuned}"
    run = only(folder / "attention")
    found = plan_attention(Session(Workspace(folder)), AttentionSettings(words=("cat",)))
    assert (found.run.name, found.parents["tune"].name) == (run.name, tuned)
    assert "up to date" in done("attention", "CAT", "--from", tuned[:6]).err
    assert "attention/" in done("status").out


def test_levels_steps_and_other_prompts(work: Make) -> None:
    folder = work("sd1", "init")
    done("attention", "dog", "--prompt", "a dog is running on the grass", "--level", "all", "--steps", "0.5:0.8")
    run = only(folder / "attention")
    tensors = load_file(run / "maps.safetensors")
    kept = load_metadata(run / "maps.safetensors", "")
    assert kept["prompt"].startswith("a dog") and kept["steps"].startswith("3 timesteps")
    sides = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    assert sides == {"maps": (1, FRAMES, 8, 8), "maps.4": (1, FRAMES, 4, 4), "maps.2": (1, FRAMES, 2, 2)}
    done("attention", "dog", "--prompt", "a dog", "--level", "4")
    assert len(list((folder / "attention").glob("[!.]*"))) == 2


def test_what_is_planned_is_said_and_not_done(work: Make) -> None:
    folder = work("words", "init")
    before = snapshot(folder)
    assert "attention" in done("attention", "cat", "-n").out
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        (("horse",), 'no word "horse"', "words of the prompt"),
        (("cat", "--steps", "0.8:0.2"), "steps is '0.8:0.2'", "such as 0.2:1"),
        (("cat", "--steps", "half"), "steps is 'half'", "such as 0.2:1"),
        (("cat", "--level", "5"), "no maps of 5", "--level"),
        (("cat", "--from", "nope"), "no tune run", "vp2p tune"),
    ],
)
def test_mistakes_leave_nothing_behind(work: Make, words: tuple[str, ...], cause: str, hint: str) -> None:
    folder = work("words", "init")
    before = snapshot(folder)
    ran = refused(2, "attention", *words)
    assert cause in ran.cause and hint in ran.hint
    after = snapshot(folder)
    assert {name for name in after if not Path(name).name.startswith(".")} - set(before) <= {"attention"}


def test_a_prompt_without_words_is_refused(work: Make) -> None:
    work("words", "init")
    ran = refused(2, "attention", "--prompt", "..")
    assert "has no words" in ran.cause and ran.hint.startswith("vp2p attention --prompt")


def test_a_damaged_sheet_is_named_with_the_command_that_makes_it_anew(work: Make) -> None:
    folder = work("words", "init")
    done("attention", "cat", "grass")
    run = only(folder / "attention")
    (run / "sheet.png").write_bytes(b"no picture")
    ran = refused(1, "attention", "cat", "grass")
    assert "sheet.png is damaged" in ran.cause and ran.hint == "vp2p attention cat grass --force"
    done(*ran.hint.split()[1:])
    assert "up to date" in done("attention", "cat", "grass").err
