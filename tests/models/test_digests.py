"""Digests of large files: remembered while the file is unchanged, never when it changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from vp2p.models import digests


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as large, and is old enough to be remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "_LARGE", 8)
    monkeypatch.setattr(digests, "_SETTLED_SECONDS", -1.0)
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"0123456789")
    return file


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_digest_is_kept_and_used(large: Path, tmp_path: Path) -> None:
    assert digests.file_digest(large) == _sha(b"0123456789")
    (kept,) = (tmp_path / "cache").rglob("*.json")
    kept.write_text(kept.read_text().replace(_sha(b"0123456789"), "f" * 64))
    assert digests.file_digest(large) == "f" * 64, "the kept digest is what is used"


def test_a_changed_file_is_read_again(large: Path) -> None:
    before = large.stat()
    digests.file_digest(large)
    large.write_bytes(b"9876543210")
    os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))  # a copy that keeps times and size
    assert digests.file_digest(large) == _sha(b"9876543210")


def test_a_file_just_written_is_not_remembered(large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_SETTLED_SECONDS", 3.0)
    digests.file_digest(large)
    assert not list((tmp_path / "cache").rglob("*.json"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": 1}'])
def test_a_damaged_cache_is_passed_over(large: Path, tmp_path: Path, content: str) -> None:
    digests.file_digest(large)
    (kept,) = (tmp_path / "cache").rglob("*.json")
    kept.write_text(content)
    assert digests.file_digest(large) == _sha(b"0123456789")


def test_a_cache_folder_that_is_none_costs_time_only(large: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert digests.file_digest(large) == _sha(b"0123456789")
