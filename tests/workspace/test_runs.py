"""A run folder from begin to finish: resumption, the manifest, verification."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path

import pytest
import torch
import yaml

from vp2p import __version__
from vp2p.errors import ArtifactError, UsageError
from vp2p.workspace import RunFolder, Workspace, save_tensors
from vp2p.workspace.identity import file_digest, identity
from vp2p.workspace.lifecycle import begin, clear, finish, resume, set_aside, take_back
from vp2p.workspace.parents import Parent

_ID = identity("tune", {"steps": 3})
_SOURCE = identity("source", {})


def _finished(workspace: Workspace) -> RunFolder:
    run = workspace.run("tune", _ID)
    begin(run, {"steps": 3})
    save_tensors(run.path("tuned.safetensors"), {"attn1.to_q.weight": torch.ones(4, 4)})
    run.path("frames").mkdir()
    run.path("frames/0001.png").write_bytes(b"png")
    run.append_log({"step": 0, "loss": 0.5})
    run.save_checkpoint({"w": torch.ones(1)}, {"step": 1})
    finish(run, {"steps": 3}, {"source": workspace.run("source", _SOURCE)})
    return run


def test_begin_to_finish(workspace: Workspace) -> None:
    run = workspace.run("tune", _ID)
    assert not run.finished and run.name == _ID[:12]
    begin(run, {"steps": 3})
    settings = yaml.safe_load(run.path("settings.yaml").read_text())
    assert settings["settings"] == {"steps": 3} and settings["identity"] == _ID
    assert not run.finished
    run = _finished(workspace)
    assert run.finished
    manifest = json.loads(run.path("manifest.json").read_bytes())
    assert (manifest["format"], manifest["stage"], manifest["identity"]) == (3, "tune", _ID)
    assert (manifest["name"], manifest["vp2p"]) == (_ID[:12], __version__)
    assert manifest["parents"] == {"source": {"name": _SOURCE[:12], "identity": _SOURCE}} and manifest["settings"] == {
        "steps": 3
    }
    assert manifest["created"] == settings["created"] and datetime.fromisoformat(manifest["created"]).tzinfo
    assert set(manifest["artifacts"]) == {"tuned.safetensors", "frames/0001.png"}
    assert manifest["artifacts"]["frames/0001.png"]["bytes"] == 3
    assert manifest["artifacts"]["tuned.safetensors"]["sha256"] == file_digest(run.path("tuned.safetensors"))
    assert set(manifest["records"]) == {"settings.yaml", "log.jsonl"}
    assert not run.path("checkpoint").exists()
    run.verify()
    assert list(run.damage(records=True)) == []


def test_a_finished_run_is_not_begun_again_unless_cleared(workspace: Workspace) -> None:
    run = _finished(workspace)
    with pytest.raises(ArtifactError, match="finished") as caught:
        begin(run, {"steps": 3})
    assert caught.value.hint == "vp2p tune --force"
    clear(run)
    assert not run.folder.exists() and not run.finished
    begin(run, {"steps": 3})
    clear(run)
    clear(run)


def test_finished_asks_for_this_very_identity(workspace: Workspace) -> None:
    first = workspace.run("edit", identity("edit", {"swap": "cat=dog"}), name="dog")
    begin(first, {})
    other = workspace.run("edit", identity("edit", {"swap": "cat=fox"}), name="dog")
    with pytest.raises(ArtifactError, match="other settings") as caught:
        begin(other, {})
    assert "--name dog --force" in caught.value.hint
    finish(first, {})
    assert first.finished and not other.finished


def test_resuming_equals_an_unbroken_run(workspace: Workspace, tmp_path: Path) -> None:
    def _train(run: RunFolder, until: int, steps: int = 9) -> None:
        begin(run, {"steps": steps})
        found = resume(run)
        total, first = (found[0]["total"], found[1]["step"]) if found else (torch.zeros(1), 0)
        for step in range(first, until):
            total = total + step
            run.append_log({"step": step, "loss": float(total)})
            if (step + 1) % 3 == 0:
                run.save_checkpoint({"total": total}, {"step": step + 1})
        if until == steps:
            save_tensors(run.path("tuned.safetensors"), {"total": total})
            finish(run, {"steps": steps})

    unbroken = workspace.run("tune", identity("tune", {"n": 1}))
    _train(unbroken, 9)
    for stops in ([2, 9], [5, 9], [3, 4, 8, 9]):
        broken = workspace.run("tune", identity("tune", {"stops": stops}))
        for stop in stops:
            _train(broken, stop)
        for name in ("log.jsonl", "tuned.safetensors"):
            assert broken.path(name).read_bytes() == unbroken.path(name).read_bytes(), (stops, name)
    assert unbroken.read_log()[-1] == {"step": 8, "loss": 36.0}


def test_begin_removes_what_a_kill_left_and_keeps_the_time_of_creation(workspace: Workspace) -> None:
    run = workspace.run("tune", _ID)
    begin(run, {"steps": 3})
    created = yaml.safe_load(run.path("settings.yaml").read_text())["created"]
    (run.folder / "checkpoint").mkdir()
    (run.folder / ".tmp-0a0a0a0a-tuned.safetensors").write_bytes(b"half")
    (run.folder / "checkpoint" / ".tmp-0a0a0a0a-00000010.safetensors").write_bytes(b"half")
    begin(run, {"steps": 3})
    assert not list(run.folder.rglob(".tmp-*"))
    assert yaml.safe_load(run.path("settings.yaml").read_text())["created"] == created


@pytest.mark.parametrize("name", ["tuned.safetensors", "frames/0001.png"])
@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x01"),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_verify_names_the_damaged_file(workspace: Workspace, name: str, damage) -> None:
    run = _finished(workspace)
    damage(run.path(name))
    with pytest.raises(ArtifactError) as caught:
        run.verify()
    assert str(run.path(name)) in caught.value.cause and caught.value.hint == "vp2p tune --force"


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: b"",
        lambda record: b"{",
        lambda record: b"[]",
        lambda record: b"\xff\xfe",
        lambda record: json.dumps({**record, "format": None}).encode(),
        lambda record: json.dumps({**record, "artifacts": []}).encode(),
        lambda record: json.dumps({**record, "artifacts": {"../../x": {"sha256": "", "bytes": 1}}}).encode(),
        lambda record: json.dumps({**record, "artifacts": {"x": 1}}).encode(),
        lambda record: json.dumps({key: record[key] for key in record if key != "identity"}).encode(),
    ],
)
def test_a_damaged_manifest_is_named(workspace: Workspace, damage) -> None:
    run = _finished(workspace)
    path = run.path("manifest.json")
    path.write_bytes(damage(json.loads(path.read_bytes())))
    for read in (run.manifest, run.verify, lambda: run.finished):
        with pytest.raises(ArtifactError, match="damaged") as caught:
            read()
        assert str(path) in caught.value.cause


def test_a_manifest_of_a_newer_format(workspace: Workspace) -> None:
    run = _finished(workspace)
    record = {**json.loads(run.path("manifest.json").read_bytes()), "format": 4}
    run.path("manifest.json").write_text(json.dumps(record))
    with pytest.raises(ArtifactError, match="format 4") as caught:
        run.manifest()
    assert "upgrade" in caught.value.hint


def test_an_unfinished_run_has_no_manifest(workspace: Workspace) -> None:
    run = workspace.run("tune", _ID)
    with pytest.raises(ArtifactError, match="not finished"):
        run.manifest()


@pytest.mark.parametrize("text", ["", "[]", "a: [", "stage: tune\nidentity: 5\n", "when: 2001-99-99", "\x00"])
def test_damaged_settings_stop_the_writer(workspace: Workspace, text: str) -> None:
    run = workspace.run("tune", _ID)
    begin(run, {})
    run.path("settings.yaml").write_text(text)
    with pytest.raises(ArtifactError, match="damaged") as caught:
        begin(run, {})
    assert str(run.path("settings.yaml")) in caught.value.cause and str(run.folder) in caught.value.hint


def test_no_artifact_outside_the_folder(workspace: Workspace) -> None:
    with pytest.raises(UsageError):
        workspace.run("tune", _ID).path("../../vp2p.yaml")


_RUN_FOR_EVER = """
import sys, torch
from pathlib import Path
from vp2p.workspace import Workspace, run_lock, save_tensors
from vp2p.workspace.identity import identity
from vp2p.workspace.lifecycle import begin, finish, resume
workspace = Workspace(Path(sys.argv[1]))
print("started", flush=True)
number = 0
while True:
    number += 1
    run = workspace.run("tune", identity("tune", {"n": number}))
    with run_lock(run.folder):
        begin(run, {"n": number})
        resume(run)
        run.append_log({"step": 0, "n": number})
        run.save_checkpoint({"w": torch.ones(1000)}, {"step": 1})
        save_tensors(run.path("tuned.safetensors"), {"w": torch.full((1000,), float(number))})
        finish(run, {"n": number})
