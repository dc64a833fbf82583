"""A folder with a workspace of a tiny model, made once; its page by a server of its own; and a real browser."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.cli.running import done
from tests.cli.test_envelope import documented
from tests.report.browser import Opened

PROMPT = "a cat on the grass"
Serve = Callable[..., "contextlib.AbstractContextManager[tuple[str, subprocess.Popen[str]]]"]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, sd1_folder: Path) -> Path:
    """A folder with the model, a clip, a file that nobody may see, and an inverted workspace. Not to be changed."""
    pytest.importorskip("gradio", reason="gradio is not installed: pip install '.[dev]'")
    folder = tmp_path_factory.mktemp("ui")
    root = folder / "root"
    root.mkdir()
    shutil.copytree(sd1_folder, root / "tiny")
    (root / "secret.txt").write_text("secret")
    done("draw", PROMPT, root / "cat.mp4", "--frames", "2")
    walk = root / "walk"
    options = ("--frames", "2", "--size", "64", "--model", root / "tiny")
    done("init", walk, "--video", root / "cat.mp4", "--prompt", PROMPT, *options)
    done("-w", walk, "tune", "--steps", "1")
    done("-w", walk, "attention", "cat")
    done("-w", walk, "invert", "--method", "direct", "--steps", "2")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of that folder for one test."""
    return Path(shutil.copytree(made, tmp_path / "root"))


@contextlib.contextmanager
def served(root: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a folder's page, and the server's process."""
    command = [sys.executable, "-m", "vp2p", "ui", str(root), "--port", "0", "--json", *options]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        envelope = json.loads(server.stdout.readline())
        assert envelope["ok"] and set(envelope["result"]) == documented("ui")
        yield envelope["result"]["address"], server
    finally:
        server.kill()
        server.communicate()


@contextlib.contextmanager
def shown(browser: Any, address: str, **settings: Any) -> Iterator[Opened]:
    """A page of that server in a fresh window, once it shows a workspace."""
    context = browser.new_context(reduced_motion="reduce", **settings)  # a clip that plays takes a core
    try:
        page = Opened(context.new_page())
        page.page.set_default_timeout(120_000)
        page.page.on("console", lambda message: page.logged.append(message.text))
        page.page.on("pageerror", lambda error: page.logged.append(str(error)))
        page.page.on("request", lambda request: page.asked.append(request.url))
        page.page.goto(address)
        page.page.get_by_text("2 Tune").wait_for()
        yield page
    finally:
        context.close()
