"""``--dry-run`` says what the command would then do, and does nothing."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import INVERT, PROMPT, TUNE, Make
from tests.cli.running import done, only, refused, snapshot, vp2p
from tests.cli.test_signals import logged, sent
from vp2p.stages.redo import redo, run_command
from vp2p.workspace import Workspace


def told(*words: str | Path) -> list[tuple[str, str, str]]:
    """The stages, states and reasons that a dry run tells, as JSON and as lines, having changed nothing."""
    before = snapshot(Path.cwd())
    stages = done(*words, "-n", "--json").json["result"]["stages"]
    lines = done(*words, "--dry-run").out.splitlines()
    assert lines == ["{stage} {run}: {state} ({why})".format(**one) for one in stages]
    assert snapshot(Path.cwd()) == before
    return [(one["stage"], one["state"], one["why"]) for one in stages]


def test_what_is_new_and_what_is_finished(work: Make) -> None:
    work("sd2", "invert")
    ready = [("source", "up to date", "finished"), ("tune", "up to date", "finished")]
    assert told(*TUNE) == ready
    (stage, state, why) = told("tune", "--steps", "3", "--learning-rate", "0.01")[-1]
    assert (stage, state) == ("tune", "run") and "steps 3" in why and "learning_rate" not in why
    assert told(*INVERT) == [*ready, ("invert", "up to date", "finished")]
    (*_, (stage, state, why)) = told("invert", "--method", "direct")
    assert (stage, state) == ("invert", "run") and "method direct" in why
    (*parents, (stage, state, why)) = told("edit", "--swap", "cat=dog")
    assert parents == [*ready, ("invert", "up to date", "finished")]
    assert (stage, state, why) == ("edit", "run", "no edit run is finished yet")
    assert told(*TUNE, "--force")[-1] == ("tune", "run", "--force redoes it")


def test_the_edit_that_is_told_of_is_the_one_that_is_made(work: Make) -> None:
    folder = work("sd2", "invert")
    run = done("edit", "--swap", "cat=dog", "-n", "--json").json["result"]["stages"][-1]["run"]
    done("edit", "--swap", "cat=dog")
    assert only(folder / "edit").name == run
    assert told("edit", "--swap", "cat=dog")[-1] == ("edit", "up to date", "finished")


def test_what_was_interrupted_is_resumed(work: Make) -> None:
    folder = work("sd2", "init")
    with sent(signal.SIGINT, logged(folder, "tune")):
        assert vp2p("tune", "--steps", "400").code == 130
    (stage, state, why) = told("tune", "--steps", "400")[-1]
    assert (stage, state) == ("tune", "resume") and why.startswith("interrupted after step ")


def test_no_weights_are_needed(work: Make, models: dict[str, Path], tmp_path: Path, clip: Path) -> None:
    """Weights that are no numbers are no matter to a dry run, so none is read but for its length and checksum."""
    folder = work("sd2", "init")
    broken = shutil.copytree(models["sd2"], tmp_path / "broken")
    for file in broken.rglob("*.safetensors"):
        header = b'{"x": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}'
        file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    config = (folder / "vp2p.yaml").read_text().replace(str(models["sd2"]), str(broken))
    (folder / "vp2p.yaml").write_text(config)
    assert told("tune")[-1][:2] == ("tune", "run")
    refused(1, "tune", "--steps", "1")


def test_init_checks_everything_and_makes_nothing(
    models: dict[str, Path], clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--video", clip, "--model", models["sd2"], "--size", "32", "--frames", "4")
    assert told("init", "work", "--prompt", PROMPT, *options) == [("init", "run", "4 frames of 32x32, 4 fps")]
    for code, words in (
        (2, ("--prompt", " ".join(["cat"] * 40), *options)),
        (1, ("--prompt", PROMPT, "--video", "gone.mp4", *options[2:])),
        (1, ("--prompt", PROMPT, *options, "--model", "gone")),
        (2, ("--prompt", PROMPT, *options, "--template", "gone")),
    ):
        assert refused(code, "init", "work", *words, "--dry-run").hint
    assert list(tmp_path.iterdir()) == []


def test_mistakes_are_those_of_the_command(work: Make) -> None:
    work("sd2", "tune")
    assert refused(1, "edit", "--swap", "cat=dog", "-n").hint == "vp2p invert"
    assert refused(2, "invert", "--from", "gone", "-n").cause == refused(2, "invert", "--from", "gone").cause


def test_a_weight_that_changes_is_told_and_is_an_edit_of_its_own(work: Make) -> None:
    folder = work("sd2", "invert")
    words = ("edit", "--reweight", "cat:0->3", "--no-propagate")
    told = "note: cat weighs 0 at the first step, and 3 at the last"
    assert told in done(*words, "-n").err
    ran = done(*words)
    assert told in ran.err and ran.out.strip() == "edit/cat-0-to-3/edited.mp4"
    assert "edit cat-3: run" in done("edit", "--reweight", "cat:3", "--no-propagate", "-n").out
    run = Workspace(folder, redo).by_name("edit", "cat-0-to-3")
    assert run.record().settings["edit"]["reweight"] == ["cat:0->3"] and "'cat:0->3'" in run_command(run)
    assert f"{PROMPT} · cat:0->3" in done("show", "--json").json["result"]["rows"]