"""


def test_kill_9_leaves_finished_runs_whole_and_the_rest_resumable(workspace: Workspace, start) -> None:
    child = start(_RUN_FOR_EVER, workspace.folder)
    assert child.stdout.readline() == "started\n"
    deadline = time.monotonic() + 30
    while workspace.newest("tune") is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.07)
    child.kill()
    child.wait()
    runs = workspace.runs("tune")
    finished = [run for run in runs if run.finished]
    assert finished and len(runs) - len(finished) <= 1
    for run in finished:
        run.verify()
    for run in runs:
        if not run.finished:
            begin(run, {})
            resume(run)
            finish(run, {})
            run.verify()


def test_parents_are_known_from_the_first_moment(workspace: Workspace) -> None:
    source, run = workspace.run("source", _SOURCE), workspace.run("tune", _ID)
    begin(run, {}, {"source": source})
    assert run.parents() == {"source": Parent(_SOURCE[:12], _SOURCE)}
    finish(run, {}, {"source": source})
    assert run.parents() == {"source": Parent(_SOURCE[:12], _SOURCE)}


def test_parents_of_an_unfinished_run_of_before_they_were_kept(workspace: Workspace) -> None:
    begin(workspace.run("tune", _ID), {})
    for name, known in ((_ID[:12], _ID), ("0" * 12, None)):
        run = workspace.run("invert", identity("invert", {"of": name}))
        begin(run, {"from": name})
        values = yaml.safe_load(run.path("settings.yaml").read_text())
        del values["parents"], values["checksum"], values["format"]
        run.path("settings.yaml").write_text(yaml.safe_dump(values))
        assert run.parents() == {"tune": Parent(name, known)}


@pytest.mark.parametrize("parents", [[], {"source": "x"}, {"source": {"name": 1, "identity": None}}, {"source": {}}])
def test_damaged_parents_are_named(workspace: Workspace, parents: object) -> None:
    run = _finished(workspace)
    path = run.path("manifest.json")
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "parents": parents}))
    with pytest.raises(ArtifactError, match="damaged"):
        run.parents()


def test_all_damage_is_told(workspace: Workspace) -> None:
    run = _finished(workspace)
    read: list[int] = []
    assert list(run.damage(read.append)) == []
    assert sum(read) == sum(record["bytes"] for record in run.manifest().artifacts.values())
    run.path("tuned.safetensors").unlink()
    run.path("frames/0001.png").write_bytes(b"gnp")
    assert len(list(run.damage())) == 2


def test_an_error_names_the_run_where_nobody_says_how_it_is_redone(workspace: Workspace) -> None:
    run = Workspace(workspace.folder).run("tune", _finished(workspace).identity)
    run.path("tuned.safetensors").unlink()
    with pytest.raises(ArtifactError) as caught:
        run.verify()
    assert caught.value.hint == f"redo the run tune/{run.name}"


def test_a_run_set_aside_comes_back_or_goes_when_the_new_one_is_finished(workspace: Workspace) -> None:
    run = _finished(workspace)
    kept = run.path("manifest.json").read_bytes()
    set_aside(run)
    assert run.aside.is_dir() and not run.folder.exists()
    begin(run, {"steps": 3})
    take_back(run)
    assert run.path("manifest.json").read_bytes() == kept and not run.aside.exists()
    set_aside(run)
    begin(run, {"steps": 3})
    finish(run, {"steps": 3})
    assert run.finished and not run.aside.exists()
