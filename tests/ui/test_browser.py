"""The page in a real browser: an edit by clicking, work that outlives the server, and what nobody may read."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import Opened
from tests.ui.conftest import served, shown
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


def refuses(address: str, root: Path) -> None:
    """What lies in the folder and elsewhere is not served, and a file of the server is no upload."""
    for path in (root / "secret.txt", root / "walk" / "vp2p.yaml", Path("/etc/passwd")):
        for way in (f"gradio_api/file={path}", f"file={path}", f"report/..%2f{path.name}", f"report/{path.name}"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(address + way)
            assert refused.value.code in (403, 404), way


@pytest.mark.slow
def test_from_a_dropped_clip_to_its_edits(browser: Any, root: Path) -> None:
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
        page.page.locator("#target ins", has_text="dog").wait_for()
        mark(page)
        page.page.get_by_role("button", name="Whole new prompt").click()
        page.page.get_by_label("New prompt").wait_for()  # its last Name is the edit's, and no more the workspace's
        page.page.get_by_label("Name").last.fill("marked")
        press(page, "Edit")
        page.page.get_by_text("4 Edit ✓").wait_for()
        page.page.frame_locator("iframe.report").locator("#right-name", has_text="marked").wait_for()
        page.page.get_by_role("button", name="Stop").wait_for(state="hidden")
        paint(page)
        page.page.get_by_label("Name").last.fill("painted")
        press(page, "Edit")
        press(page, "Stop")  # what it was asked is enough
        page.page.get_by_role("button", name="Go on").wait_for()
        page.page.get_by_role("tab", name="History").click()
        page.page.locator(".runs li", has_text="marked").locator("img").wait_for()
        unhurt(page, address)
        refuses(address, root)
    workspace = Root(root).workspace("mine")
    marked = workspace.by_name("edit", "marked").record().settings
    assert marked["target"] == f"a dog on {HURT}"
    points = [Point.read(one) for one in marked["edit"]["mask_point"]]
    assert [one.inside for one in points] == [True, False, False]
    assert [(one.x, one.y) for one in points] == clicked(root)
    painted = jobs.news(workspace)
    assert painted is not None and painted.job.stage == "edit"
    (mask,) = (one.removeprefix("--mask=") for one in painted.job.options if one.startswith("--mask"))
    assert mask.startswith("ui/masks/") and (workspace.folder / mask).is_file()
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
    page.page.get_by_label("Paint", exact=True).check()
    canvas = page.page.locator("#mask canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    page.page.mouse.down()
    for step in range(10):
        page.page.mouse.move(box["x"] + box["width"] * (0.3 + 0.04 * step), box["y"] + box["height"] * 0.5)
    page.page.mouse.up()


@pytest.mark.slow
def test_work_outlives_the_server_and_the_next_one_goes_on_for_those_with_the_token(browser: Any, root: Path) -> None:
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
    with served(root, "--host", "0.0.0.0") as (address, _):  # and other machines need the token
        assert "?token=" in address
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address.partition("?")[0])
        assert refused.value.code == 401
        with shown(browser, address) as page:
            assert "token" not in page.page.url
            page.page.locator("#status progress[max='500']").wait_for()
            now = jobs.news(workspace)
            assert now is not None and now.job == before.job and now.step and before.step
            assert now.step.done > before.step.done
            press(page, "Stop")
            page.page.get_by_role("button", name="Go on").wait_for()
            page.page.locator("#words label", has_text="cat").click()
            page.page.locator("#seen img").wait_for()
            press(page, "Go on")
            page.page.get_by_role("button", name="Stop").wait_for()
            again = jobs.news(workspace)
            assert again is not None and again.running and again.job.pid != before.job.pid
            assert (again.job.stage, again.job.options) == (before.job.stage, before.job.options)
            press(page, "Stop")  # what goes on then: test_jobs.py
            page.page.get_by_role("button", name="Go on").wait_for()
            unhurt(page, address)
