"""Atomic writes under kill -9, exceptions, full disks and missing permission."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.workspace.conftest import ROOT
from vp2p.errors import ArtifactError
from vp2p.workspace.atomic import remove_leftovers, replacing, write_bytes, write_json, write_text, write_yaml, writing


def test_each_writer_writes_what_it_is_given(tmp_path: Path) -> None:
    write_bytes(tmp_path / "new" / "b", b"\x00\xff")
    write_text(tmp_path / "t", "Katze 猫\n")
    write_json(tmp_path / "j", {"z": 1, "a": "猫"})
    write_yaml(tmp_path / "y", {"z": [1, 2.5, None], "a": "猫"})
    assert (tmp_path / "new" / "b").read_bytes() == b"\x00\xff"
    assert (tmp_path / "t").read_text(encoding="utf-8") == "Katze 猫\n"
    assert list(json.loads((tmp_path / "j").read_text(encoding="utf-8"))) == ["z", "a"]
    assert yaml.safe_load((tmp_path / "y").read_bytes()) == {"z": [1, 2.5, None], "a": "猫"}
    assert "猫" in (tmp_path / "y").read_text(encoding="utf-8")


def test_the_temporary_file_lies_beside_and_keeps_the_suffix(tmp_path: Path) -> None:
    with replacing(tmp_path / "edited.mp4") as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".mp4"
        temporary.write_bytes(b"video")
        assert not (tmp_path / "edited.mp4").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["edited.mp4"]


def test_an_exception_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_mode_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "f", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640


_WRITE_FOR_EVER = """
import sys
from pathlib import Path
from vp2p.workspace.atomic import write_bytes
path, number = Path(sys.argv[1]), 0
while True:
    write_bytes(path, bytes([number % 256]) * 300_000)
    if number == 0:
        print("started", flush=True)
    number += 1
"""


def test_kill_9_shows_no_half_written_file(tmp_path: Path, start) -> None:
    path = tmp_path / "f"
    for pause in (0.0, 0.013, 0.031):
        child = start(_WRITE_FOR_EVER, path)
        assert child.stdout.readline() == "started\n"
        end = time.monotonic() + pause
        while time.monotonic() < end:
            seen = path.read_bytes()
            assert len(seen) == 300_000 and len(set(seen)) == 1
        child.kill()
        child.wait()
        seen = path.read_bytes()
        assert len(seen) == 300_000 and len(set(seen)) == 1
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_becomes_an_artifact_error(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_text(path, "old")
    with pytest.raises(ArtifactError) as caught, replacing(path), open("/dev/full", "wb", buffering=0) as full:
        full.write(b"x")
    assert str(path) in caught.value.cause and "full" in caught.value.cause
    assert "free some space" in caught.value.hint and "the same command again" in caught.value.hint
    assert list(tmp_path.iterdir()) == [path] and path.read_text() == "old"


_FILL = """
import sys
from pathlib import Path
from vp2p.errors import ArtifactError
from vp2p.workspace.atomic import write_bytes
path = Path(sys.argv[1]) / "f"
write_bytes(path, b"old")
try:
    write_bytes(path, bytes(2_000_000))
except ArtifactError as error:
    print(error.cause)
print(path.read_bytes(), [p.name for p in path.parent.iterdir()])
"""


def test_a_full_file_system_keeps_the_old_file(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare")
    mount = 'mount -t tmpfs -o size=512k none "$0" || exit 77; exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", mount, str(tmp_path), sys.executable, "-c", _FILL, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode in (1, 77) and "Traceback" not in done.stderr:
        pytest.skip(f"no small file system may be mounted: {done.stderr.strip()}")
    cause, state = done.stdout.splitlines()
    assert cause == f"Cannot write {tmp_path / 'f'}: the disk is full."
    assert state == "b'old' ['f']"


_LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n" + _FILL


def test_a_file_size_limit_keeps_the_old_file(tmp_path: Path, start) -> None:
    out, _ = start(_LIMITED, tmp_path).communicate(timeout=60)
    cause, state = out.splitlines()
    assert "size limit" in cause and str(tmp_path / "f") in cause
    assert state == "b'old' ['f']"


_DENIED = """
import os, sys
from pathlib import Path
from vp2p.errors import ArtifactError
from vp2p.workspace.atomic import write_text
if os.geteuid() == 0:
    os.setuid(65534)
try:
    write_text(Path(sys.argv[1]) / "f", "x")
except ArtifactError as error:
    print(error.cause, error.hint, sep="\\n")
"""


def test_a_folder_without_permission(tmp_path: Path, start) -> None:
    tmp_path.chmod(0o555)
    try:
        out, _ = start(_DENIED, tmp_path).communicate(timeout=60)
    finally:
        tmp_path.chmod(0o755)
    cause, hint = out.splitlines()
    assert cause == f"Cannot write {tmp_path / 'f'}: permission denied."
    assert "write permission" in hint and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_each_disk_error_names_the_file_and_the_way_on(number: int) -> None:
    with pytest.raises(ArtifactError) as caught, writing(Path("tune/f")):
        raise OSError(number, os.strerror(number))
    assert caught.value.cause.startswith("Cannot write tune/f: ")
    assert "what is finished is kept" in caught.value.hint


def test_other_os_errors_pass_unchanged() -> None:
    with pytest.raises(FileNotFoundError), writing(Path("f")):
        open("/no/such/file")
