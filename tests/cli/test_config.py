"""``vp2p config``: where each setting comes from, and how one is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.cli.conftest import PROMPT, Make
from tests.cli.running import done, only, refused, snapshot, vp2p
from vp2p.config.change import KEYS, read_value


def settings(*words: str | Path) -> dict[str, tuple[Any, str]]:
    """Every setting's value and origin, as ``vp2p config --json`` tells them."""
    found = done(*words, "config", "--json").json["result"]["settings"]
    return {one["key"]: (one["value"], one["origin"]) for one in found}


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(text)
    return folder / "config.yaml"


def test_every_setting_says_where_it_comes_from(
    work: Make, own_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = work("sd2", "init")
    write(own_folder, "tune:\n  steps: 7\n  seed: 5\n  weight-decay: 0.1\nclip:\n  frames: 2\nmodel:\n  device: cpu\n")
    with open(folder / "vp2p.yaml", "a") as config:
        config.write("tune:\n  steps: 8\n  seed: 6\n")
    monkeypatch.setenv("VP2P_TUNE_STEPS", "9")
    monkeypatch.setenv("VP2P_DTYPE", "fp32")
    monkeypatch.setenv("VP2P_FRAMES", "4")
    found = settings()
    assert tuple(found) == KEYS
    assert found["tune.steps"] == (9, "environment")
    assert found["tune.seed"] == (6, "vp2p.yaml")
    assert found["tune.weight_decay"] == (0.1, "user config")
    assert found["tune.learning_rate"] == (3e-5, "default")
    assert found["model.dtype"] == ("fp32", "environment")
    # The workspace's frames and model were settled by init.
    assert found["clip.frames"] == (3, "vp2p.yaml") and found["model.device"] == ("auto", "vp2p.yaml")
    monkeypatch.chdir(tmp_path)
    outside = settings()
    assert outside["clip.frames"] == (4, "environment")
    assert outside["model.device"] == ("cpu", "user config")
    assert outside["model.model"] == ("sprites", "default")
    assert outside["invert.guidance"] == (3.0, "model card")
    assert settings("-w", folder) == found


def test_the_stages_use_what_config_shows(work: Make, own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "init")
    write(own_folder, "tune:\n  steps: 1\n  seed: 5\n")
    monkeypatch.setenv("VP2P_DTYPE", "fp32")
    shown = settings()
    done("tune")
    manifest = json.loads((only(folder / "tune") / "manifest.json").read_text())
    assert manifest["settings"]["tune"] == {
        key.partition(".")[2]: value for key, (value, _) in shown.items() if key.startswith("tune.")
    }
    assert manifest["settings"]["compute"] == {"dtype": "fp32"}


def test_init_takes_options_then_the_user_config_then_the_template(
    own_folder: Path, clip: Path, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(own_folder, f"clip:\n  frames: 2\n  size: '32'\nmodel:\n  model: {models['sd2']}\ntune:\n  steps: 5\n")
    Path("mine.yaml").write_text("clip:\n  frames: 3\n  fit: pad\ntune:\n  steps: 6\n  seed: 7\n")
    ran = done("init", "work", "--video", clip, "--prompt", PROMPT, "--template", "mine.yaml", "--fit", "stretch")
    assert "tune.steps 5 stands, not the template's 6" in ran.err and "clip.frames 2 stands" in ran.err
    found = settings("-w", "work")
    assert found["clip.frames"] == (2, "vp2p.yaml") and found["clip.fit"] == ("stretch", "vp2p.yaml")
    assert found["model.model"] == (str(models["sd2"]), "vp2p.yaml")
    assert found["tune.steps"] == (5, "user config") and found["tune.seed"] == (7, "vp2p.yaml")


def test_a_new_workspace_is_in_the_number_format_of_this_machine_unless_one_is_said(
    own_folder: Path, clip: Path, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")

    def written(name: str, *options: str, has_bf16: bool = True) -> tuple[Any, str]:
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bf16, raising=False)
        words = ("--video", clip, "--prompt", PROMPT, "--model", models["sd2"], "--device", "cpu", "--frames", "2")
        done("init", name, *words, *options)
        return settings("-w", name)["model.dtype"]

    assert written("new") == ("bf16", "vp2p.yaml")
    assert written("new", has_bf16=False) == ("bf16", "vp2p.yaml")  # it is there already
    assert written("older", has_bf16=False) == written("older") == ("auto", "vp2p.yaml")
    assert written("exact", "--dtype", "fp32") == ("fp32", "vp2p.yaml")
    assert written("asked", "--dtype", "auto") == ("auto", "vp2p.yaml")
    assert written("paper", "--template", "paper") == ("auto", "vp2p.yaml")
    assert written("quick", "--template", "fast") == ("bf16", "vp2p.yaml")
    write(own_folder, "model:\n  dtype: fp32\n")
    assert written("mine") == ("fp32", "vp2p.yaml")


@pytest.mark.parametrize(
    ("text", "cause", "hint"),
    [
        ("tune: {stesp: 1}", "under tune: There is no setting 'stesp'", "did you mean steps?"),
        ("tunes: {steps: 1}", "unknown section 'tunes'", "did you mean tune?"),
        ("tune: {steps: many}", "steps is 'many'", "0 or more, or auto"),
        ("tune: [1", "is not valid YAML", "correct"),
    ],
)
def test_a_wrong_user_config_is_named(work: Make, own_folder: Path, text: str, cause: str, hint: str) -> None:
    folder = work("sd2", "init")
    before = snapshot(folder)
    file = write(own_folder, text)
    for words in (("config",), ("tune",), ("config", "tune.seed", "1", "--user")):
        ran = refused(2, *words)
        assert str(file) in ran.cause and cause in ran.cause and hint in ran.hint
    assert snapshot(folder) == before and file.read_text() == text


def test_one_value_can_be_asked_for_and_changed(work: Make) -> None:
    folder = work("sd2", "init")
    file = folder / "vp2p.yaml"
    file.write_text(file.read_text() + "# mine\ntune:\n  seed: 4  # why\n")
    assert done("config", "tune.steps").out == "auto\n"
    ran = done("config", "tune.steps", "3")
    assert ran.out == "vp2p.yaml\n" and "tune.steps written to vp2p.yaml" in ran.err
    assert file.read_text().endswith("# mine\ntune:\n  seed: 4  # why\n  steps: 3\n")
    assert done("config", "tune.learning-rate").out == "3e-05\n"
    done("config", "tune.steps", "--unset")
    assert done("config", "tune.steps").out == "auto\n"
    assert refused(2, "config", "tune.steps", "--unset").hint.startswith("vp2p config tune.steps")
    lines = [line.split("\t") for line in done("config", "tune").out.splitlines()]
    assert ["tune.steps", "auto", "default"] in lines and ["tune.seed", "4", "vp2p.yaml"] in lines
    assert all(line[0].startswith("tune.") for line in lines)


def test_a_users_value_is_written_and_may_be_overruled(work: Make, own_folder: Path) -> None:
    work("sd2", "init")
    done("config", "tune.steps", "9", "--user")
    assert (own_folder / "config.yaml").read_text() == "tune:\n  steps: 9\n"
    assert done("config", "tune.steps").out == "9\n"
    done("config", "tune.steps", "8")
    assert "in force is 8, from: vp2p.yaml" in done("config", "tune.steps", "7", "--user").err
    ran = done("config", "tune.steps", "--unset", "--json").json["result"]
    assert ran["settings"][0]["value"] == 7 and ran["settings"][0]["origin"] == "user config"


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("tune.learning_rate", "1e-4", 1e-4),
        ("clip.size", "32", "32"),
        ("clip.frames", "all", "all"),
        ("clip.size", "null", None),
        ("edit.swap", "cat=dog grass=sand", ["cat=dog", "grass=sand"]),
        ("edit.no_blend", "true", True),
        ("edit.prompt", "yes", "yes"),
        ("edit.prompt", "a: b # c", "a: b # c"),
        ("invert.null", "per-frame", "per-frame"),
    ],
)
def test_values_are_read_as_the_setting_needs_them(work: Make, key: str, typed: str, value: Any) -> None:
    work("sd2", "init")
    (found,) = done("config", key, typed, "--json").json["result"]["settings"]
    assert (found["value"], found["origin"]) == (value, "vp2p.yaml")


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        (("tune.stesp",), "no setting 'tune.stesp'", "did you mean tune.steps?"),
        (("guidance",), "no setting 'guidance'", "did you mean invert.guidance or edit.guidance?"),
        (("xyz",), "no setting", "vp2p config"),
        (("tune.steps", "many"), "steps is 'many', but must be 0 or more", "vp2p config tune.steps auto"),
        (("tune.steps", "-1"), "No such option", "--help"),
        (("invert.guidance", "nan"), "must be a number", "vp2p config invert.guidance 7.5"),
        (("edit.seed", "x"), "seed is 'x'", "vp2p config edit.seed 1"),
        (("edit.guide", "emty", "--user"), "one of decoupled", "vp2p config edit.guide empty --user"),
        (("tune.steps", "3", "--unset"), "--unset takes no value", "--unset"),
        (("tune.steps", "--user"), "no value to write", "--user"),
        (("tune", "3"), "no setting to change", "vp2p config tune.steps"),
    ],
)
def test_mistakes_change_nothing(work: Make, words: tuple[str, ...], cause: str, hint: str) -> None:
    folder = work("sd2", "init")
    before = snapshot(folder)
    ran = refused(2, "config", *words)
    assert cause in ran.cause and hint in ran.hint
    assert snapshot(folder) == before


