"""Reading a plan: what it expands to, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from vp2p.batch.plan.diagnostics import Diagnostic, Diagnostics, PlanError
from vp2p.batch.plan.read import Item, read_plan
from vp2p.errors import UsageError

HEAD = "format: 1\nvideos: [{video: cat.mp4, prompt: a cat}]\n"
Read = Callable[[str], list[Item]]
Wrong = Callable[[str], list[Diagnostic]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The items of a plan that has no mistakes."""

    def _read(text: str) -> list[Item]:
        (tmp_path / "plan.yaml").write_text(text)
        plan, mistakes = read_plan(tmp_path / "plan.yaml")
        mistakes.check()
        return list(plan.items)

    return _read


@pytest.fixture
def wrong(tmp_path: Path) -> Wrong:
    """The mistakes of a plan that has some."""

    def _wrong(text: str) -> list[Diagnostic]:
        (tmp_path / "plan.yaml").write_text(text)
        with pytest.raises(PlanError) as caught:
            read_plan(tmp_path / "plan.yaml")[1].check()
        assert caught.value.path == tmp_path / "plan.yaml"
        return list(caught.value.diagnostics)

    return _wrong


def test_videos_settings_and_edits_are_multiplied(read: Read, tmp_path: Path) -> None:
    items = read(
        """
        format: 1
        videos:
          - {video: a/cat.mp4, prompt: a cat}
          - {video: b/cat.mp4, prompt: a cat, name: other}
        settings: [{name: short}, {name: long, tune: {steps: 900}}]
        matrix: {invert.method: [direct, null-text], tune.seed: [1]}
        edits:
          - {swap: cat=dog}
          - {prompt: a red cat, name: red, except: other}
        """
    )
    assert len(items) == 2 * 2 * 2 * 2 - 4
    assert {item.video for item in items} == {"cat", "other"}
    assert {item.settings for item in items} == {
        f"{name}-method-{method}-seed-1" for name in ("short", "long") for method in ("direct", "null-text")
    }
    assert {(item.video, item.edit) for item in items} == {("cat", "dog"), ("cat", "red"), ("other", "dog")}
    assert items[0].path == tmp_path / "a" / "cat.mp4" and items[0].line == 9 and items[0].video_line == 4
    long = [item for item in items if item.settings.startswith("long")]
    assert all(item.sections["tune"] == {"steps": 900, "seed": 1} for item in long)


def test_the_nearer_setting_counts(read: Read) -> None:
    items = read(
        """
        format: 1
        template: fast
        defaults: {tune: {steps: 1, seed: 1, weight-decay: 1}, edit: {blend-start: 0.1}}
        videos:
          - {video: cat.mp4, prompt: a cat, tune: {steps: 2, seed: 2}, edits: [{name: own, swap: cat=dog}]}
          - {video: dog.mp4, prompt: a dog}
        settings: [{name: plain}, {name: third, tune: {seed: 3}}]
        overrides:
          - {videos: cat, settings: [third], tune: {seed: 4}}
          - {edits: own, edit: {blend_start: 0.5}}
        """
    )
    cat, other, dog, _ = items
    assert cat.sections["tune"] == {"steps": 2, "seed": 2, "weight_decay": 1}
    assert other.sections["tune"]["seed"] == 4 and other.base["tune"]["seed"] == 2
    assert dog.sections["tune"]["steps"] == 1 and dog.edit is None
    assert cat.sections["edit"] == {"blend_start": 0.5, "swap": "cat=dog"} and cat.sections["invert"]["steps"] == 20


def test_edits_of_a_video_are_added_or_replace(read: Read) -> None:
    text = """
        format: 1
        videos: [{video: cat.mp4, prompt: a cat, edits: [{name: dog, swap: cat=fox}, {swap: cat=cow, format: gif}]}]
        edits: [{name: dog, swap: cat=dog}, {name: bird, swap: cat=bird}]
    """
    assert [(item.edit, item.sections["edit"]["swap"], item.format) for item in read(text)] == [
        ("dog", "cat=fox", "mp4"),
        ("bird", "cat=bird", "mp4"),
        ("cow", "cat=cow", "gif"),
    ]


