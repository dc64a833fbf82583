"""Work side by side: the same as one after the other, and nothing of it is left behind."""

from __future__ import annotations

import threading
from typing import Iterator

import cv2
import pytest
import torch

from vp2p.compositing.motion.dense import dense_motion
from vp2p.compositing.threads import side_by_side
from vp2p.sprites.scenes import Scene


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_threads_meet_and_answers_keep_their_order() -> None:
    meeting = threading.Barrier(3, timeout=20)

    def work(number: int) -> tuple[int, int, int]:
        meeting.wait()  # no thread passes before all three are there
        return number, torch.get_num_threads(), cv2.getNumThreads()

    assert side_by_side(work, range(3)) == [(number, 1, 1) for number in range(3)]


def test_work_inside_work_begins_no_threads() -> None:
    def inner(_: int) -> str:
        return threading.current_thread().name

    outer = side_by_side(lambda _: (threading.current_thread().name, side_by_side(inner, range(3))), range(2))
    assert all(names == [name] * 3 for name, names in outer)


def test_after_an_error_all_is_as_before() -> None:
    of_opencv = cv2.getNumThreads()
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 / number, range(3))
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (3, of_opencv)


def test_a_field_is_the_same_by_any_number_of_threads() -> None:
    scene = Scene("cat", "grass", path="slide", seed=4)
    clip = torch.from_numpy(scene.render(4, 48)).permute(0, 3, 1, 2).float()
    masks = torch.from_numpy(scene.masks(4, 48))

    def found(threads: int) -> torch.Tensor:
        torch.set_num_threads(threads)
        motion = dense_motion(clip, masks)
        motion.prepare([1])
        return torch.stack([motion.warp(clip[1], 1, frame, True)[0] for frame in range(4)])

    assert found(1).equal(found(3))
