"""The parts of a report: marked prompts, charts, sheets of tiles, colours, files, and pictures in a terminal."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vp2p.atomic import sight
from vp2p.errors import UsageError
from vp2p.report.charts import BOTTOM, HEIGHT, TOP, chart
from vp2p.report.content import Curve, Maps
from vp2p.report.media import Embedded, Linked
from vp2p.report.overlays import coloured, overlaid
from vp2p.report.prompts import changed_words, marked
from vp2p.report.terminal import half_blocks, inline, protocol
from vp2p.report.tracks import track
from vp2p.report.writing import check_place, write_page

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("before", "after", "gone", "new"),
    [
        ("a cat on the grass", "a dog on the grass", ["cat"], ["dog"]),
        ("a cat on the grass", "a red cat on the grass", [], ["red"]),
        ("a cat on the grass", "a cat", ["on the grass"], []),
        ("a cat on the grass.", "an owl on the grass!", ["cat"], ["owl"]),
        ("a cat, a cat", "a cat, a big red dog", ["cat"], ["big red dog"]),
        ("same", "same", [], []),
        ("", "x", [], ["x"]),
    ],
)
def test_changed_words_are_marked(before: str, after: str, gone: list[str], new: list[str]) -> None:
    old, now = marked(before, after)
    assert ("".join(piece.text for piece in old), "".join(piece.text for piece in now)) == (before, after)
    assert [piece.text for piece in old if piece.changed] == gone
    assert [piece.text for piece in now if piece.changed] == new


def test_changed_words_of_both_prompts() -> None:
    assert changed_words("a cat on the grass", "a Red dog on the grass") == ("cat", "red", "dog")


@pytest.mark.parametrize("count", [1, 7, 50])
def test_any_frame_is_found_again_in_the_sheets(count: int) -> None:
    frames = RNG.integers(0, 256, (count, 12, 20, 3), dtype=np.uint8)
    found = track(frames, Embedded())
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["sheets"][0].partition(",")[2]))).convert("RGB"))
    for number, frame in enumerate(frames):
        top, left = number // found["columns"] * 12, number % found["columns"] * 20
        assert np.array_equal(sheet[top : top + 12, left : left + 20], frame)


def test_large_clips_take_several_sheets_of_reduced_frames() -> None:
    frames = np.zeros((30, 450, 800, 3), np.uint8)
    found = track(frames, Embedded())
    assert (found["width"], found["height"]) == (768, 432)
    assert len(found["sheets"]) == -(-30 // found["each"]) > 1


def test_heat_grows_with_attention_and_a_mask_is_all_or_nothing() -> None:
    ramp = np.linspace(0, 1, 16).reshape(1, 1, 16)
    heat = coloured(Maps("cat", "attention", ramp)).astype(int)[0, 0]
    assert (np.diff(heat[:, 3]) > 0).all()
    assert (np.diff(heat[:, :3] @ [0.21, 0.72, 0.07]) > 0).all()
    frames = RNG.integers(0, 200, (1, 8, 8, 3), dtype=np.uint8)
    laid = overlaid(frames, Maps("", "mask", np.array([[[0.0, 1.0]]])))
    assert np.array_equal(laid[:, :, :4], frames[:, :, :4])
    assert (laid[:, :, 4:] != frames[:, :, 4:]).any(axis=-1).all()


def test_a_curve_stands_in_its_axes() -> None:
    drawn = chart(Curve("loss", "step", "error", (1.0, 50.0, 100.0), (0.1, 0.4, 0.2)))
    assert [text for _, text in drawn.y_ticks] == ["0", "0.1", "0.2", "0.3", "0.4"]
    assert [text for _, text in drawn.x_ticks] == ["0", "20", "40", "60", "80", "100"]
    heights = [float(point.split(",")[1]) for point in drawn.line.split()]
    at = dict((text, place) for place, text in drawn.y_ticks)
    assert heights == [at["0.1"], at["0.4"], at["0.2"]]


@pytest.mark.parametrize("values", [(1e-6, 3e-2), (0.011, 0.012), (5.0, 5.0)])
def test_a_logarithmic_axis_holds_the_curve(values: tuple[float, float]) -> None:
    drawn = chart(Curve("error", "step", "error", (1.0, 2.0), values, log=True))
    heights = [float(point.split(",")[1]) for point in drawn.line.split()]
    assert all(TOP <= height <= HEIGHT - BOTTOM for height in heights)
    assert len(drawn.y_ticks) >= 1
    assert all(TOP <= place <= HEIGHT - BOTTOM for place, _ in drawn.y_ticks)


def test_a_curve_of_one_point_is_drawn() -> None:
    assert chart(Curve("loss", "step", "error", (1.0,), (0.3,))).line.count(",") == 1


def test_linked_files_are_named_by_content_and_old_ones_go(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for data in (b"one", b"two"):
        media = Linked(page)
        address = media.url(data, ".webp")
        write_page(page, address, media, sight(page))
        kept = {path.name: path.read_bytes() for path in media.folder.iterdir()}
        assert kept == {address.rpartition("/")[2]: data}
    (media.folder / "mine.txt").write_text("kept")
    write_page(page, "", Embedded(), sight(page))
    assert [path.name for path in media.folder.iterdir()] == ["mine.txt"]


def test_only_a_report_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("my own page")
    with pytest.raises(UsageError, match="no report"):
        check_place(page, force=False)
    check_place(page, force=True)
    page.write_text('<meta name="generator" content="vp2p report 0.1.0">')
    check_place(page, force=False)
    (tmp_path / "page_files").write_text("mine")
    with pytest.raises(UsageError, match="in the way"):
        check_place(page, force=True)


def test_kittys_chunks_are_the_picture() -> None:
    png = RNG.bytes(10_000)
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", inline(png, 900, 80, "kitty"))
    assert base64.b64decode("".join(data for _, data in parts)) == png
    assert all(len(data) <= 4096 for _, data in parts)
    assert parts[0][0].startswith("a=T,f=100,q=2,c=80,")
    assert [keys[-1] for keys, _ in parts] == ["1"] * (len(parts) - 1) + ["0"]


def test_iterm_gets_the_picture() -> None:
    png = RNG.bytes(100)
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=100;width=10;[^:]*:(.*)\a\n", inline(png, 90, 80, "iterm2"))
    assert base64.b64decode(found[1]) == png


def test_half_blocks_have_the_pixels_colours() -> None:
    frames = RNG.integers(0, 256, (2, 24, 24, 3), dtype=np.uint8)
    text = half_blocks([("both", frames)], columns=60)
    assert text.plain.splitlines()[0] == "both"
    lines = text.plain.splitlines()[1:]
    assert len(lines) == 12 and all(line == "▀" * 24 + "  " + "▀" * 24 for line in lines)
    styles = [str(span.style) for span in text.spans]
    assert styles[25] == "rgb({},{},{}) on rgb({},{},{})".format(*frames[1, 0, 1], *frames[1, 1, 1])


def test_half_blocks_fit_a_narrow_terminal() -> None:
    frames = RNG.integers(0, 256, (8, 90, 160, 3), dtype=np.uint8)
    for columns in (10, 24, 79, 200):
        assert all(len(line) <= columns for line in half_blocks([("", frames)], columns).plain.splitlines())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"KITTY_WINDOW_ID": "1", "TERM": "xterm-kitty"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm", "TERM": "xterm-256color"}, "iterm2"),
        ({"TERM_PROGRAM": "tmux", "TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, "blocks"),
        ({"TERM": "xterm-256color"}, "blocks"),
        ({}, "blocks"),
    ],
)
def test_the_terminals_protocol(environment: dict[str, str], expected: str) -> None:
    assert protocol(environment) == expected
