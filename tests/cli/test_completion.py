"""Completion looks at what is there: workspaces, runs, words, templates, settings. It never fails or prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PROMPT, Make
from tests.cli.running import only, snapshot, vp2p
from tests.ip_adapters import save_picture
from vp2p.workspace import Workspace
from vp2p.workspace.tags import Tags

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "diffusers", "transformers", "av", "numpy", "PIL", "safetensors", "huggingface_hub"}


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch):
    """A function that gives the answers to what is typed, its last word unfinished, in a shell."""

    def answers(*words: str | Path, shell: str = "fish") -> list[str]:
        with monkeypatch.context() as context:
            context.setenv("_VP2P_COMPLETE", f"complete_{shell}")
            if shell == "bash":  # words are as bash cuts them
                context.setenv("COMP_WORDS", "\n".join(["vp2p", *map(str, words)]))
                context.setenv("COMP_CWORD", str(len(words)))
            else:
                context.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
                context.setenv("_TYPER_COMPLETE_ARGS", " ".join(["vp2p", *map(str, words)]))
            ran = vp2p()
        assert (ran.code, ran.err) == (0, "")
        return [line.partition("\t")[0] for line in ran.out.splitlines() if line]

    return answers


def test_words_of_the_prompt(work: Make, complete) -> None:
    folder = work("sd2", "init")
    file = folder / "vp2p.yaml"
    file.write_text(file.read_text().replace(PROMPT, "a cat and a dog on the grass"))
    assert complete("edit", "--swap", "") == ["a#1=", "cat=", "and=", "a#2=", "dog=", "on=", "the=", "grass="]
    assert complete("edit", "--blend", "g") == ["grass"]
    assert complete("edit", "--reweight", "do") == ["dog:0.5", "dog:2", "dog:4", "dog:0->3"]
    assert complete("edit", "--swap", "cat=tiger", "--reweight", "tiger:0") == ["tiger:0.5", "tiger:0->3"]
    assert complete("edit", "--swap", "cat=tiger", "--window", "cat") == []
    assert complete("edit", "--grid", "cross") == ["cross_replace="]
    assert complete("edit", "--grid", "reweight=do") == [f"reweight=dog:{value}" for value in ("0.5", "2", "4", "0->3")]
    assert complete("edit", "--grid", "reweight=dog:2", "sw") == ["swap="]
    assert complete("edit", "--grid", "reweight", "=", "dog", ":", shell="bash") == ["0.5", "2", "4"]
    assert complete("edit", "--merge-tokens", "0.") == ["0.3", "0.5", "0.7"]
    assert complete("edit", "--prompt", "sand", "--window", "sand=0:") == ["sand=0:0.4", "sand=0:0.8", "sand=0:1"]


def test_words_that_the_model_was_taught(work: Make, complete) -> None:
    folder = work("sd2", "init")
    card = {"words": ["cat", "dog", "duck", "sand"]}
    copy = folder.parent / "model"
    copy.mkdir()
    (copy / "vp2p.json").write_text(json.dumps(card))
    text = (folder / "vp2p.yaml").read_text().splitlines()
    text = [f"  model: {copy}" if line.startswith("  model: ") else line for line in text]
    (folder / "vp2p.yaml").write_text("\n".join(text))
    assert complete("edit", "--swap", "cat=") == ["cat=dog", "cat=duck", "cat=sand"]
    assert complete("edit", "--swap", "cat=d") == ["cat=dog", "cat=duck"]
    # Bash cuts the word at the sign, and takes an answer for what follows it.
    assert complete("edit", "--swap", "cat", "=", "d", shell="bash") == ["dog", "duck"]
    assert complete("edit", "--swap", "cat", "=", shell="bash") == ["dog", "duck", "sand"]
    assert complete("edit", "--swap", "=", "cat", "=", "s", shell="bash") == ["sand"]
    assert complete("edit", "--swap", "cat", "=", "sand", "--blend", "s", shell="bash") == ["sand"]
    assert complete("edit", "--reweight", "grass", ":", shell="bash") == ["0.5", "2", "4"]
    assert complete("edit", "--swap", '"cat=dog|d') == ["cat=dog|duck"]
    assert complete("edit", "--swap", '"cat=dog|duck|') == ["cat=dog|duck|sand"]
    assert complete("edit", "--swap", '"cat=dog|d', shell="bash") == ["cat=dog|duck"]  # no cut inside quotes
    assert complete("edit", "--swap", "=", '"cat=du', shell="bash") == ["cat=duck"]
    (copy / "vp2p.json").write_text("no JSON")
    assert complete("edit", "--swap", "cat=") == ["cat="]


def test_models(complete, sd2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").symlink_to(sd2_folder)
    for name in ("toon.safetensors", "toon.ckpt"):
        (tmp_path / name).touch()
    init = ("init", "walk", "--model")
    assert complete(*init, "t") == ["tiny", "toon.safetensors"]
    assert complete("models", "t") == ["tiny", "toon.safetensors"]
    assert complete("models", "toon.safetensors", "--model-config", "") == ["tiny"]
    assert complete(*init, "s") == ["sprites", "sd15", "sd21", "sdxl"]
    assert complete(*init, "toon.safetensors", "--model-config", "") == ["tiny"]
    assert complete(*init, "tiny", "--vae", "") == ["tiny", "toon.safetensors"]
    assert complete(*init, "sd15", "--variant", "") == ["fp16", "bf16", "ema"]
    assert complete(*init, "tiny", "--variant", "") == []
    assert complete(*init, "sd15", "--lora", "") == ["toon.safetensors"]
    assert complete(*init, "sd15", "--lora", "toon.safetensors:0") == ["toon.safetensors:0.5", "toon.safetensors:0.8"]
    for place, name in (("own", "ip-adapter.safetensors"), ("hub/models", "ip-adapter_sd15.safetensors")):
        Path(place).mkdir(parents=True)
        Path(place, name).touch()
    assert complete(*init, "sd15", "--ip-adapter", "") == ["hub", "own", "toon.safetensors"]
    Path("net").mkdir()
    Path("net", "config.json").touch()
    assert complete(*init, "sd15", "--control", "can") == ["canny="]
    assert complete(*init, "sd15", "--control", "canny=") == ["canny=net"]
    assert complete(*init, "sd15", "--control", "canny=net:0") == ["canny=net:0.5", "canny=net:0.8"]
    assert complete(*init, "sd15", "--control", "depth=net", "--control-video", "") == ["depth="]
    assert complete(*init, "sd15", "--control-video", "depth=ne") == ["depth=net/"]


def test_references(complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dogs").mkdir()
    save_picture(tmp_path / "dogs" / "dog.png")
    (tmp_path / "dogs" / "notes.txt").touch()
    assert complete("edit", "--reference", "") == ["dogs"]
    assert complete("edit", "--reference", "dogs/") == ["dogs/dog.png"]
    assert complete("edit", "--reference", "dogs/dog.png:0") == ["dogs/dog.png:0.4", "dogs/dog.png:0.6"]


def test_workspaces_and_runs(work: Make, complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "edit")
    (run,) = Workspace(folder).runs("tune")
    Tags(folder).set("good", run)
    tuned, inverted = only(folder / "tune").name, only(folder / "invert").name
    assert complete("invert", "--from", "") == [tuned, "good"]
    assert complete("edit", "--from", "") == [inverted]
    assert complete("edit", "--name", "") == ["dog"]
    monkeypatch.chdir(tmp_path)
    assert complete("edit", "--from", "") == []
    assert complete("-w", "at/work", "edit", "--from", inverted[:4]) == [inverted]
    assert complete("-w", "") == ["at/work"]
    monkeypatch.chdir(folder / "edit")
    assert complete("-w", "../../w") == ["../../work"]


def test_templates_models_and_settings(
    complete, own_folder: Path, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (own_folder / "templates").mkdir(parents=True)
    (own_folder / "templates" / "fancy.yaml").touch()
    (tmp_path / "far.yaml").touch()
    assert complete("init", "work", "--template", "fa") == ["fancy", "fast", "far.yaml"]
    assert complete("init", "work", "--model", "s") == ["sprites", "sd15", "sd21", "sdxl"]
    assert complete("init", "work", "--model", f"{models['sd2'].parent}/tiny") == [str(models["sd2"])]
    assert complete("config", "tune.s") == ["tune.steps", "tune.seed"]
    assert complete("config", "invert.method", "d") == ["ddim", "direct"]
    assert complete("config", "edit.no_blend", "") == ["true", "false"]
    assert complete("config", "tune.steps", "") == []


@pytest.mark.parametrize("text", ["tune: [1", "", "format: 99"])
def test_a_broken_workspace_is_no_matter(work: Make, complete, text: str) -> None:
    folder = work("sd2", "tune")
    (folder / "vp2p.yaml").write_text(text)
    run = only(folder / "tune")
    for name in ("settings.yaml", "manifest.json"):
        (run / name).write_text("{")
    before = snapshot(folder)
    for words in (("edit", "--swap", ""), ("invert", "--from", ""), ("edit", "--window", "c"), ("config", "zz", "")):
        assert complete(*words) == []
    assert snapshot(folder) == before


def test_nothing_heavy_is_imported(work: Make) -> None:
    work("sd2", "edit")
    code = """
import contextlib, io, json, os, sys
from vp2p.cli.app import main
os.environ["_VP2P_COMPLETE"], os.environ["_TYPER_COMPLETE_FISH_ACTION"] = "complete_fish", "get-args"
answers = []
for words in json.loads(sys.argv[1]):
    os.environ["_TYPER_COMPLETE_ARGS"] = "vp2p " + words
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main()
    answers.append(out.getvalue())
print(json.dumps([answers, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
    cases = [
        "edit --swap c",
        "edit --from ",
        "invert --from ",
        "init x --template f",
        "-w .",
        "config t",
        "init x --model s",
    ]
    ran = subprocess.run(
        [sys.executable, "-c", code, json.dumps(cases)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    answers, imported = json.loads(ran.stdout)
    assert "cat=" in answers[0] and answers[1].strip() and answers[2].strip() and "fast" in answers[3]
    assert not HEAVY & set(imported)
