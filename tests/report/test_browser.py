"""The report in a real browser: in step, by keyboard, with the slider, in both themes, on a phone, unharmed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import done
from tests.report.browser import Opened, opened
from tests.report.conftest import FRAMES, HOSTILE
from vp2p.report.attention import attention_of
from vp2p.stages.edited import edited_file, every_frame
from vp2p.stages.source import load_frames
from vp2p.video.heat import heat_overlay
from vp2p.workspace import Workspace

pytestmark = pytest.mark.slow


def _frames(walk: Path, name: str | None) -> np.ndarray:
    """The source's frames, or an edit's as its file holds them."""
    workspace = Workspace.find(explicit=walk)
    if name is None:
        return load_frames(workspace.newest("source")).pixels
    return every_frame(edited_file(workspace.by_name("edit", name)))


def _enlarged(frame: np.ndarray, like: np.ndarray) -> np.ndarray:
    factor = like.shape[0] // frame.shape[0]
    return frame.repeat(factor, axis=0).repeat(factor, axis=1)


def _id(report: Opened, name: str) -> str:
    """The id of an edit's clip."""
    return report.page.locator("#right option", has_text=name).get_attribute("value")


def _share(report: Opened) -> int:
    return int(report.page.locator("#slider").get_attribute("aria-valuenow"))


def test_every_clip_shows_its_own_frame_exactly(report: Opened, made: Path) -> None:
    for frame in range(FRAMES):
        assert report.frame == frame
        for selector, name in (("[data-clip=s0]", None), (f"[data-clip={_id(report, 'dog')}]", "dog")):
            shown = report.picture(f"canvas{selector}")
            assert np.array_equal(shown, _enlarged(_frames(made, name)[frame], shown)), (frame, name)
        report.press(".")


def test_clips_play_in_step(browser: object, page: Path) -> None:
    with opened(browser, page) as report:
        assert report.page.locator("#play").get_attribute("aria-label") == "Pause"
        seen = []
        for _ in range(2 * FRAMES):
            seen.append(report.frame)  # fails where two canvases show different frames
            report.until(f"clock.frame !== {seen[-1]}")
        assert set(seen) == set(range(FRAMES))


def test_playing_once_stops_at_the_last_frame(report: Opened) -> None:
    report.press("l", " ")
    report.until("!clock.playing")
    assert report.frame == FRAMES - 1
    report.press(" ")
    report.until("clock.frame === 1")


def test_keys_step_and_go_round(report: Opened) -> None:
    found = []
    for key in ("ArrowRight", ".", "ArrowRight", ",", "ArrowLeft", "Home", "End"):
        report.press(key)
        found.append(report.frame)
    assert found == [1, 2, 0, 2, 1, 0, 2]


def test_number_keys_and_cards_choose_the_edit(report: Opened) -> None:
    order = report.do("[...document.querySelectorAll('#right option')].map((one) => one.text)")
    assert sorted(order) == ["dog", "hostile", "red"]
    assert report.page.locator("#right-name").inner_text() == order[2] == "red", "the newest"
    report.press("2")
    assert report.page.locator("#right-name").inner_text() == order[1]
    report.page.locator("[data-edit]").nth(2).click()
    assert report.page.locator("#right-name").inner_text() == order[2]
    assert report.do("[...document.querySelectorAll('[data-edit]')].map((one) => one.ariaPressed)") == [
        "false",
        "false",
        "true",
    ]


def test_wipe_shows_one_clip_on_each_side(report: Opened, made: Path) -> None:
    report.page.locator("#right").select_option(label="dog")
    shown = report.picture("#wipe")
    half = shown.shape[1] // 2
    source, edit = (_enlarged(_frames(made, name)[0], shown) for name in (None, "dog"))
    assert np.array_equal(shown[:, :half], source[:, :half])
    assert np.array_equal(shown[:, half:], edit[:, half:])


def test_slider_moves_by_keys_and_leaves_the_frame(report: Opened) -> None:
    report.page.locator("#slider").focus()
    shares = []
    for key in ("ArrowRight", "PageUp", "ArrowLeft", "End", "Home"):
        report.press(key)
        shares.append(_share(report))
    assert shares == [52, 62, 60, 100, 0]
    assert report.frame == 0
    source = report.picture("canvas[data-clip=s0]")
    report.press("End")
    assert np.array_equal(report.picture("#wipe"), source)


def test_slider_follows_the_pointer(report: Opened) -> None:
    box = report.page.locator("#wipe").bounding_box()
    middle = box["y"] + box["height"] / 2
    report.page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    report.page.mouse.down()
    report.page.mouse.move(box["x"] + box["width"] * 0.25, middle, steps=4)
    assert _share(report) == 25
    report.page.mouse.up()
    report.page.mouse.move(box["x"] + box["width"] * 0.9, middle)
    assert _share(report) == 25


