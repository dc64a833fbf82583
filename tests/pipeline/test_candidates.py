"""Which tries are made of an edit, and which one is kept."""

from __future__ import annotations

import pytest
import torch

from vp2p.errors import UsageError
from vp2p.pipeline.candidates import Candidate, best, candidates
from vp2p.settings import EditSettings


def test_tries_of_another_object_begin_free_and_tries_of_a_look_held():
    assert [attempt.hold for attempt in candidates(3, replaces=True)] == [0.0, 0.5, 1.0]
    assert [attempt.hold for attempt in candidates(3, replaces=False)] == [1.0, 0.5, 0.0]
    assert candidates(2, True) == candidates(3, True)[:2] and candidates(0, True) == []


def test_more_tries_are_new_ones():
    many = candidates(8, True)
    assert len(set(many)) == 8
    assert [attempt.seed for attempt in many] == [None] * 3 + [1] * 3 + [2] * 2


def test_a_seed_has_all_tries_begin_from_noise_of_its_own():
    one, other = (candidates(8, True, seed) for seed in (0, 7))
    assert [attempt.hold for attempt in one] == [attempt.hold for attempt in candidates(8, True)]
    drawn = [attempt.seed for attempt in (*one, *other, *candidates(8, True)[3:])]
    assert None not in drawn and len(set(drawn)) == 3 + 3 + 2
    assert one == candidates(8, True, 0)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int):
    with pytest.raises(UsageError, match=f"seed is {seed}, but must be between 0 and 4294967295"):
        EditSettings.of(swap=("cat=dog",), seed=seed)


def test_a_try_holds_a_share_of_the_edits_control():
    edit = EditSettings.of(swap=("cat=dog",), cross_replace=0.4, self_replace=0.6)
    held = Candidate(0.5).settings(edit)
    assert (held.control.cross_replace, held.control.self_replace, held.words) == (0.2, 0.3, edit.words)


@pytest.mark.parametrize(
    ("freedom", "windows"), [(0.0, (0.8, 0.8, 0.8)), (0.25, (0.3, 0.3, 0.6)), (0.5, (0.0, 0.2, 0.4)), (1.0, (0, 0, 0))]
)
def test_shape_freedom_says_how_much_of_the_old_shape_tries_hold(freedom: float, windows: tuple[float, ...]):
    edit = EditSettings.of(swap=("cat=dog",), shape_freedom=freedom)
    assert edit.control.cross_window == edit.control.self_window == pytest.approx(0.8 * (1 - freedom))
    held = [attempt.settings(edit).control for attempt in candidates(3, replaces=True)]
    assert [one.cross_window for one in held] == pytest.approx(windows)
    assert [one.self_replace for one in held] == pytest.approx(windows)


def test_shape_freedom_and_windows_are_not_both_given():
    with pytest.raises(UsageError, match="both say"):
        EditSettings.of(swap=("cat=dog",), shape_freedom=0.5, self_replace=0.6)
    with pytest.raises(UsageError, match="shape_freedom is 1.5"):
        EditSettings.of(swap=("cat=dog",), shape_freedom=1.5)


def test_noise_is_drawn_where_the_edit_acts_and_the_same_again():
    x, mask = torch.zeros(1, 4, 8, 8), torch.zeros(1, 8, 8)
    mask[:, 2:5, 2:5] = 1
    drawn = Candidate(1.0, seed=3).start(x, mask)
    assert (drawn[:, :, 2:5, 2:5] != 0).all() and int((drawn != 0).sum()) == 4 * 9
    assert torch.equal(drawn, Candidate(0.0, seed=3).start(x, mask))
    assert not torch.equal(drawn, Candidate(1.0, seed=4).start(x, mask))
    assert torch.equal(Candidate(1.0).start(x, mask), x)


def chosen(losses: list[list[float]], spills: list[float], handicaps: tuple[float, ...] = (1.0,) * 3) -> int:
    """Of versions that the old prompt explains as badly each."""
    asked = torch.tensor(losses)
    return best(asked, torch.full_like(asked, 100.0), spills, handicaps)


def test_a_likely_try_that_fits_is_kept():
    losses = [[1.0, 1.1, 1.7]]
    assert chosen(losses, [0.2, 0.2, 0.2]) == 0
    assert chosen(losses, [0.8, 0.1, 0.0]) == 1
    # Only how they compare counts, not the model's own scale, nor a noise level's.
    assert chosen([[0.01 * loss for loss in losses[0]]], [0.8, 0.1, 0.0]) == 1
    assert chosen([[1.0, 2.0], [90.0, 80.0]], [0.0, 0.0], (1.0, 1.0)) == 0


def test_a_try_from_drawn_noise_must_be_much_likelier_the_more_where_the_object_is_kept():
    own, drawn = Candidate(1.0), Candidate(1.0, seed=3)
    for replaces, enough, too_little in ((True, 0.85, 0.95), (False, 0.6, 0.85)):
        handicaps = tuple(one.handicap(replaces) for one in (own, drawn))
        assert chosen([[1.0, too_little]], [0.1, 0.1], handicaps) == 0
        assert chosen([[1.0, enough]], [0.1, 0.1], handicaps) == 1


def test_a_patch_of_ground_is_not_kept_however_likely_it_is():
    """A horse was to stand on sand; the first try shows sand alone, as both prompts say."""
    asked, before = torch.tensor([[0.534, 2.565, 1.82]]), torch.tensor([[0.8, 5.545, 5.17]])
    assert best(asked, before, [0.38, 0.13, 0.32], (1.0, 1.0, 1.2)) == 2
    assert best(asked[:, :1], before[:, :1], [0.38], (1.0,)) == 0  # the only one is the best told
