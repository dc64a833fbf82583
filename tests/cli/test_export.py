"""``vp2p export`` and ``import``: a workspace moves whole, and a hostile or damaged file makes none."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Callable

import pytest

from tests.cli.running import done, refused, snapshot
from tests.cli.test_migration import COMMANDS, HALF, INVERTED, LONG, SHORT
from vp2p.workspace import Workspace, run_lock


@pytest.mark.parametrize("name", ["walk.tar", "walk.tar.gz", "walk.tgz", "walk"])
def test_a_workspace_is_up_to_date_in_another_place(
    branched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    done("tag", "short", SHORT)
    ran = done("export", tmp_path / name)
    assert ran.out.strip() == str(tmp_path / name) and "7 runs" in ran.err
    # Nothing is left where it was; the model, which stands beside the workspace, goes with it.
    there = tmp_path / "another" / "place"
    there.parent.mkdir()
    monkeypatch.chdir(tmp_path)
    (branched.parent / "model").rename(there.parent / "model")
    shutil.rmtree(branched.parent)
    if (tmp_path / name).is_dir():
        (tmp_path / name).rename(there)
    else:
        assert done("import", tmp_path / name, there).out == "another/place\n"
    monkeypatch.chdir(there)
    assert done("verify", "--json").json["result"]["damaged"] == 0
    before = snapshot(there)
    for words in COMMANDS:
        assert "up to date" in done(*words).err
    assert snapshot(there) == before
    assert Workspace(there).video == there / "video" / "clip.mp4" and Workspace(there).video.is_file()
    assert done("tag").out == f"short\t{SHORT}\n"
    assert "resume" in done("tune", "--steps", "4", "--dry-run").out


def test_what_a_crash_leaves_does_not_travel(branched: Path, tmp_path: Path) -> None:
    (branched / LONG / ".tmp-00000000-tuned.safetensors").write_bytes(b"half")
    (branched / "tune" / f".{LONG[5:]}.lock").write_bytes(b"")
    shutil.copytree(branched / LONG, branched / "tune" / f".{LONG[5:]}.old")
    done("export", tmp_path / "walk.tar")
    with tarfile.open(tmp_path / "walk.tar") as archive:
        names = archive.getnames()
    assert names[0] == "vp2p-export.json" and not [name for name in names if "/." in name]
    assert [name for name in names if name.startswith(f"{HALF}/checkpoint/")]


def test_some_runs_travel_with_what_they_are_made_from(branched: Path, tmp_path: Path) -> None:
    for name, run in (("short", SHORT), ("long", LONG)):
        done("tag", name, run)
    ran = done("export", tmp_path / "dog", "dog", "--no-video")
    assert "the video stays behind" in ran.err
    there = Workspace(tmp_path / "dog")
    assert [f"{run.stage}/{run.name}" for run in there.all_runs()][1:] == [LONG, INVERTED, "edit/dog"]
    assert [tag.name for tag in there.tags.all()] == ["long"]
    assert there.config == Workspace(branched).config and not (there.folder / "video").exists()


def test_a_comment_in_the_configuration_stays(branched: Path, tmp_path: Path) -> None:
    config = branched / "vp2p.yaml"
    config.write_text(config.read_text().replace("video: ../clip.mp4", "video:  ../clip.mp4  # mine"))
    done("export", tmp_path / "walk")
    assert "\nvideo: video/clip.mp4 # mine\n" in (tmp_path / "walk" / "vp2p.yaml").read_text()


def test_what_is_not_exported(branched: Path, tmp_path: Path) -> None:
    (tmp_path / "there.tar").write_bytes(b"mine")
    before = snapshot(tmp_path)
    refused(2, "export", tmp_path / "there.tar")
    refused(2, "export", tmp_path / "new.tar", "nothing")
    with run_lock(branched / HALF):
        refused(11, "export", tmp_path / "new.tar")
    assert snapshot(tmp_path) == before
    (branched / LONG / "tuned.safetensors").write_bytes(b"damaged")
    ran = refused(1, "export", tmp_path / "new.tar")
    assert "tuned.safetensors is damaged" in ran.cause and ran.hint == "vp2p tune --steps 3 --force"
    assert not (tmp_path / "new.tar").exists()


@pytest.fixture
def exported(branched: Path, tmp_path: Path) -> Path:
    done("export", tmp_path / "walk.tar", SHORT)
    return tmp_path / "walk.tar"


def _rewritten(path: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> None:
    with tarfile.open(path) as archive:
        members = [(member, archive.extractfile(member).read()) for member in archive]
    change(members)
    with tarfile.open(path, "w") as archive:
        for member, data in members:
            archive.addfile(member, io.BytesIO(data) if member.isreg() else None)


def _relisted(members: list[tuple[tarfile.TarInfo, bytes]], change: Callable[[dict], None]) -> None:
    listed = json.loads(members[0][1])
    change(listed)
    data = json.dumps(listed).encode()
    members[0][0].size = len(data)
    members[0] = (members[0][0], data)


def _added(name: str, kind: bytes = tarfile.REGTYPE) -> Callable[[list], None]:
    def change(members: list) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        record = {"sha256": hashlib.sha256(b"").hexdigest(), "bytes": 0}
        _relisted(members, lambda listed: listed["files"].update({name: record}))
        members.append((member, b""))

    return change


def _swapped(members: list) -> None:
    """Another artifact, which the list admits, but not its run's manifest."""
    at = next(at for at, (member, _) in enumerate(members) if member.name.endswith("tuned.safetensors"))
    member, data = members[at]
    data = data[:-1] + b"\x07"
    members[at] = (member, data)
    digest = hashlib.sha256(data).hexdigest()
    _relisted(members, lambda listed: listed["files"][member.name].update({"sha256": digest}))


