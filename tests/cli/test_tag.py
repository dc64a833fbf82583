"""Runs that have names: given by ``--as`` or ``vp2p tag``, used by ``--from`` and wherever a run is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import done, refused, snapshot
from tests.cli.test_migration import DOG, INVERTED, LONG, SHORT


def test_a_tag_is_given_used_moved_and_taken_away(branched: Path) -> None:
    assert done("tag", "short", SHORT).out == f"short\t{SHORT}\n"
    done("tag", "long", "tune/cff66a")
    assert done("tag").out.splitlines() == [f"long\t{LONG}", f"short\t{SHORT}"]
    for name in ("long", "tune/long"):
        ran = done("invert", "--method", "direct", "--steps", "2", "--from", name)
        assert "up to date" in ran.err and INVERTED in ran.out
    assert "names tune/b75f12146d5b already" in refused(2, "tag", "short", "long").cause
    done("tag", "short", "edit/dog", "--move")
    assert "no tune run 'short'" in refused(2, "invert", "--from", "short").cause
    done("tag", "--delete", "short")
    assert done("tag").out == f"long\t{LONG}\n" and (branched / "edit" / "dog").exists()
    assert refused(2, "tag", "short", "--delete").hint == "known: long"


def test_as_names_the_run_and_is_checked_before_the_work(branched: Path) -> None:
    assert "up to date" in done("tune", "--steps", "2", "--as", "short").err
    assert "up to date" in done("tune", "--steps", "2", "--as", "short").err
    done("invert", "--method", "direct", "--steps", "2", "--from", "tune/cff66a", "--as", "quick")
    assert done("tag").out.splitlines() == [f"quick\t{INVERTED}", f"short\t{SHORT}"]
    before = snapshot(branched)
    for words in (("tune", "--steps", "9"), ("tune", "--steps", "9", "--dry-run")):
        assert "vp2p tag --delete short" in refused(2, *words, "--as", "Short").hint
    for name in ("../x", "", "-x", "0123456789ab", "a b", "x" * 65):
        refused(2, "tune", "--steps", "9", f"--as={name}")
    assert snapshot(branched) == before
    assert "edit everywhere: up to date" in done(*DOG, "--no-blend", "--as", "everywhere").err


@pytest.mark.slow
def test_a_new_run_gets_its_tag_with_its_folder(branched: Path) -> None:
    done("tune", "--steps", "1", "--as", "one")
    assert "one" in done("status").out
    refused(2, "edit", "--swap", "cat=dog", "--from", "one")
    assert done("tag").out.startswith("one\ttune/")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("tag", "short"), "no run to call short"),
        (("tag", "--delete"), "no tag named"),
        (("tag", "short", "nothing"), "no run 'nothing'"),
        (("tag", "short", ""), "no run ''"),
        (("tag", "x/y", "dog"), "holds '/'"),
    ],
)
def test_wrong_words(branched: Path, words: tuple[str, ...], cause: str) -> None:
    assert cause in refused(2, *words).cause
    assert not (branched / "tags").exists() or not list((branched / "tags").iterdir())
