"""The table of metrics: each entry fits its function, parts are found when asked for, and the documentation has it."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch

from vp2p.metrics.metric import Figure, Metric
from vp2p.metrics.region import Region
from vp2p.metrics.sample import Footage, Networks, Sample, measure
from vp2p.metrics.table import METRICS

# What a part asks of the user, as docs/metrics.md says it.
ASKS = {
    "frames": (),
    "source": (),
    "kept": ("a mask",),
    "motion": ("two frames",),
    "images": ("`--clip-model`",),
    "objects": ("`--clip-model`", "a mask"),
    "text": ("`--clip-model`",),
    "lpips": ("`--lpips`",),
}


def brightness(frames: np.ndarray) -> float:
    return float(frames.mean())


BRIGHTNESS = Metric("brightness", "light", None, 1, "", "how bright the clip is", brightness, ("frames",))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_each_entry_fits_its_function(metric: Metric) -> None:
    assert METRICS[metric.name] is metric and metric.needs
    inspect.signature(metric.function).bind(*metric.needs)
    assert all(hasattr(Sample, need) for need in metric.needs)


def test_what_no_metric_asks_for_is_not_found() -> None:
    still = Footage(np.zeros((2, 16, 16, 3), np.uint8), Networks())
    sample = Sample(Footage(still.frames + np.uint8(1), still.networks), still, "a cat", Region(torch.zeros(2, 2, 2)))
    assert measure(sample, [BRIGHTNESS, METRICS["psnr"]]).keys() == {"brightness", "psnr"}
    assert not {"kept", "text", "objects"} & vars(sample).keys() and "motion" not in vars(still)
    motion = sample.motion
    assert measure(sample, METRICS.values()).keys() == {"psnr", "masked_psnr", "ssim", "warp_error"}
    assert sample.motion is motion


def test_a_single_small_frame_has_what_it_can_have() -> None:
    one = Footage(np.zeros((1, 8, 8, 3), np.uint8), Networks())
    sample = Sample(Footage(one.frames + np.uint8(9), one.networks), one, "a cat")
    found = measure(sample, METRICS.values())
    assert found.pop("psnr") == pytest.approx(20 * np.log10(255 / 9)) and found == {"ssim": None, "warp_error": None}


def test_a_figure_is_shown_with_its_digits() -> None:
    assert [METRICS["ssim"].text(value) for value in (0.98765, None, float("nan"))] == ["0.988", "–", "–"]
    assert Figure("share", "share", "higher", 0, "%", "").text(0.254) == "25%"
    assert METRICS["lpips"].heading == "LPIPS ↓" and BRIGHTNESS.heading == "light"


def test_the_documentation_has_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
    rows = ["| name | title | better | unit | what it says | needs |", "|---|---|---|---|---|---|"]
    for metric in METRICS.values():
        asked = ", ".join(dict.fromkeys(ask for need in metric.needs for ask in ASKS[need]))
        cells = (f"`{metric.name}`", metric.title, metric.better or "", metric.unit, metric.meaning, asked)
        rows.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    table = "\n".join(rows)
    assert table in page, f"docs/metrics.md should have this table:\n{table}"