def test_all_mistakes_are_told_at_once_with_their_lines(wrong: Wrong) -> None:
    found = wrong(
        """format: 1
defaults:
  tune: {stesp: 3}
  clip:
    frames: 0
    frames: 4
videos:
  - video: cat.mp4
  - {video: cat.mp4, prompt: a cat}
  - {video: b/Cat.mp4, prompt: a cat, name: ../x}
  - {video: c/CAT.mp4, prompt: a cat}
matrix:
  tune.stepps: [1]
  steps: [1]
edits:
  - {swap: 7, name: x, only: dog}
  - {swap: cat=dog, prompt: a dog}
  - {swap: cat=dog}
overrides: [{edits: dgo}]
resources: {tune: {gpus: -1, memory: much}}
surplus: 1
"""
    )
    told = [(mistake.line, mistake.cause, mistake.hint) for mistake in found]
    for line, cause, hint in [
        (3, "There is no setting 'stesp'", "did you mean steps?"),
        (5, "frames is 0", ""),
        (6, "The key 'frames' is there twice", "line 5"),
        (8, "prompt is None", "write prompt"),
        (10, "'../x' cannot be the name of a video", "letters, digits"),
        (11, "Two videos are called CAT, here and at line 9", ""),
        (13, "There is no setting 'stepps'", "did you mean steps?"),
        (14, "The matrix key 'steps' names no setting", "tune.steps"),
        (16, "swap is 7", ""),
        (17, "--prompt and --swap both", "only one"),
        (18, "Two edits are called dog, here and at line 17", ""),
        (16, "for a video 'dog', which the plan does not have", "videos: "),
        (19, "There is no edit 'dgo'", "did you mean dog?"),
        (20, "gpus is -1", ""),
        (20, "memory is 'much'", "20GB"),
        (21, "no key 'surplus'", ""),
    ]:
        assert any(at == line and cause in what and hint in how for at, what, how in told), (line, cause, told)
    assert [mistake.line for mistake in found] == sorted(mistake.line for mistake in found)


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("", 1, "format is None"),
        ("- 1", 1, "must hold keys"),
        ("7", 1, "must hold keys"),
        ("format: 2", 1, "reads up to 1"),
        ("format: 1\nvideos: []", 2, "names no videos"),
        ("format: 1\nvideos: [", 2, "not valid YAML"),
        ("format: 1\nx: \x00", 1, "not valid YAML"),
        (HEAD + "edits: &a [*a]", 3, "nested too deeply"),
        (HEAD + "edits: " + "[" * 1500, 1, "nested too deeply"),
        (HEAD + "edits: {swap: cat=dog}", 3, "must be a list"),
        (HEAD + "edits: [7]", 3, "must hold keys"),
        (HEAD + "edits: [{swap: cat=dog, format: avi}]", 3, "format is 'avi'"),
        (HEAD + "edits: [{mask: none.mp4, swap: cat=dog}]", 3, "no mask none.mp4"),
        (HEAD + "edits: [{reference: 'none.png:0.5', swap: cat=dog}]", 3, "no picture none.png:0.5"),
        (HEAD + "template: ../x", 3, "no template"),
        (HEAD + "matrix: {tune.steps: 3}", 3, "must be a list"),
        (HEAD + "matrix: {tune.seed: " + str(list(range(1001))) + "}", 3, "more than 1000"),
        (HEAD + "settings: [{tune: {steps: 1}}]", 3, "name of a variant"),
        (HEAD + "settings: [{name: a}, {name: a}]", 3, "Two variants are called a"),
        (HEAD + "defaults: {<<: {a: 1}}", 3, "key must be plain"),
        (HEAD + "defaults: {model: {model: spritez}}", 3, "no model 'spritez'"),
        (HEAD + "defaults: !!python/object/apply:os.getcwd []", 3, "no values of the kind"),
        (HEAD + "template: !!python/name:os.system x", 3, "cannot be read as"),
        (HEAD + "defaults: {tune: {steps: 0x" + "f" * 9000 + "}}", 3, "too large"),
        (HEAD + "resources: {tune: {gpus: 1.5}}", 3, "whole number"),
    ],
)
def test_a_mistake(wrong: Wrong, text: str, line: int, cause: str) -> None:
    found = wrong(text)
    assert any(mistake.line == line and cause in mistake.cause for mistake in found), found
    assert all(mistake.cause and mistake.hint and "\n" not in mistake.cause + mistake.hint for mistake in found)


