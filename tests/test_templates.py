"""The templates that ``vp2p init --template`` starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vp2p.config.templates import read_template, template_names
from vp2p.errors import UsageError
from vp2p.schema import from_mapping, to_mapping
from vp2p.settings import ClipSettings, EditSettings, InvertSettings, ModelSettings, TuneSettings
from vp2p.workspace.config import WorkspaceConfig, read_config, write_config

FOLDER = Path(__file__).parents[1] / "templates"
NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml"))
SECTIONS = {
    "clip": ClipSettings,
    "model": ModelSettings,
    "tune": TuneSettings,
    "invert": InvertSettings,
    "edit": EditSettings,
}


@pytest.fixture(autouse=True)
def own_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder of templates, empty, in place of the real one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    import platformdirs

    folder = Path(platformdirs.user_config_dir("vp2p")) / "templates"
    assert folder.is_relative_to(tmp_path)
    folder.mkdir(parents=True)
    return folder


def test_names_are_those_of_the_files() -> None:
    assert template_names() == NAMES
    baselines = {"dreamix", "image-p2p", "tune-a-video"}
    assert set(NAMES) == {"fast", "low-memory", "object-swap", "paper", "released", "style"} | baselines


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_valid_and_all_are_taken(name: str) -> None:
    found = read_template(name)
    assert found == yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    assert found
    for section, values in found.items():
        settings = from_mapping(SECTIONS[section], values)
        for key, value in values.items():
            taken = to_mapping(settings)[key]
            assert taken == value and isinstance(taken, type(value))


@pytest.mark.parametrize("name", NAMES)
def test_settings_survive_in_a_workspace(name: str, tmp_path: Path) -> None:
    found = read_template(name)
    config = WorkspaceConfig(
        "a cat on the grass",
        "cat.mp4",
        from_mapping(ClipSettings, found.get("clip", {})),
        from_mapping(ModelSettings, found.get("model", {})),
        {stage: found[stage] for stage in ("tune", "invert", "edit") if stage in found},
    )
    write_config(tmp_path / "vp2p.yaml", config)
    assert read_config(tmp_path / "vp2p.yaml") == config


@pytest.mark.parametrize("name", NAMES)
def test_comment_says_how_to_use_it(name: str) -> None:
    comment = [line for line in (FOLDER / f"{name}.yaml").read_text("utf-8").splitlines() if line.startswith("#")]
    assert any("vp2p init" in line and f"--template {name}" in line for line in comment)


def test_templates_differ_where_they_should() -> None:
    paper, released = (read_template(name) for name in ("paper", "released"))
    assert (paper["tune"]["steps"], paper["invert"]["steps"], paper["invert"]["guidance"]) == (500, 50, 7.5)
    assert (paper["edit"]["cross_replace"], paper["edit"]["blend_threshold"]) == (0.4, 0.3)
    assert (released["edit"]["cross_replace"], released["edit"]["self_replace"]) == (0.2, 0.5)
    assert released["model"]["group_norm"] == "joint"
    assert read_template("fast")["invert"]["method"] == "direct"
    assert read_template("low-memory")["tune"]["gradient_checkpointing"] is True
    assert read_template("style")["edit"]["no_blend"] is True


def test_no_template_is_no_settings() -> None:
    assert read_template(None) == {}


@pytest.mark.parametrize(("typed", "meant"), [("papr", "paper"), ("lowmemory", "low-memory"), ("Fast", "fast")])
def test_unknown_name_suggests_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_template(typed)
    assert typed in caught.value.cause
    assert caught.value.hint == f"did you mean {meant}?"


def test_unknown_name_lists_all() -> None:
    with pytest.raises(UsageError) as caught:
        read_template("xyz")
    assert all(name in caught.value.hint for name in NAMES)


@pytest.mark.parametrize("name", ["../secret", "../templates/paper", "/etc/passwd", "..", ".", "", "sub/own", "own\0"])
def test_name_never_leads_to_another_folder(name: str, own_templates: Path) -> None:
    (own_templates / "sub").mkdir()
    for file in (own_templates.parent / "secret.yaml", own_templates / "sub" / "own.yaml"):
        file.write_text("tune: {steps: 1}\n")
    with pytest.raises(UsageError, match="There is no template"):
        read_template(name)


def test_own_template_is_listed_and_comes_first(own_templates: Path) -> None:
    (own_templates / "mine.yaml").write_text("tune: {steps: 7}\n")
    (own_templates / "paper.yaml").write_text("tune: {steps: 8}\n")
    assert template_names() == sorted([*NAMES, "mine"])
    assert read_template("mine") == {"tune": {"steps": 7}}
    assert read_template("paper") == {"tune": {"steps": 8}}


def test_path_of_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "here.yaml"
    file.write_text("edit:\n  # cross_replace: 0.2\ntune:\n  steps: 3\n")
    assert read_template(str(file)) == {"edit": {}, "tune": {"steps": 3}}


@pytest.mark.parametrize(
    ("text", "cause", "hint"),
    [
        ("tune: [1", "is not valid YAML", "correct"),
        ("tune: !!python/object/apply:os.getcwd []", "is not valid YAML", "correct"),
        ("- tune", "no sections", "sections: clip"),
        ("tune: 300", "no sections", "sections: clip"),
        ("tunes: {steps: 1}", "unknown section 'tunes'", "did you mean tune?"),
        ("tune: {stesp: 1}", "under tune: There is no setting 'stesp'", "did you mean steps?"),
        ("tune: {steps: many}", "under tune: steps is 'many'", "0 or more, or auto"),
        ("tune: {learning_rate: 3e-5}", "learning_rate is '3e-5'", "correct learning_rate"),
        ("edit: {blend_threshold: 3}", "between 0 and 1", "--blend-threshold"),
    ],
)
def test_wrong_file_is_named_with_the_mistake(text: str, cause: str, hint: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_template(str(file))
    assert str(file) in caught.value.cause
    assert cause in caught.value.cause
    assert hint in caught.value.hint
    assert "\n" not in caught.value.cause + caught.value.hint


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone.yaml"):
        read_template(str(tmp_path / "gone.yaml"))
