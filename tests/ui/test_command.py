"""``vp2p ui`` before it serves."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest

from tests.cli.running import refused


def test_without_the_extra_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "gradio" else found(name, *rest)
    )
    assert refused(2, "ui").hint == 'pip install "vp2p[ui]"'


def test_what_cannot_be_served(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    refused(2, "ui", tmp_path / "nowhere")
    refused(2, "ui", tmp_path, "--port", "99999")
    refused(2, "ui", tmp_path, "--host", "no.such.host.invalid")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused(2, "ui", tmp_path, "--port", str(taken.getsockname()[1]))