def test_paths_of_a_model_start_at_the_plan(read: Read, tmp_path: Path) -> None:
    for name in ("toon.safetensors", "vae.safetensors", "ink.safetensors"):
        (tmp_path / name).touch()
    (tmp_path / "tiny").mkdir()
    options = "model: toon.safetensors, model_config: tiny, vae: vae.safetensors, lora: [ink.safetensors:0.5, other/]"
    (item,) = read(f"{HEAD}edits: [{{swap: cat=dog}}]\ndefaults: {{model: {{{options}}}}}")
    assert item.sections["model"] == {
        "model": str(tmp_path / "toon.safetensors"),
        "model_config": str(tmp_path / "tiny"),
        "vae": str(tmp_path / "vae.safetensors"),
        "lora": [str(tmp_path / "ink.safetensors:0.5"), str(tmp_path / "other")],
    }
    (item,) = read(f"{HEAD}edits: [{{swap: cat=dog}}]\ndefaults: {{model: {{vae: owner/vae, lora: ink.safetensors}}}}")
    assert item.sections["model"] == {"vae": "owner/vae", "lora": [str(tmp_path / "ink.safetensors")]}


def test_controls_are_found_from_the_plan(read: Read, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "depth.mp4").touch()
    options = "model: {control: [depth=net:0.5, canny=owner/net]}, clip: {control_video: depth=depth.mp4}"
    (item,) = read(f"{HEAD}edits: [{{swap: cat=dog}}]\ndefaults: {{{options}}}")
    assert item.sections["model"] == {"control": [f"depth={tmp_path / 'net'}:0.5", "canny=owner/net"]}
    assert item.sections["clip"] == {"control_video": [f"depth={tmp_path / 'depth.mp4'}"]}


def test_pictures_and_adapters_are_found_from_the_plan(read: Read, tmp_path: Path) -> None:
    (tmp_path / "dog.png").touch()
    (tmp_path / "ip").mkdir()
    options = "model: {ip_adapter: ip}, edit: {reference: dog.png:0.6}"
    first, second = read(
        f"{HEAD}edits: [{{swap: cat=dog}}, {{swap: cat=fox, reference: dog.png}}]\ndefaults: {{{options}}}"
    )
    assert first.sections["model"] == {"ip_adapter": str(tmp_path / "ip")}
    assert first.sections["edit"]["reference"] == f"{tmp_path / 'dog.png'}:0.6"
    assert second.sections["edit"]["reference"] == str(tmp_path / "dog.png")
    (item,) = read(f"{HEAD}edits: [{{swap: cat=dog}}]\ndefaults: {{model: {{ip_adapter: h94/IP-Adapter}}}}")
    assert item.sections["model"] == {"ip_adapter": "h94/IP-Adapter"}


def test_aliases_that_stand_for_more_than_memory_holds(wrong: Wrong) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "larger than" in wrong("\n".join(lines))[0].cause


def test_too_many_results_are_refused(wrong: Wrong) -> None:
    edits = "\n".join(f"  - {{name: e{n}, swap: cat=dog}}" for n in range(200))
    found = wrong(f"{HEAD}matrix: {{tune.seed: {list(range(100))}}}\nedits:\n{edits}")
    assert "more than 10000 results" in found[0].cause


def test_a_plan_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.yaml"):
        with pytest.raises(UsageError, match="cannot be read"):
            read_plan(path)


def test_a_mistake_is_kept_once(tmp_path: Path) -> None:
    mistakes = Diagnostics(tmp_path)
    for line in (3, 3, 4):
        with mistakes.at(line, once=line == 4):
            raise UsageError("It is wrong.", "do it right")
    assert len(mistakes) == 1


def test_the_plan_that_comes_with_vp2p_has_no_mistakes() -> None:
    plan, mistakes = read_plan(Path(__file__).parents[2] / "templates" / "batch" / "plan.yaml")
    mistakes.check()
    assert len(plan.items) > 1


def test_alternatives_are_edits_of_their_own(read: Read, wrong: Wrong) -> None:
    videos = "format: 1\nvideos: [{video: cat.mp4, prompt: a cat}]\n"
    edits = r"""
edits:
  - {swap: 'cat=dog|baby owl', candidates: 1}
  - {name: pet, swap: ['cat=cow|a\|b']}
  - {swap: 'cat=a\|b'}
"""
    found = {item.edit: item.sections["edit"] for item in read(videos + edits)}
    assert found == {
        "dog": {"swap": ["cat=dog"], "candidates": 1},
        "baby-owl": {"swap": ["cat=baby owl"], "candidates": 1},
        "pet-cow": {"swap": ["cat=cow"]},
        "pet-a-b": {"swap": [r"cat=a\|b"]},
        "a-b": {"swap": r"cat=a\|b"},
    }
    (mistake,) = wrong(videos + "edits: [{swap: 'cat=dog|'}]")
    assert "empty alternative" in str(mistake)
    (mistake,) = wrong(videos + "defaults: {edit: {swap: 'cat=dog|cow'}}\nedits: [{name: x}]")
    assert "make 2 edits, but one is asked for" in str(mistake)
