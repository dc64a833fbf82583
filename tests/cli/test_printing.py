"""One door prints: markup, escapes, encodings, closed and full streams, in processes of their own."""

from __future__ import annotations

import ast
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Make
from tests.cli.running import done, vp2p

ROOT = Path(__file__).parents[2]
ODD = "a [red] cat :smile: \\ [/b] [link=x]y \x1b[31m\u202e \x07 猫🐱"
SHOWN = "a [red] cat :smile: \\ [/b] [link=x]y \\x1b[31m\\u202e \\x07 猫🐱"
COMMAND = (sys.executable, "-m", "vp2p")
BASH = 'exec "$0" -m vp2p "$@"'


@pytest.fixture
def odd(work: Make) -> Path:
    """A workspace with a prompt and a folder of every kind of odd character, one of them no UTF-8."""
    folder = work("sd1", "tune")
    config = folder / "vp2p.yaml"
    prompt = f"prompt: {json.dumps(ODD, ensure_ascii=False)}"
    lines = [prompt if one.startswith("prompt:") else one for one in config.read_text().splitlines()]
    config.write_text("\n".join(lines) + "\n")
    moved = folder.with_name("w\udcff [b] \x1b[31m")
    folder.rename(moved)
    os.chdir(moved.parent)
    return moved


def ran(folder: Path, *words: str, script: str = BASH, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [
            "bash",
            "-c",
            script,
            sys.executable,
            *(["-w", os.fsencode(folder.name)] if folder.name != "" else []),
            *words,
        ],
        cwd=folder.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **environment},
        capture_output=True,
    )


def whole(process: subprocess.CompletedProcess[Any], code: int = 0) -> None:
    """No traceback, nothing that acts on a terminal, the right exit code."""
    told = process.stdout + process.stderr
    assert process.returncode == code, told
    assert b"Traceback" not in told and b"Exception ignored" not in told and b"\x1b" not in told and b"\x07" not in told


@pytest.mark.parametrize("command", ["status", "log", "config", "verify", "gc"])
def test_text_is_shown_as_it_is_typed(odd: Path, command: str) -> None:
    found = ran(odd, command)
    whole(found)
    if command in ("status", "log"):
        assert SHOWN in found.stdout.decode() and "w\\udcff [b] \\x1b[31m" in found.stdout.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "encoding"),
    [
        *((command, "ascii") for command in ("status", "log", "--help")),
        *(("status", encoding) for encoding in ("latin-1", "cp1252", "utf-16")),
        ("--help", "cp1252"),
    ],
)
def test_every_encoding(odd: Path, command: str, encoding: str) -> None:
    found = ran(odd, command, PYTHONIOENCODING=encoding)
    assert found.returncode == 0 and b"Traceback" not in found.stderr
    text = found.stdout.decode(encoding)
    assert "\x1b" not in text and ("\\u732b\\U0001f431" in text or encoding == "utf-16" or command == "--help")
    assert "\\u2713" not in text  # the program's own marks have stand-ins


CLOSED = ('exec "$0" -m vp2p "$@" >&-', 0, b"")
FULL = ('exec "$0" -m vp2p "$@" >/dev/full', 1, b"No space left on device")
CUT_OFF = ('"$0" -m vp2p "$@" | head -c 0; exit ${PIPESTATUS[0]}', 0, b"")
STREAMS = [
    *(CLOSED, FULL, CUT_OFF),
    ('exec "$0" -m vp2p "$@" 2>&-', 0, b""),
    ('exec "$0" -m vp2p "$@" <&- >&- 2>&-', 0, b""),
    ('exec "$0" -m vp2p "$@" 2>/dev/full', 0, b""),
    ('exec "$0" -m vp2p "$@" >/dev/full 2>/dev/full', 1, b""),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "script", "code", "told"),
    [
        *((("status",), *stream) for stream in STREAMS),
        # What else prints: an envelope, an option that ends the command at once, and help.
        *((("status", "--json"), *stream) for stream in (CLOSED, FULL, CUT_OFF)),
        *((words, *stream) for words in (("--version",), ("edit", "--help")) for stream in (CLOSED, FULL)),
    ],
)
def test_streams_that_take_nothing(odd: Path, words: tuple[str, ...], script: str, code: int, told: bytes) -> None:
    found = ran(odd, *words, script=script)
    whole(found, code)
    assert told in found.stderr


