"""One frame's edit carried into the others, on pictures that serve as their own latents."""

from __future__ import annotations

import torch
from torch import Tensor

from vp2p.method.carry import Carry

FRAMES, SIDE, SIZE = 4, 128, 64


def square(frame: int) -> tuple[slice, slice]:
    """Where a square is that moves 6 pixels to the right and 3 down from frame to frame."""
    return slice(8 + 3 * frame, 8 + 3 * frame + SIZE), slice(6 + 6 * frame, 6 + 6 * frame + SIZE)


def picture(seed: int, size: int) -> Tensor:
    """A smooth random picture, (3, size, size) in 0…255."""
    coarse = torch.rand(1, 3, size // 8, size // 8, generator=torch.Generator().manual_seed(seed)) * 255
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 255)[0]


def clip_and_masks() -> tuple[Tensor, Tensor]:
    clip, masks = picture(0, SIDE).expand(FRAMES, -1, -1, -1).clone(), torch.zeros(FRAMES, SIDE, SIDE)
    for frame in range(FRAMES):
        rows, columns = square(frame)
        clip[frame][:, rows, columns] = picture(1, SIZE)
        masks[frame, rows, columns] = 1
    return clip, masks


def edits(clip: Tensor) -> Tensor:
    """The clip with another look in the square of each frame."""
    edited = clip.clone()
    for frame in range(FRAMES):
        rows, columns = square(frame)
        edited[frame][:, rows, columns] = picture(10 + frame, SIZE)
    return edited


def carry(clip: Tensor, losses: list[float]) -> Carry:
    return Carry(0.5, clip, lambda latents: latents, lambda pictures: pictures, lambda *_: torch.tensor(losses))


def inner(picture: Tensor, frame: int) -> Tensor:
    """What a picture shows well inside a frame's square."""
    rows, columns = square(frame)
    return picture[:, rows.start + 3 : rows.stop - 3, columns.start + 3 : columns.stop - 3]


def test_the_likeliest_frames_look_is_seen_in_every_frame():
    clip, masks = clip_and_masks()
    edited = edits(clip)
    laid = carry(clip, [3.0, 2.0, 1.0, 4.0])(edited, masks)
    look = inner(edited[2], 2)
    for frame in range(FRAMES):
        assert (inner(laid[frame], frame) - look).abs().mean() < 3
        outside = masks[frame] == 0
        assert torch.equal(laid[frame][:, outside], edited[frame][:, outside])
    assert torch.equal(laid[2], edited[2])


def test_a_frame_whose_motion_is_not_known_keeps_its_own():
    clip, masks = clip_and_masks()
    clip[3] = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(5)) * 255
    edited = edits(clip)
    laid = carry(clip, [1.0, 2.0, 3.0, 0.0])(edited, masks)
    assert torch.equal(laid[3], edited[3])  # nor is it the key
    assert (inner(laid[1], 1) - inner(edited[0], 0)).abs().mean() < 3


def test_a_frame_that_shows_a_part_is_no_key():
    clip, masks = clip_and_masks()
    masks[1, :, : square(1)[1].start + 24] = 0
    edited = edits(clip)
    laid = carry(clip, [2.0, 0.0, 1.0, 3.0])(edited, masks)
    assert torch.equal(laid[2], edited[2]) and not torch.equal(laid[1], edited[1])


def test_without_a_region_or_a_second_frame_nothing_is_carried():
    clip, masks = clip_and_masks()
    edited = edits(clip)
    assert carry(clip, [1.0] * FRAMES)(edited, masks * 0) is edited
    one = edited[:1]
    assert carry(clip[:1], [1.0])(one, masks[:1]) is one


def test_it_is_done_once_and_in_time():
    clip, _ = clip_and_masks()
    for share, step in ((0.5, 5), (0.85, 8), (1.0, 9), (0.01, 0)):
        due = Carry(share, clip, None, None, None).due
        assert [at for at in range(10) if due(at, 10)] == [step]
