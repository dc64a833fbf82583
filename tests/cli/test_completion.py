"""Completion looks at what is there: workspaces, runs, words, templates, settings. It never fails or prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tests.cli.conftest import PROMPT, Make
from tests.cli.running import only, snapshot, vp2p
from tests.ip_adapters import save_picture
from vp2p.cli.app import app
from vp2p.cli.completion import completer_of
from vp2p.config.change import KEYS, read_value
from vp2p.schema import options
from vp2p.settings import SECTIONS
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
    # What must be followed by more is followed by it where nothing else fits: shells end a word that is complete.
    assert complete("edit", "--grid", "s") == [
        f"s{rest}="
        for rest in ("wap", "hape_freedom", "elf_replace", "trength", "elf_target", "elf_blend", "egmenter", "eed")
    ]
    assert complete("edit", "--grid", "see") == ["seed=1", "seed=2", "seed=5", "seed=10"]
    assert complete("edit", "--grid", "seed=2,") == ["seed=2,1", "seed=2,5", "seed=2,10"]
    assert complete("edit", "--grid", "propagate=true,f") == ["propagate=true,false"]
    assert complete("edit", "--grid", "reweight=dog:2,") == [f"reweight=dog:2,{one}" for one in ("0.5", "4", "0->3")]
    assert complete("edit", "--grid", "reweight=do") == [f"reweight=dog:{value}" for value in ("0.5", "2", "4", "0->3")]
    assert complete("edit", "--grid", "reweight=dog:2", "sw")[:2] == ["swap=a#1=", "swap=cat="]
    assert complete("mask", '"the d') == ["the dog"]
    assert complete("edit", "--grid", "reweight", "=", "dog", ":", shell="bash") == ["0.5", "2", "4", r"0-\>3"]
    assert complete("edit", "--merge-tokens", "0.") == ["0.1", "0.2", "0.5"]
    assert complete("edit", "--swap", "dog=cow", "--negative-prompt", "d") == ["dog"]
    assert complete("edit", "--prompt", "a\\ cat\\ and") == ["a cat and a dog on the grass"]
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
    assert complete("edit", "--reweight", "grass", ":", shell="bash") == ["0.5", "2", "4", r"0-\>3"]
    # Fish and zsh take an answer for all of the word.
    assert complete("edit", "--swap=cat=du") == ["--swap=cat=duck"]
    assert complete("edit", "--mask-point", "50%,5") == ["50%,50%"]
    assert complete("edit", "--mask-point", "50%,50%@") == ["50%,50%@1", "50%,50%@2", "50%,50%@3"]
    # Bash cuts at this sign, too, and yet puts an answer in its place.
    assert complete("edit", "--mask-point", "50%,50%", "@", "3", shell="bash") == ["@3"]
    assert complete("edit", "--swap", '"cat=dog|d') == ["cat=dog|duck"]
    assert complete("edit", "--swap", '"cat=dog|duck|') == ["cat=dog|duck|sand"]
    assert complete("edit", "--swap", '"cat=dog|d', shell="bash") == ["cat=dog|duck"]  # no cut inside quotes
    assert complete("edit", "--swap", "=", '"cat=du', shell="bash") == ["cat=duck"]
    (copy / "vp2p.json").write_text("no JSON")
    assert complete("edit", "--swap", "cat=") == []
    assert complete("edit", "--swap", "ca") == ["cat="]


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
    assert complete(*init, "tiny", "--vae", "") == ["stabilityai/sd-vae-ft-mse", "tiny", "toon.safetensors"]
    assert complete(*init, "sd15", "--variant", "") == ["fp16", "bf16", "ema"]
    assert complete(*init, "tiny", "--variant", "") == []
    assert complete(*init, "sd15", "--lora", "") == ["toon.safetensors"]
    assert complete(*init, "sd15", "--lora", "toon.safetensors:0") == ["toon.safetensors:0.5", "toon.safetensors:0.8"]
    for place, name in (("own", "ip-adapter.safetensors"), ("hub/models", "ip-adapter_sd15.safetensors")):
        Path(place).mkdir(parents=True)
        Path(place, name).touch()
    assert complete(*init, "sd15", "--ip-adapter", "") == ["hub", "own", "toon.safetensors"]
    for name, told in (
        ("net", {"_class_name": "ControlNetModel"}),
        ("sam", {"model_type": "sam2_video"}),
        ("dino", {"model_type": "grounding-dino"}),
        ("clip", {"model_type": "clip"}),
    ):
        Path(name).mkdir()
        Path(name, "config.json").write_text(json.dumps(told))
        Path(name, "model.safetensors").touch()
    assert complete("edit", "--segmenter", "") == ["none", "facebook/sam2.1-hiera-small", "sam"]
    assert complete("mask", "--detector", "") == ["IDEA-Research/grounding-dino-tiny", "dino"]
    assert complete("eval", "--clip-model", "c") == ["clip"]
    Path("ink").mkdir()
    Path("ink", "ink.safetensors").touch()
    assert complete(*init, "sd15", "--lora", "in") == ["ink"]
    assert complete(*init, "sd15", "--lora", "ink/:0") == ["ink/:0.5", "ink/:0.8"]
    assert complete(*init, "sd15", "--control", "can") == ["canny=net"]
    assert complete(*init, "sd15", "--control", "s") == ["softedge=", "segmentation=", "scribble="]
    assert complete(*init, "sd15", "--control", "canny=") == ["canny=net"]
    assert complete(*init, "sd15", "--control", "canny=net:0") == ["canny=net:0.5", "canny=net:0.8"]
    Path("depth.mp4").touch()
    video = ("--control", "depth=net", "--control-video")
    assert {"depth=depth.mp4", "depth=net/"} < set(complete(*init, "sd15", *video, ""))
    assert complete(*init, "sd15", *video, "depth=de") == ["depth=depth.mp4"]


def test_references(complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dogs").mkdir()
    save_picture(tmp_path / "dogs" / "dog.png")
    (tmp_path / "dogs" / "notes.txt").touch()
    assert complete("edit", "--reference", "") == ["dogs/dog.png"]
    assert complete("edit", "--reference", "dogs/") == ["dogs/dog.png"]
    assert complete("edit", "--reference", "dogs/dog.png:0") == ["dogs/dog.png:0.5", "dogs/dog.png:0.8"]


def test_blanks_and_quotes(complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bash takes answers as they are: blanks need a backslash, but none inside quotes."""
    monkeypatch.chdir(tmp_path)
    for name in ("my cat.mp4", "it's.mp4", "a$b.mp4"):
        (tmp_path / name).touch()
    video = ("init", "walk", "--video")
    assert complete(*video, "") == ["a$b.mp4", "it's.mp4", "my cat.mp4"]
    assert complete(*video, "", shell="bash") == [r"a\$b.mp4", r"it\'s.mp4", r"my\ cat.mp4"]
    assert complete(*video, r"my\ c", shell="bash") == [r"my\ cat.mp4"]
    assert complete(*video, '"my c', shell="bash") == ["my cat.mp4"]
    assert complete(*video, '"a', shell="bash") == [r"a\$b.mp4"]
    assert complete(*video, "'a", shell="bash") == ["a$b.mp4"]
    assert complete(*video, "=", r"my\ c", shell="bash") == [r"my\ cat.mp4"]
    depth = ("init", "walk", "--control-video", "depth", "=")
    assert complete(*depth, '"my', shell="bash") == ["my cat.mp4"]
    assert complete("edit", "--reference", '"my cat.mp4"', ":", shell="bash") == ["0.5", "0.8", "1"]


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
    assert complete("config", "tune.steps", "") == ["auto", "50", "100", "200", "500", "1000"]
    assert complete("tune", "--steps", "1") == ["100", "1000"]
    assert complete("ui", "--port", "78") == ["7860"]
    assert len(complete("ui", "--token", "")[0]) == 32


