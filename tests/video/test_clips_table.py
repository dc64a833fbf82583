"""docs/clips.md says what is true: each row's clip is made and read, and the page is the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.video.clips_table import TABLE, Row, page

ROWS = [row for rows in TABLE.values() for row in rows if row.make is not None]
# Notes that a clip made here gets besides the one that its row is about.
_BESIDE = ("does not say its colour matrix",)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_row_is_true(row: Row, tmp_path: Path) -> None:
    clip = row.read(tmp_path)
    assert row.holds(clip)
    told = [note for note in clip.notes if row.note and row.note in note]
    assert bool(told) == bool(row.note), clip.notes
    others = [note for note in clip.notes if note not in told and not any(beside in note for beside in _BESIDE)]
    assert others == []


def test_the_page_is_the_table() -> None:
    """To write it: python -m tests.video.clips_table > docs/clips.md"""
    assert (Path(__file__).parents[2] / "docs" / "clips.md").read_text("utf-8") == page()
