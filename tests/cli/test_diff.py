"""``vp2p diff``: settings, parents, figures and pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from tests.cli.running import done, refused
from tests.cli.test_migration import HALF, LONG, SHORT
from vp2p.settings import ClipSettings
from vp2p.stages.source import load_frames
from vp2p.video.reading import read_clip
from vp2p.workspace import Workspace


def test_two_tune_runs(branched: Path) -> None:
    found = done("diff", SHORT, LONG, "--json").json["result"]
    assert found["settings"] == {"tune.steps": [2, 3]} and found["parents"] == {} and found["sheet"] is None
    losses = [[json.loads(line)["loss"] for line in (branched / key / "log.jsonl").open()] for key in (SHORT, LONG)]
    assert found["figures"]["loss"] == [sum(one) / len(one) for one in losses]
    shown = [line.split() for line in done("diff", SHORT, LONG).out.splitlines()]
    assert [SHORT, LONG] in shown and ["steps", "2", "3"] in shown
    assert "do not differ" in done("diff", SHORT, SHORT).err
    assert done("diff", HALF, SHORT, "--json").json["result"]["settings"] == {"tune.steps": [4, 2]}


def test_two_edits_side_by_side(branched: Path) -> None:
    ran = done("diff", "dog", "everywhere")
    sheet = branched / "diff-dog-everywhere.png"
    assert ran.out.splitlines()[-1] == sheet.name
    rows = [load_frames(Workspace(branched).newest("source")).pixels]
    clips = [branched / "edit" / name / "edited.mp4" for name in ("dog", "everywhere")]
    rows += [read_clip(clip, ClipSettings("all")).frames for clip in clips]
    with Image.open(sheet) as picture:
        pixels = np.asarray(picture)
    for number, frames in enumerate(rows):  # 32 pixels a side, four times enlarged, under a line of text
        top = 40 + number * 168
        for column, frame in enumerate(frames):
            left = 16 + column * 134
            assert (pixels[top : top + 128 : 4, left : left + 128 : 4] == frame).all()
    drawn = sheet.read_bytes()
    assert done("diff", "dog", "everywhere").code == 0  # the very same sheet may be there
    sheet.write_bytes(b"mine")
    assert "--force" in refused(2, "diff", "dog", "everywhere").hint and sheet.read_bytes() == b"mine"
    done("diff", "dog", "everywhere", "--force")
    assert sheet.read_bytes() == drawn
    done("diff", "dog", "everywhere", "--sheet", "other.png")
    assert (branched / "other.png").read_bytes() == drawn


def test_what_two_edits_come_from_is_compared_too(branched: Path) -> None:
    shutil.copytree(branched / "edit" / "dog", branched / "edit" / "twin")
    for name in ("settings.yaml", "manifest.json"):
        path = branched / "edit" / "twin" / name
        path.write_text(path.read_text().replace("cff66a246a9e", "b75f12146d5b"))
    found = done("diff", "dog", "twin", "--json").json["result"]
    assert found["parents"] == {"tune": ["cff66a246a9e", "b75f12146d5b"]}
    assert found["settings"]["tune.steps"] == [3, 2]


def test_what_cannot_be_compared(branched: Path) -> None:
    assert "different stages" in refused(2, "diff", SHORT, "dog").cause
    assert "is a folder" in refused(2, "diff", "dog", "everywhere", "--sheet", "edit").cause
    assert "no folder" in refused(2, "diff", "dog", "everywhere", "--sheet", "no/x.png").cause
    (branched / "edit" / "dog" / "edited.mp4").write_bytes(b"")
    assert "damaged" in refused(1, "diff", "dog", "everywhere").cause