# What no completion can know; the shell offers its own files and folders for a new one.
FREE = {
    **{("init", "folder"): "a new folder", ("init", "prompt"): "what the video shows"},
    **{(command, "folder"): "a new folder" for command in ("demo", "import")},
    **{("draw", "video"): "a new file", ("export", "target"): "a new file"},
    **{("diff", "sheet"): "a new file", ("show", "out"): "a new file"},
}


@pytest.fixture
def everything(work: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the current one, with a workspace at each stage and files of all kinds."""
    folder = work("sd2", "edit")
    (run,) = Workspace(folder).runs("tune")
    Tags(folder).set("good", run)
    monkeypatch.chdir(tmp_path)
    for name in ("toon.safetensors", "cat.mp4", "dog.png", "plan.yaml", "walk.tar.gz", "ip/ip-adapter.safetensors"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    for name, told in (("net", {"_class_name": "ControlNetModel"}), ("model/unet", {"_class_name": "UNet"})):
        Path(name).mkdir(parents=True)
        Path(name, "config.json").write_text(json.dumps(told))
    return folder.relative_to(tmp_path)


def test_every_option_that_takes_a_value_is_completed(everything: Path) -> None:
    group, lacking = typer.main.get_command(app), []
    with group.make_context("vp2p", ["-w", str(everything)], resilient_parsing=True) as whole:
        for name, command in group.commands.items():
            words = ["tune.steps"] if name == "config" else []
            with command.make_context(name, words, parent=whole, resilient_parsing=True) as context:
                for one in command.get_params(context):
                    takes = not (getattr(one, "is_flag", False) or getattr(one, "hidden", False))
                    if takes and not one.shell_complete(context, "") and (name, one.name) not in FREE:
                        lacking.append(f"{name} {one.name}")
    assert not lacking


def test_what_is_offered_for_a_setting_is_accepted(everything: Path) -> None:
    group = typer.main.get_command(app)
    with group.make_context("vp2p", ["-w", str(everything)], resilient_parsing=True) as context:
        for key in KEYS:
            section, _, name = key.partition(".")
            (one,) = (one for one in options(SECTIONS[section]) if one.name == name)
            for answer in completer_of(one)(context, ""):
                if not answer.endswith(("=", ":", "/")):
                    read_value(key, str(answer), "{}")


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