def test_settings_that_contradict_each_other_are_refused(work: Make) -> None:
    folder = work("sd2", "init")
    done("config", "clip.fps", "2")
    before = snapshot(folder)
    assert "--fps and --stride" in refused(2, "config", "clip.stride", "2").cause
    (folder / "vp2p.yaml").write_text(
        f"{{format: 1, prompt: a cat, video: a.mp4, # mine\n model: {{model: {json.dumps(str(folder))}}}}}"
    )
    assert "without losing" in refused(2, "config", "tune.steps", "2").cause
    assert before.keys() == snapshot(folder).keys()


def test_without_a_workspace_a_value_needs_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(10, "config", "tune.steps", "3").hint == "vp2p config tune.steps 3 --user"
    assert vp2p("-w", tmp_path, "config").code == 10


@pytest.mark.parametrize(
    "data", [b"prompt: 'a cat", b"- a list", b"tune: 5", b"\xff\xfe", b"tune: {steps: 1", b"a: 1\na: 2"]
)
@pytest.mark.parametrize("user", [(), ("--user",)])
def test_a_damaged_file_is_named_and_not_changed(
    branched: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes, user: tuple[str, ...]
) -> None:
    from vp2p.config.user import user_config

    path = user_config() if user else branched / "vp2p.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(data)
    try:
        ran = refused(2, "config", "tune.steps", "7", *user)
        assert str(path) in ran.cause and path.read_bytes() == data
    finally:
        path.unlink() if before is None else path.write_bytes(before)


