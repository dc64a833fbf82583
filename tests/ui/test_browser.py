"""The page in a real browser: an edit by clicking, work that outlives the server, and what nobody may read."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import Opened
from tests.ui.conftest import PROMPT, served, shown
from vp2p.points import Point
from vp2p.ui import jobs
from vp2p.ui.root import Root
from vp2p.video.reading import probe

HURT = "<img src=x onerror=hurt()>"


def press(page: Opened, name: str) -> None:
    page.page.get_by_role("button", name=name, exact=True).click()


def unhurt(page: Opened, address: str) -> None:
    """Nothing was logged, and nothing was asked of another host."""
    assert not [one for one in page.logged if one != "Method not implemented."]  # Gradio's player, of a fresh upload
    assert all(one.startswith((address.partition("?")[0], "data:", "blob:")) for one in page.asked)


def test_a_word_is_swapped_by_clicking(browser: Any, root: Path) -> None:
    with served(root) as (address, _), shown(browser, address) as page:
        page.page.locator("#words label", has_text="cat").click()
        page.page.locator("#seen img").wait_for()
        page.page.locator("#new input, #new textarea").fill("dog")
        page.page.locator("#target ins", has_text="dog").wait_for()
        press(page, "Edit")
        page.page.get_by_text("4 Edit ✓").wait_for()
        page.page.frame_locator("iframe.report").locator("#right-name", has_text="dog").wait_for()
        assert page.page.get_by_label("Stop").count() == 0
        mark(page)
        page.page.get_by_role("button", name="Whole new prompt").click()
        page.page.get_by_label("Name").last.fill("marked")
        press(page, "Edit")
        page.page.frame_locator("iframe.report").locator("#right-name", has_text="marked").wait_for()
        unhurt(page, address)
        refuses(address, root)
    edit = Root(root).workspace("walk").by_name("edit", "dog")
    assert edit.finished and edit.record().settings["target"] == PROMPT.replace("cat", "dog")
    marked = Root(root).workspace("walk").by_name("edit", "marked").record().settings["edit"]["mask_point"]
    assert [Point.read(one).inside for one in marked] == [True, False, False]
    assert [(Point.read(one).x, Point.read(one).y) for one in marked] == clicked(root)


def refuses(address: str, root: Path) -> None:
    """What lies in the folder and elsewhere is not served, and a file of the server is no upload."""
    for path in (root / "secret.txt", root / "walk" / "vp2p.yaml", Path("/etc/passwd")):
        for way in (f"gradio_api/file={path}", f"file={path}", f"report/..%2f{path.name}", f"report/{path.name}"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(address + way)
            assert refused.value.code in (403, 404), way


@pytest.mark.slow
def test_from_a_dropped_clip_to_an_edit(browser: Any, root: Path) -> None:
    (root / "walk" / "vp2p.yaml").unlink()  # so there is none yet
    with served(root) as (address, _), shown(browser, address, color_scheme="dark") as page:
        press(page, "Make workspace")
        page.page.locator(".trouble", has_text="There is no clip yet.").wait_for()
        page.page.locator("#clip input[type=file]").set_input_files(root / "cat.mp4")
        page.page.get_by_label("Prompt").first.fill(f"a cat on {HURT}")
        page.page.get_by_role("button", name="Model, frames").click()
        page.page.get_by_label("Model", exact=True).click()
        page.page.get_by_role("option", name="tiny").click()
        page.page.get_by_label("Frames").fill("2")
        page.page.get_by_label("Size").fill("64")
        page.page.get_by_label("Name").first.fill("mine")
        page.page.locator("#clip video").wait_for()
        press(page, "Make workspace")
        page.page.locator("#facts .sentence", has_text=HURT).wait_for()
        page.page.get_by_label("Steps").first.fill("2")
        press(page, "Tune")
        page.page.get_by_text("2 Tune ✓").wait_for()
        page.page.get_by_label("Steps").last.fill("2")
        press(page, "Invert")
        page.page.get_by_text("3 Invert ✓").wait_for()
        page.page.locator("#words label", has_text="cat").click()
        page.page.locator("#new input, #new textarea").fill("dog")
        page.page.get_by_role("button", name="Mask").click()
        paint(page)
        press(page, "Edit")
        page.page.get_by_text("4 Edit ✓").wait_for()
        page.page.get_by_role("tab", name="History").click()
        page.page.locator(".runs li", has_text="dog").locator("img").wait_for()
        unhurt(page, address)
    workspace = Root(root).workspace("mine")
    (edit,) = workspace.runs("edit")
    assert edit.record().settings["edit"]["mask"].startswith("ui/masks/")
    assert (root / "mine.mp4").read_bytes() == (root / "cat.mp4").read_bytes()


CLICKS = ((0.5, 0.6), (0.1, 0.1), (0.9, 0.1))  # as shares of the picture: on the cat, and twice beside it


def clicked(root: Path) -> list[Any]:
    """The clicks as pixels of the video."""
    clip = probe(root / "cat.mp4")
    return [pytest.approx((x * clip.width - 0.5, y * clip.height - 0.5), abs=1) for x, y in CLICKS]


def mark(page: Opened) -> None:
    """Points: one on the cat, one beside it by Shift, and one by the switch; and one that is taken away again."""
    page.page.get_by_role("button", name="Mask").click()
    canvas = page.page.locator("#mask canvas")
    canvas.wait_for()
    page.until("document.querySelector('#mask canvas').offsetHeight > 50")
    box = canvas.bounding_box()

    def click(share: tuple[float, float], *keys: str) -> None:
        canvas.click(position={"x": box["width"] * share[0], "y": box["height"] * share[1]}, modifiers=keys)

    page.page.get_by_label("Point", exact=True).check()
    click(CLICKS[0])
    click(CLICKS[1], "Shift")
    page.page.get_by_label("Point beside it").check()
    click((0.1, 0.9))
    click(CLICKS[2])
    page.page.locator("#mask .point").nth(2).click()
    assert page.page.locator("#mask .point").all_inner_texts() == ["+", "−", "−"]


def paint(page: Opened) -> None:
    """A stroke across the picture."""
    canvas = page.page.locator("#mask canvas")
    canvas.wait_for()
    page.until("document.querySelector('#mask canvas').offsetHeight > 50")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    page.page.mouse.down()
    for step in range(10):
        page.page.mouse.move(box["x"] + box["width"] * (0.3 + 0.04 * step), box["y"] + box["height"] * 0.5)
    page.page.mouse.up()


@pytest.mark.slow
def test_work_outlives_the_server(browser: Any, root: Path) -> None:
    workspace = Root(root).workspace("walk")
    with served(root) as (address, server), shown(browser, address) as page:
        page.page.locator("#words label", has_text="cat").wait_for()  # what is loaded sets which sections are open
        page.page.get_by_role("button", name="2 Tune").click()
        page.page.get_by_label("Steps").first.fill("500")
        press(page, "Tune")
        page.page.locator("#status progress[max='500']").wait_for()
        server.kill()
        server.wait()
    before = jobs.news(workspace)
    assert before is not None and before.running
    with served(root) as (address, _), shown(browser, address) as page:
        page.page.locator("#status progress[max='500']").wait_for()
        now = jobs.news(workspace)
        assert now is not None and now.job == before.job and now.step and before.step
        assert now.step.done > before.step.done
        press(page, "Stop")
        page.page.get_by_role("button", name="Go on").wait_for()
        press(page, "Go on")
        page.page.locator("#status progress").wait_for()
        press(page, "Stop")
        page.page.get_by_role("button", name="Go on").wait_for()


@pytest.mark.slow
def test_other_machines_need_the_token(browser: Any, root: Path) -> None:
    with served(root, "--host", "0.0.0.0") as (address, _):
        assert "?token=" in address
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address.partition("?")[0])
        assert refused.value.code == 401
        with shown(browser, address) as page:
            assert "token" not in page.page.url
            page.page.locator("#words label", has_text="cat").wait_for()
            unhurt(page, address)
