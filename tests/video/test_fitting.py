"""Sizes that the model can take, and frames brought to them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vp2p.errors import UsageError
from vp2p.video.fitting import Fit, fit_frames, fit_matrix, target_size


@pytest.mark.parametrize("native", [(718, 718), (1920, 1080), (1080, 1920), (640, 480), (200, 200), (4000, 100)])
@pytest.mark.parametrize(("model", "multiple"), [(512, 8), (64, 8), (512, 64), ((768, 512), 8)])
def test_the_default_keeps_the_shape_within_the_models_area(
    native: tuple[int, int], model: int | tuple[int, int], multiple: int
) -> None:
    width, height = target_size(native, None, model, multiple)
    area = model * model if isinstance(model, int) else model[0] * model[1]
    assert width % multiple == height % multiple == 0
    assert 0 < width * height <= area
    # Each side is off by less than one multiple from the clip's own shape at that area.
    ideal = (area * native[0] / native[1]) ** 0.5, (area * native[1] / native[0]) ** 0.5
    if min(ideal) >= multiple:
        assert abs(width - ideal[0]) < multiple and abs(height - ideal[1]) < multiple


def test_square_clips_get_the_models_own_size() -> None:
    assert target_size((718, 718), None, 512, 8) == (512, 512)
    assert target_size((200, 200), None, 64, 8) == (64, 64)


def test_a_wide_clip_gets_known_sizes() -> None:
    assert target_size((1920, 1080), None, 512, 8) == (680, 384)
    assert target_size((1080, 1920), None, 512, 8) == (384, 680)


@pytest.mark.parametrize(("size", "expected"), [("256", (256, 256)), ("512x320", (512, 320)), ("keep", (712, 480))])
def test_a_given_size_is_taken(size: str, expected: tuple[int, int]) -> None:
    assert target_size((718, 482), size, 512, 8) == expected


def test_a_size_the_model_cannot_take_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        target_size((718, 718), "500x320", 512, 8)
    assert "--size 500x320" in caught.value.cause and "multiples of 8" in caught.value.cause
    assert caught.value.hint == "--size 496x320 or --size 504x320"
    with pytest.raises(UsageError) as caught:
        target_size((718, 718), "500", 512, 64)
    assert caught.value.hint == "--size 448 or --size 512"
    with pytest.raises(UsageError) as caught:
        target_size((718, 718), "3", 512, 8)
    assert caught.value.hint == "--size 8"


@pytest.mark.parametrize("size", ["big", "512x", "x512", "-8", "512 x 512", "0"])
def test_what_is_no_size_is_refused(size: str) -> None:
    with pytest.raises(UsageError, match="--size"):
        target_size((718, 718), size, 512, 8)


def test_keep_needs_room_for_one_multiple() -> None:
    with pytest.raises(UsageError, match="100x5; the model needs at least 8x8"):
        target_size((100, 5), "keep", 512, 8)


def quarters(width: int, height: int) -> np.ndarray:
    """One frame: red, green, blue and white vertical bands."""
    frame = np.zeros((1, height, width, 3), dtype=np.uint8)
    for band, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]):
        frame[:, :, band * width // 4 : (band + 1) * width // 4] = colour
    return frame


def test_crop_fills_the_size_and_cuts_both_sides() -> None:
    out = fit_frames(quarters(128, 64), (32, 32), "crop")
    assert out.shape == (1, 32, 32, 3) and out.dtype == np.uint8
    # The outer quarters are gone: green on the left, blue on the right.
    assert out[0, 16, 8].tolist() == [0, 255, 0]
    assert out[0, 16, 24].tolist() == [0, 0, 255]


def test_pad_shows_everything_between_black_bars() -> None:
    out = fit_frames(quarters(128, 64), (32, 32), "pad")
    assert not out[0, :8].any() and not out[0, 24:].any()
    assert out[0, 16, 2].tolist() == [255, 0, 0]
    assert out[0, 16, 30].tolist() == [255, 255, 255]


def test_stretch_shows_everything_and_fills() -> None:
    out = fit_frames(quarters(128, 64), (32, 32), "stretch")
    assert out[0, 0, 2].tolist() == [255, 0, 0]
    assert out[0, 31, 30].tolist() == [255, 255, 255]


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_the_same_size_changes_nothing_and_shares_nothing(fit: str) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 24, 32, 3), dtype=np.uint8)
    out = fit_frames(frames, (32, 24), fit)
    assert np.array_equal(out, frames)
    assert not np.shares_memory(out, frames)


def test_lanczos_agrees_with_pillow_on_a_whole_frame() -> None:
    from PIL import Image

    frames = np.random.default_rng(0).integers(0, 256, (1, 50, 70, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(frames[0]).resize((32, 24), Image.Resampling.LANCZOS))
    assert np.array_equal(fit_frames(frames, (32, 24), "stretch")[0], expected)


def test_enlarging_crops_and_pads_too() -> None:
    frames = quarters(16, 8)
    assert fit_frames(frames, (64, 64), "crop").shape == (1, 64, 64, 3)
    assert fit_frames(frames, (64, 64), "pad")[0, 32, 60].tolist() == [255, 255, 255]


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("native", [(160, 90), (90, 160), (64, 64)])
def test_the_matrix_of_a_fit_leads_to_the_fitted_pixels(fit: Fit, native: tuple[int, int]) -> None:
    columns, rows = np.meshgrid(*(np.linspace(40, 220, side) for side in native))
    frame = np.dstack([columns, rows, 260 - columns]).astype(np.uint8)
    fitted = fit_frames(frame[None], (64, 64), fit)[0]
    matrix, flags = fit_matrix(native, (64, 64), fit), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    back = cv2.warpAffine(fitted, matrix, native, flags=flags)
    shown = cv2.warpAffine(np.full((64, 64), 255, np.uint8), matrix, native, flags=flags)
    inside = cv2.erode(np.pad(shown, 4), np.ones((9, 9), np.uint8))[4:-4, 4:-4] == 255
    assert inside.mean() > 0.3
    assert np.abs(back.astype(int) - frame)[inside].max() <= 3
