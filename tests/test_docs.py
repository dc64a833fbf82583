"""The documentation says what the code does, in short sentences, and can be built as a site."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from vp2p.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = [pytest.param(page, id=page.name) for page in PAGES]
GENERATED = {"commands.md", "clips.md"}
WRITTEN = [pytest.param(page, id=page.name) for page in PAGES if page.name not in GENERATED | {"CHANGELOG.md"}]
MOST_WORDS = 25
COMMANDS = typer.main.get_command(app)


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _sentences(text: str) -> list[str]:
    """The sentences of a page outside code blocks, tables and headings; inline code counts as one word."""
    text = re.sub(r"^ *```.*?^ *```$|<!--.*?-->", "\n", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`]+`", "Code", text)
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    found = []
    for block in re.split(r"\n\s*\n|\n(?= *(?:[-*] |\d+\. |#|\|))", text):
        item = re.match(r" *(?:[-*]|\d+\.) ", block)
        if item or not re.match(r" *[#|]|\[[^\]]+\]:|    ", block):
            found += re.split(r"(?<=[.!?])\W*\s+(?=\W*[A-Z0-9])", " ".join(block.split()))
    return found


def _long_sentences(text: str) -> list[str]:
    return [sentence for sentence in _sentences(text) if len(re.findall(r"\S*\w\S*", sentence)) > MOST_WORDS]


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


@pytest.mark.parametrize("page", WRITTEN)
def test_sentences_are_short(page: Path) -> None:
    assert not _long_sentences(page.read_text("utf-8"))


def test_a_long_sentence_would_be_noticed() -> None:
    words = " ".join(["Word", *["word"] * (MOST_WORDS - 1)])
    assert not _long_sentences(f"Short. {words}.\n\n- {words}\n- {words}\n\n| {words} | {words} |\n")
    assert _long_sentences(f"Short. `vp2p edit` {words}. Short.") == [f"Code {words}."]


def test_a_newcomer_starts_with_the_tutorial() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    first = re.search(r"\]\((docs/[^)]+\.md)", readme)
    assert first and first[1] == "docs/tutorial.md"


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="mkdocs is not installed")
def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert built.returncode == 0, built.stdout + built.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert pages
    for page in pages:
        loaded = re.findall(r"<(?:script|img|link|iframe|source)\b[^>]*>", page.read_text("utf-8"))
        assert not [tag for tag in loaded if re.search(r"(?:src|href)=[\"']?(?:https?:)?//", tag)], page


@pytest.mark.parametrize("line", ["vp2p edit --swop cat=dog", "vp2p invert --steps many", "vp2p untune"])
def test_wrong_commands_would_be_noticed(line: str) -> None:
    with pytest.raises(Exception, match="(?i)no such|valid integer"):
        _parse(line)