@pytest.mark.parametrize(
    ("key", "typed", "stored"),
    [
        ("model.model", "net", "{here}/net"),
        ("model.model_config", "net", "{here}/net"),
        ("model.vae", "net", "{here}/net"),
        ("model.lora", "toon.safetensors:0.8", ["{here}/toon.safetensors:0.8"]),
        ("model.control", "canny=net:0.8", ["canny={here}/net:0.8"]),
        ("model.ip_adapter", "net", "{here}/net"),
        ("model.ip_adapter", "h94/IP-Adapter", "h94/IP-Adapter"),
        ("clip.control_video", "depth=depth.mp4", ["depth={here}/depth.mp4"]),
        ("edit.mask", "toon.safetensors", "{here}/toon.safetensors"),
        ("edit.mask", "named", "named"),
        ("edit.segmenter", "net", "{here}/net"),
        ("edit.detector", "owner/dino", "owner/dino"),
        ("edit.reference", "toon.safetensors:0.6", "{here}/toon.safetensors:0.6"),
    ],
)
def test_paths_hold_from_any_folder(
    key: str, typed: str, stored: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "toon.safetensors").touch()
    monkeypatch.chdir(tmp_path)
    wanted = json.loads(json.dumps(stored).replace("{here}", str(tmp_path)))
    assert read_value(key, typed, "{}") == wanted
    monkeypatch.chdir("/")
    assert wanted == read_value(key, wanted if isinstance(wanted, str) else wanted[0], "{}")


def test_a_path_is_written_as_it_holds_from_any_folder(work: Make) -> None:
    folder = work("sd2", "init")
    (folder / "net").mkdir()
    done("config", "model.control", "canny=net:0.8")
    assert f"canny={folder}/net:0.8" in (folder / "vp2p.yaml").read_text()
