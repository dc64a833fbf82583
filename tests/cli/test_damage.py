"""Results that are missing or damaged: named, with the command that makes them anew, and it does."""

from __future__ import annotations

import shlex
import shutil
from itertools import cycle
from pathlib import Path
from typing import Callable

import pytest

from tests.cli.conftest import INVERT, TUNE, Make
from tests.cli.running import Ran, done, only, refused, snapshot


def obey(hint: str) -> Ran:
    """Types the command that a hint names."""
    words = shlex.split(hint)
    assert words[0] == "vp2p"
    return done(*words[1:])


def artifacts(run: Path) -> dict[str, bytes]:
    """All that a run computed, by name; not its settings and its manifest, which say when."""
    kept = (path for path in run.iterdir() if path.name not in ("settings.yaml", "manifest.json"))
    return {path.name: path.read_bytes() for path in kept}


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "one bit": lambda path: path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])),
}
# Stage and artifact, the commands that notice.
NOTICED: list[tuple[str, str, tuple[tuple[str, ...], ...]]] = [
    ("tune", "tuned.safetensors", (TUNE, ("invert", "--steps", "2"), ("edit", "--swap", "cat=bird"))),
    ("invert", "trajectory.safetensors", (INVERT, ("edit", "--swap", "cat=bird"))),
    ("invert", "null.safetensors", (INVERT, ("edit", "--swap", "cat=bird"))),
    ("invert", "reconstruction.mp4", (INVERT,)),
    ("edit", "edited.mp4", (("edit", "--swap", "cat=dog"),)),
    ("edit", "latents.safetensors", (("edit", "--swap", "cat=dog"),)),
]


# Every damage of one artifact, and one damage of each other; tests/crash/test_damage.py tries all of all.
CASES = [
    *((damage, *NOTICED[0]) for damage in DAMAGES),
    *((damage, *one) for damage, one in zip(cycle(DAMAGES), NOTICED[1:])),
]


@pytest.mark.parametrize(("damage", "stage", "name", "commands"), CASES, ids=[f"{one[2]}-{one[0]}" for one in CASES])
def test_a_damaged_artifact_is_named_and_made_anew(
    work: Make, damage: str, stage: str, name: str, commands: tuple[tuple[str, ...], ...]
) -> None:
    folder = work("sd2", "edit")
    path = only(folder / stage) / name
    good = artifacts(path.parent)
    DAMAGES[damage](path)
    before = snapshot(folder)
    for words in commands:
        ran = refused(1, *words)
        assert str(path) in ran.cause and ran.hint.endswith("--force"), ran.err
        assert snapshot(folder) == before
    obey(ran.hint)
    again = artifacts(path.parent)
    # By name: what of a run differs tells where it came from, and bytes of a film tell nothing.
    assert [name for name in {**good, **again} if good.get(name) != again.get(name)] == []
    for words in commands:
        done(*words)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_frames(work: Make, damage: str) -> None:
    folder = work("sd2", "edit")
    path = only(folder / "source") / "frames.safetensors"
    good = path.read_bytes()
    DAMAGES[damage](path)
    before = snapshot(folder)
    for words in (TUNE, ("invert", "--steps", "2"), ("edit", "--swap", "cat=bird")):
        ran = refused(1, *words)
        assert str(path) in ran.cause and ran.hint == f"rm -r {path.parent}, then the same command again"
        assert snapshot(folder) == before
    shutil.rmtree(path.parent)
    done(*words)
    assert path.read_bytes() == good


@pytest.mark.parametrize("stage", ["tune", "invert", "edit"])
def test_a_damaged_manifest(work: Make, stage: str) -> None:
    folder = work("sd2", "edit")
    path = only(folder / stage) / "manifest.json"
    path.write_text("{")
    ran = refused(1, *{"tune": TUNE, "invert": INVERT, "edit": ("edit", "--swap", "cat=dog")}[stage])
    assert str(path) in ran.cause
    assert ": done" in obey(ran.hint).err
    assert "up to date" in done("edit", "--swap", "cat=dog").err


def test_a_run_that_is_gone_is_asked_for(work: Make) -> None:
    folder = work("sd2", "edit")
    shutil.rmtree(only(folder / "tune"))
    ran = refused(1, "edit", "--swap", "cat=bird")
    assert "is gone" in ran.cause and ran.hint == "vp2p tune"
    done(*TUNE)
    done("edit", "--swap", "cat=bird")
    shutil.rmtree(only(folder / "invert"))
    assert refused(1, "edit", "--swap", "cat=bird").hint == "vp2p invert"


def test_the_command_names_what_the_run_was_made_with(work: Make) -> None:
    """Beside a second tune run and other defaults in vp2p.yaml, and in another format."""
    folder = work("sd2", "invert")
    inverted = only(folder / "invert").name
    done("tune", "--steps", "1")
    done("invert", "--method", "direct", "--steps", "2")
    with open(folder / "vp2p.yaml", "a") as config:
        config.write("edit:\n  blend_threshold: 0.7\n")
    made = ("--swap", "cat=dog", "--reweight", "dog:2", "--blend-threshold", "0.3", "--no-blend", "--format", "gif")
    done("edit", *made, "--from", inverted, "--name", "loud dog".replace(" ", "-"))
    path = folder / "edit" / "loud-dog" / "edited.gif"
    good = path.read_bytes()
    path.unlink()
    ran = refused(1, "edit", *made, "--from", inverted)
    assert ran.hint == (
        "vp2p edit --swap cat=dog --reweight dog:2 --no-blend --blend-threshold 0.3 "
        f"--from {inverted} --format gif --name loud-dog --force"
    )
    obey(ran.hint)
    assert path.read_bytes() == good