def test_work_is_done_and_kept_whatever_becomes_of_its_result(work: Make) -> None:
    folder = work("sd2", "init")
    found = ran(folder, "tune", "--steps", "1", script='exec "$0" -m vp2p "$@" >/dev/full')
    whole(found, 1)
    assert b"could not be printed" in found.stderr
    again = ran(folder, "tune", "--steps", "1")
    whole(again)
    assert b"up to date" in again.stderr


def test_a_path_off_a_terminal_is_its_bytes(odd: Path) -> None:
    done("-w", odd, "tune", "--steps", "1")
    found = ran(odd, "-q", "tune", "--steps", "1", script='cd "$(dirname "$("$0" -m vp2p "$@")")" && ls')
    assert b"tuned.safetensors" in found.stdout, found.stderr


def test_a_path_on_a_terminal_is_shown(odd: Path) -> None:
    done("-w", odd, "tune", "--steps", "1")
    main, side = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb", "PYTHONUTF8": "1"}
    command = [*COMMAND, "-w", os.fsencode(odd.name), "-q", "tune", "--steps", "1"]
    process = subprocess.Popen(command, stdout=side, stderr=subprocess.PIPE, cwd=odd.parent, env=environment)
    _, told = process.communicate()
    os.close(side)
    shown = os.read(main, 10000)
    os.close(main)
    assert process.returncode == 0, told
    assert shown.startswith(b"w\\udcff [b] \\x1b[31m/tune/"), shown


@pytest.mark.parametrize("columns", ["0", "-5", "abc", "1", "\u00b2", "99999999999"])
def test_a_width_that_is_none(odd: Path, columns: str) -> None:
    whole(ran(odd, "status", COLUMNS=columns, LINES=columns))


@pytest.mark.parametrize("columns", ["0", "99999999999"])
def test_help_at_a_width_that_is_none(odd: Path, columns: str) -> None:
    whole(ran(odd, "--help", COLUMNS=columns, LINES=columns))


def test_json_is_ascii(odd: Path) -> None:
    for words in (("status", "--json"), ("edit", "--swap", "狗=猫\x1b", "--json")):
        printed = vp2p("-w", odd, *words).out
        assert printed and printed.isascii() and "\x1b" not in printed


def test_errors_are_two_lines(odd: Path) -> None:
    for words in (("show", "no\n\x1b[31m"), ("tag", "x\u202e\n", "nothing"), ("no\nsuch\x1b",), ("config", "a.\x1b\n")):
        found = vp2p("-w", odd, *words)
        assert found.code == 2 if words[0] != "show" else found.code
        assert len(found.err.split("\n")) == 3 and found.err.endswith("\n") and found.out == ""
        assert "Traceback" not in found.err and "\x1b" not in found.err


def test_nothing_else_prints() -> None:
    """Outside the door nobody prints, writes to a stream, or makes a console; and no text is markup."""
    found = []
    for path in sorted((ROOT / "vp2p").rglob("*.py")):
        if path == ROOT / "vp2p" / "printing.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name in (
                    "print",
                    "Console",
                    "escape",
                    "typer.echo",
                    "typer.secho",
                    "click.echo",
                    "Text.from_markup",
                ):
                    found.append(f"{path}:{node.lineno}: {name}")
                if name.startswith(("sys.stdout.", "sys.stderr.")):
                    found.append(f"{path}:{node.lineno}: {name}")
            if isinstance(node, ast.ImportFrom) and node.module == "rich.markup":
                found.append(f"{path}:{node.lineno}: markup")
    assert found == []