def _grown(members: list) -> None:
    members[-1][0].size += 5
    members[-1] = (members[-1][0], members[-1][1] + b"extra")


HOSTILE: dict[str, Callable[[list], object]] = {
    "absolute": _added("/tmp/vp2p-hostile"),
    "upward": _added("../hostile"),
    "hidden upward": _added("tune/../../hostile"),
    "symbolic link": _added("tune/link", tarfile.SYMTYPE),
    "hard link": _added("tune/link", tarfile.LNKTYPE),
    "device": _added("tune/device", tarfile.CHRTYPE),
    "pipe": _added("tune/pipe", tarfile.FIFOTYPE),
    "file below a file": _added("vp2p.yaml/x"),
    "unlisted": lambda members: members.append((tarfile.TarInfo("more"), b"")),
    "twice": lambda members: members.append(members[-1]),
    "missing": lambda members: members.pop(),
    "longer": _grown,
    "flipped": lambda members: members.append((members[-1][0], bytes(len(members.pop()[1])))),
    "list not first": lambda members: members.append(members.pop(0)),
    "no list": lambda members: members.pop(0),
    "no configuration": lambda members: _relisted(members, lambda listed: listed["files"].pop("vp2p.yaml")),
    "newer": lambda members: _relisted(members, lambda listed: listed.update({"format": 2})),
    "odd record": lambda members: _relisted(members, lambda listed: listed["files"].update({"x": 1})),
    "too large": lambda members: _relisted(members, lambda listed: listed["files"]["vp2p.yaml"].update(bytes=1 << 60)),
    "not what the run recorded": _swapped,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_makes_nothing(exported: Path, tmp_path: Path, name: str) -> None:
    _rewritten(exported, HOSTILE[name])
    before = snapshot(tmp_path)
    ran = refused(1, "import", exported, tmp_path / "new" / "walk")
    assert "format 2" in ran.cause if name == "newer" else str(exported) in ran.cause
    (tmp_path / "new").rmdir()
    assert snapshot(tmp_path) == before and not Path("/tmp/vp2p-hostile").exists()


@pytest.mark.parametrize("suffix", [".tar", ".tgz"])
def test_a_file_cut_short_makes_nothing(branched: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"walk{suffix}"
    done("export", path, SHORT)
    whole = path.read_bytes()
    # The end of a tar is padding, which nothing is lost with.
    for share in (0.0, 0.001, 0.05, 0.3, 0.6, 0.7):
        path.write_bytes(whole[: int(len(whole) * share)])
        refused(1, "import", path, tmp_path / "new")
        assert not (tmp_path / "new").exists() and not list(tmp_path.glob(".tmp-*"))


def test_what_is_not_imported(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    refused(2, "import", exported, tmp_path / "there")
    refused(2, "import", tmp_path / "no.tar", tmp_path / "new")
    refused(2, "import", tmp_path / "there", tmp_path / "new")
    assert list((tmp_path / "there").iterdir()) == []


def test_a_model_that_is_not_there_is_said(branched: Path, tmp_path: Path) -> None:
    config = branched / "vp2p.yaml"
    config.write_text(config.read_text().replace("../model", "/no/such/model"))
    done("export", tmp_path / "walk.tar", "--no-video")
    ran = done("import", tmp_path / "walk.tar", tmp_path / "new")
    assert "the model /no/such/model is not here" in ran.err and "config model.model FOLDER" in ran.err
    assert "the video did not come along" in ran.err
