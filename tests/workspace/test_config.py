"""vp2p.yaml: round trip, and every mistake of a hand that edits it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vp2p.errors import UsageError
from vp2p.settings import ClipSettings, ModelSettings
from vp2p.workspace.config import WorkspaceConfig, read_config, write_config

_HEAD = "format: 1\nprompt: a cat\nvideo: cat.mp4\n"


@pytest.mark.parametrize(
    "prompt",
    ["a cat", "a 猫 and a 😀", 'it\'s "quoted": #1', "no", "1", "null", "- x", "two\nlines", "tab\t", "\u2028x\x85",
     "{a}", "w " * 200],
)  # fmt: skip
def test_round_trip(tmp_path: Path, prompt: str) -> None:
    clip = ClipSettings(frames="all", start=1.5, end=2.0, size="512x320")
    model = ModelSettings(model="sd15")
    config = WorkspaceConfig(prompt, "../Videos/猫 1.mp4", clip, model, {"edit": {"guidance": 5.0}})
    write_config(tmp_path / "vp2p.yaml", config)
    assert read_config(tmp_path / "vp2p.yaml") == config
    keys = list(yaml.safe_load((tmp_path / "vp2p.yaml").read_bytes()))
    assert keys == ["format", "prompt", "video", "clip", "model", "edit"]


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    (tmp_path / "vp2p.yaml").write_text(_HEAD + "clip:\n  frames: 3\ntune:\n  learning-rate: 1e-4\nmodel:\n")
    with pytest.raises(UsageError, match="learning_rate is '1e-4'"):
        read_config(tmp_path / "vp2p.yaml")
    (tmp_path / "vp2p.yaml").write_text(_HEAD + "clip:\n  frames: 3\ntune:\n  learning-rate: 0.0001\nmodel:\n")
    config = read_config(tmp_path / "vp2p.yaml")
    assert config.clip.frames == 3 and config.clip.fit == "crop" and config.model == ModelSettings()
    assert config.stages == {"tune": {"learning_rate": 0.0001}}


@pytest.mark.parametrize(
    ("text", "cause", "hint"),
    [
        (_HEAD + "clip: {frames: [}\n", "line 4", "correct"),
        (_HEAD + "\tx: 1\n", "line 4", "correct"),
        ("", "holds no keys", "key: value"),
        ("- a\n", "holds no keys", "key: value"),
        (_HEAD + "promt: x\n", "no key 'promt'", "did you mean prompt?"),
        (_HEAD + "5: x\n", "no key 5", "known: format"),
        (_HEAD + "clip:\n  frame: 3\n", "under clip: There is no setting 'frame'", "did you mean frames?"),
        (_HEAD + "clip:\n  frames: 0\n", "under clip: frames is 0", "--frames"),
        (_HEAD + "clip: 3\n", "clip is 3", "under clip"),
        (_HEAD + "edit:\n  guidance: high\n", "under edit: guidance is 'high'", "guidance"),
        (_HEAD + "model:\n  device: tpu\n", "under model: device is 'tpu'", "device"),
        (_HEAD.replace("1", "2"), "format 2", "upgrade"),
        (_HEAD.replace("1", "0"), "format is 0", "format: 1"),
        (_HEAD.replace("1", "true"), "format is True", "format: 1"),
        ("prompt: a\nvideo: b\n", "format is None", "format: 1"),
        ("format: 1\nvideo: b\n", "prompt is None", "prompt:"),
        (_HEAD.replace("a cat", "no"), "prompt is False", "prompt:"),
        (_HEAD.replace("a cat", '" "'), "prompt is empty", "prompt"),
        (_HEAD.replace("cat.mp4", '"a\\0b"'), "null character", "video"),
        (_HEAD + "when: 2001-99-99\n", "not valid YAML", "correct"),
        (_HEAD + "clip: !!python/object/apply:os.getcwd []\n", "line 4", "correct"),
        ("[" * 1200, "not valid YAML", "correct"),
    ],
)
def test_each_mistake_names_the_file_and_the_way_on(tmp_path: Path, text: str, cause: str, hint: str) -> None:
    path = tmp_path / "vp2p.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_config(path)
    assert str(path) in caught.value.cause and cause in caught.value.cause
    assert hint in caught.value.hint


def test_bytes_that_are_no_text_and_no_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "vp2p.yaml").write_bytes(b"prompt: \xff\xfe\n")
    with pytest.raises(UsageError, match="not valid YAML"):
        read_config(tmp_path / "vp2p.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path)


def test_a_prompt_that_is_not_unicode() -> None:
    with pytest.raises(UsageError, match="not valid Unicode"):
        WorkspaceConfig(prompt="a \udcff", video="v.mp4")
