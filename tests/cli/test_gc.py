"""``vp2p gc``: what can go, told first and deleted only when asked for."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

from tests.cli.running import done, refused, snapshot
from tests.cli.test_migration import DOG, HALF, INVERTED, LONG, SHORT
from vp2p.workspace import Workspace, run_lock


def _items(*words: str) -> dict[str, Any]:
    return {item["name"]: item for item in done("gc", *words, "--json").json["result"]["items"]}


def test_dry_by_default(branched: Path) -> None:
    before = snapshot(branched)
    ran = done("gc")
    (line,) = ran.out.splitlines()
    assert line.split("\t")[0] == HALF and line.endswith("interrupted")
    assert "nothing is deleted yet: vp2p gc --yes" in ran.err
    size = sum(path.stat().st_size for path in (branched / HALF).rglob("*") if path.is_file())
    assert _items()[HALF]["bytes"] == size
    assert snapshot(branched) == before
    done("gc", "--yes")
    left = snapshot(branched)
    assert left == {name: was for name, was in before.items() if not name.startswith(HALF)}
    assert "nothing to delete" in done("gc", "--yes").err


def test_a_tag_keeps_a_run_and_what_it_is_made_from(branched: Path) -> None:
    done("tag", "half", HALF)
    assert _items() == {}
    shutil.rmtree(branched / LONG)
    assert list(_items()) == ["edit/everywhere", "edit/dog", INVERTED]
    done("tag", "mine", "edit/dog")
    assert list(_items()) == ["edit/everywhere"]


def test_named_runs_go_with_all_that_is_made_from_them(branched: Path) -> None:
    for name, run in (("long", LONG), ("mine", "edit/dog"), ("short", SHORT)):
        done("tag", name, run)
    names = ["edit/everywhere", "edit/dog", INVERTED, LONG, "tag long", "tag mine"]
    assert list(_items("long")) == names
    done("gc", "long", "--yes")
    assert not any((branched / name).exists() for name in names[:4])
    assert done("tag").out == f"short\t{SHORT}\n"
    assert [run.name for run in Workspace(branched).all_runs() if run.finished] == ["2ac6bca9bdf6", SHORT[5:]]
    assert done("verify", "--json").json["result"]["damaged"] == 0


def test_what_a_kill_left(branched: Path) -> None:
    tuned = branched / LONG
    (tuned / ".tmp-00000000-tuned.safetensors").write_bytes(b"half")
    shutil.copytree(tuned, tuned.with_name(f".{tuned.name}.old"))
    (branched / "edit" / "empty").mkdir()
    old, new = branched / ".tmp-00000000-vp2p.yaml", branched / ".tmp-00000001-vp2p.yaml"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    left = [f"{LONG}/.tmp-00000000-tuned.safetensors", f"tune/.{LONG[5:]}.old", "edit/empty", old.name]
    assert sorted(name for name in _items() if name != HALF) == sorted(left)
    done("gc", "--yes")
    assert not any((branched / name).exists() for name in left) and new.exists()
    assert "edit dog: up to date" in done(*DOG).err


def test_what_an_interrupted_run_was_to_replace_comes_back(branched: Path) -> None:
    run = branched / HALF
    finished = shutil.copytree(branched / SHORT, run.with_name(f".{run.name}.old"))
    assert list(_items()) == [HALF]
    done("gc", "--yes")
    assert (run / "manifest.json").exists() and not finished.exists()
    shutil.copytree(run, finished)
    done("gc", HALF, "--yes")
    assert not run.exists() and not finished.exists()


def test_a_run_that_is_made_anew_keeps_what_was_made_from_it(branched: Path) -> None:
    (branched / LONG / "manifest.json").unlink()
    assert list(_items()) == [HALF]
    shutil.rmtree(branched / LONG)
    assert len(_items()) == 4


def test_a_run_that_is_being_written_stays(branched: Path) -> None:
    before = snapshot(branched)
    with run_lock(branched / HALF):
        assert _items() == {}
        assert "has been writing" in refused(11, "gc", "edit/dog", HALF, "--yes").cause
    assert snapshot(branched) == before


def test_a_tag_of_a_run_that_is_gone_goes(branched: Path) -> None:
    done("tag", "mine", "edit/dog")
    shutil.rmtree(branched / "edit" / "dog")
    assert _items()["tag mine"]["why"] == "edit/dog is gone"
    done("gc", "--yes")
    assert done("tag").out == ""
