"""The documentation says what the code does: options, commands and links."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from vp2p.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = [pytest.param(page, id=page.name) for page in PAGES]
COMMANDS = typer.main.get_command(app)


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _commands(text: str) -> list[str]:
    """What a reader may type: lines of code blocks, and inline code, that start with vp2p."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.strip().removeprefix("time ") for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(vp2p [^`\n]*)`", text)
    return [line for line in lines if line.startswith("vp2p ") and "[OPTIONS]" not in line]


def _parse(line: str) -> None:
    """Parses a command line down to the values of its options, without running it."""
    _, *words = shlex.split(line, comments=True)
    at = next((place for place, word in enumerate(words) if word in COMMANDS.commands), None)
    if at is None:
        raise LookupError(f"no such command: {line}")
    context = COMMANDS.make_context("vp2p", words[: at + 1])
    COMMANDS.commands[words[at]].make_context(words[at], words[at + 1 :], parent=context)


def test_commands_page_is_what_help_says() -> None:
    docs = [sys.executable, "-m", "typer", "vp2p.cli.app", "utils", "docs", "--name", "vp2p", "--title", "Commands"]
    result = subprocess.run(docs, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    written = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert written.strip() == result.stdout.strip(), "the help has changed: run make docs"


@pytest.mark.parametrize("page", NAMED)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file) if file else page
        assert found.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), flags=re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{page.name} links to {target}"


@pytest.mark.parametrize("page", NAMED)
def test_commands_to_type_are_right(page: Path) -> None:
    for line in _commands(page.read_text("utf-8")):
        words = line.split()
        if len(words) == 2 or "--help" in words or "NAME" in words or words[1] == "init" and "--video" not in words:
            continue  # the name of a command, or a part of one
        _parse(line)


def test_the_readme_has_the_whole_road() -> None:
    typed = [shlex.split(line)[1] for line in _commands((ROOT / "README.md").read_text("utf-8"))]
    assert {"draw", "init", "tune", "invert", "edit", "status"} <= set(typed)
    assert "make test" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("line", ["vp2p edit --swop cat=dog", "vp2p tune --steps many", "vp2p untune"])
def test_wrong_commands_would_be_noticed(line: str) -> None:
    with pytest.raises(Exception, match="(?i)no such|valid integer"):
        _parse(line)