def test_mask_is_laid_over_the_edit(report: Opened) -> None:
    report.page.locator("#right").select_option(label="dog")
    bare = report.picture("#wipe")
    report.page.locator("#over").select_option("mask")
    tinted = report.picture("#wipe")
    assert not np.array_equal(bare, tinted)
    report.page.locator("#right").select_option(label="hostile")  # made with --no-blend
    without = report.picture("#wipe")
    report.page.locator("#over").select_option("")
    assert np.array_equal(report.picture("#wipe"), without)


def test_attention_is_heat_over_a_grey_picture(report: Opened, made: Path) -> None:
    report.page.locator("#over").select_option(label="attention: cat")
    canvas = "canvas[data-maps]"
    shown = report.picture(canvas)
    here = Workspace.find(explicit=made)
    (cat,) = attention_of(here)[0].words
    expected = heat_overlay(
        _frames(made, None)[:1].repeat(shown.shape[0] // 64, 1).repeat(shown.shape[1] // 64, 2), cat.values[:1]
    )
    assert np.abs(shown.astype(int) - expected[0]).mean() < 6  # the browser enlarges maps and greys a little otherwise
    report.press(".")
    assert not np.array_equal(report.picture(canvas), shown)


def test_prompts_stay_text_and_nothing_is_fetched(report: Opened, page: Path) -> None:
    card = report.page.locator("article", has=report.page.locator("h3", has_text="hostile"))
    assert card.locator(".prompt").last.inner_text() == HOSTILE
    assert report.do("typeof hurt") == "undefined"
    assert report.page.locator("img[src=x]").count() == 0
    report.press(" ", "l", ".", "1")
    report.page.locator("#theme").click()
    assert report.logged == []
    assert [address for address in report.asked if not address.startswith("data:")] == [page.as_uri()]


def test_a_link_opens_the_run_it_leads_to(report: Opened) -> None:
    run = report.page.locator("[id='run-edit/dog'] details")
    assert run.get_attribute("open") is None
    report.page.locator("a[href='#run-edit/dog']").click()
    report.until("document.querySelector(\"[id='run-edit/dog'] details\").open")
    assert run.locator("pre").inner_text().startswith("vp2p edit")


def test_a_script_that_got_into_the_page_would_not_run(report: Opened) -> None:
    report.do("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"hurt=1\">')")
    report.do("document.body.append(Object.assign(document.createElement('script'), {textContent: 'hurt=1'}))")
    report.page.wait_for_timeout(100)
    assert report.do("typeof hurt") == "undefined"
    assert all("Content Security Policy" in message for message in report.logged) and report.logged


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_is_the_systems_until_chosen(browser: object, page: Path, scheme: str) -> None:
    def lightness() -> int:
        return int(report.do("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))

    with opened(browser, page, color_scheme=scheme, reduced_motion="reduce") as report:
        assert (lightness() > 128) == (scheme == "light")
        report.page.locator("#theme").click()
        assert (lightness() > 128) == (scheme == "dark")
        report.page.reload()
        report.until("document.documentElement.dataset.ready")
        assert (lightness() > 128) == (scheme == "dark")


def test_still_where_motion_is_unwanted(report: Opened) -> None:
    report.page.wait_for_timeout(600)
    assert report.frame == 0
    report.press(" ")
    report.until("clock.frame > 0")


def test_a_phone_needs_no_sideways_scrolling(browser: object, page: Path) -> None:
    with opened(browser, page, viewport={"width": 380, "height": 700}, has_touch=True) as report:
        report.do("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert report.do("document.documentElement.scrollWidth") == 380
        for name in ("back", "play", "on", "scrub", "loop", "speed"):
            box = report.page.locator(f"#{name}").bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 380, name


def test_linked_pictures_beside_the_page(browser: object, walk: Path, tmp_path: Path) -> None:
    done("report", "--link", "--out", tmp_path / "walk.html")
    moved = tmp_path / "a place #1?"
    moved.mkdir()
    shutil.move(tmp_path / "walk.html", moved)
    with opened(browser, moved / "walk.html", ready=False) as report:
        report.page.locator("#trouble").wait_for(state="visible")
    shutil.move(tmp_path / "walk_files", moved)
    with opened(browser, moved / "walk.html") as report:
        assert report.logged == []
        assert all(address.startswith(moved.as_uri()) for address in report.asked)
        assert len(report.asked) > 3


def test_index_leads_to_each_report(browser: object, walk: Path) -> None:
    shutil.copytree(walk, walk.with_name("a second %41 <b>"))
    done("report", walk.parent)
    with opened(browser, walk.parent / "index.html", ready=False) as index:
        links = index.page.locator("article a")
        assert links.all_inner_texts() == ["a second %41 <b>", "walk"]
        links.first.click()
        index.until("document.documentElement.dataset.ready")
        assert index.page.title().startswith("a second %41 <b>")
        assert index.logged == []
