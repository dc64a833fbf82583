"""The outline of an edit, on maps made by hand."""

from __future__ import annotations

import torch

from vp2p.method.attention.local_blend import attention, outline

SIZE = (8, 8)


def maps(*peaks: float, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """(2, F, n): in each frame of the source one cell with a peak, the target the same elsewhere."""
    made = torch.zeros(2, len(peaks), *size)
    for frame, peak in enumerate(peaks):
        made[0, frame, 1, 1], made[1, frame, -2, -2] = peak, peak
    return made.flatten(2)


def test_words_of_both_sides_are_outlined_with_their_neighbours():
    mask = outline({SIZE: maps(1.0)}, SIZE, 0.3)[0]
    wanted = torch.zeros(8, 8, dtype=torch.bool)
    wanted[0:3, 0:3] = wanted[5:8, 5:8] = True
    assert torch.equal(mask, wanted)


def test_a_faint_frame_has_an_outline_of_its_own_or_none_beside_the_clips_peak():
    each, joint = (outline({SIZE: maps(1.0, 0.1)}, SIZE, 0.3, joint=joint) for joint in (False, True))
    assert torch.equal(each[0], joint[0]) and torch.equal(each[1], each[0])
    assert not joint[1].any()


def test_a_soft_outline_fades_around_the_cut():
    graded = torch.zeros(2, 1, 4, 4)
    graded[:, 0, 0, 0], graded[:, 0, 0, 3], graded[:, 0, 3, 0], graded[:, 0, 3, 3] = 1.0, 0.3, 0.2, 0.1
    mask = outline({(4, 4): graded.flatten(2)}, (4, 4), 0.3, soft=True)[0]
    corners = [round(mask[row, column].item(), 3) for row, column in ((0, 0), (0, 3), (3, 0), (3, 3))]
    assert corners == [1.0, 0.5, round(0.2 / 0.3 - 0.5, 3), 0.0]


def test_maps_of_several_sizes_count_alike():
    fine, coarse = maps(1.0), maps(500.0, size=(4, 4))
    both = outline({SIZE: fine, (4, 4): coarse}, SIZE, 0.6)[0]
    # Of the coarse map, whose cells are four fine ones, the cut leaves what the fine map has too.
    assert torch.equal(both, outline({SIZE: fine}, SIZE, 0.3)[0])
    assert outline({SIZE: fine, (4, 4): coarse}, SIZE, 0.4)[0].sum() > both.sum()


def test_attention_is_next_to_each_frames_most():
    found = attention({SIZE: maps(0.5, 0.1), (4, 4): maps(2.0, 2.0, size=(4, 4))}, SIZE)
    assert found.shape == (2, 2, *SIZE) and 0 <= float(found.min()) and float(found.max()) == 1
    assert torch.allclose(found[:, 0], found[:, 1])
    (source, target) = found[:, 0]
    assert float(source[1, 1]) == float(target[-2, -2]) == 1.0 and float(source[-2, -2]) == 0
    assert not attention({SIZE: torch.zeros(2, 2, 64)}, SIZE).any()
