"""Commands with prompts of scripts without spaces, and with emoji."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import PROMPT, Make
from tests.cli.running import done, refused


def _prompted(folder: Path, prompt: str) -> None:
    """Gives the workspace another prompt, and an inversion of it."""
    file = folder / "vp2p.yaml"
    file.write_text(file.read_text().replace(PROMPT, prompt))
    done("tune", "--steps", "0")
    done("invert", "--method", "direct", "--steps", "1")


@pytest.mark.parametrize(
    ("prompt", "swap", "target", "name"),
    [
        ("一只猫在草地上", "猫=狗", "一只狗在草地上", "狗"),
        ("a 🐱 on the grass", "🐱=🐶", "a 🐶 on the grass", "dog-face"),
    ],
)
def test_an_edit_in_another_script(work: Make, prompt: str, swap: str, target: str, name: str) -> None:
    folder = work("sd1", "init")
    _prompted(folder, prompt)
    ahead = done("edit", "--dry-run", "--swap", swap)
    assert f"edit {name}: run" in ahead.out
    notes = [line for line in ahead.err.splitlines() if line.startswith("note: ")]
    assert [note.partition("--prompt ")[2] for note in notes] == ([f'"{target}"'] if name == "狗" else [])
    assert done("edit", "--swap", swap, "--candidates", "1").out == f"edit/{name}/edited.mp4\n"
    assert "up to date" in done("edit", "--prompt", target, "--candidates", "1").err
    ran = refused(2, "edit", "--swap", "马=狗")
    assert ("--prompt" in ran.hint) == (name == "狗")
    assert target in done("status").out and target in done("log").out


def test_a_hint_with_a_folder_that_must_be_quoted(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "init")
    moved = folder.rename(folder.with_name("my [walk]"))
    monkeypatch.chdir(moved.parent)
    ran = done("-w", moved.name, "status")
    told = ran.err.partition("next: ")[2].strip()
    assert shlex.split(told)[:3] == ["vp2p", "-w", "my [walk]"]
    assert shlex.split(refused(10, "-w", "no where", "status").hint)[:3] == ["vp2p", "init", "no where"]
