"""Addresses in a plan: each is named at its line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import vp2p

PLAN = """format: 1
videos:
  - video: https://example.org/x.mp4
    prompt: a cat on the grass
    model: {model: https://huggingface.co/org/name}
edits:
  - swap: cat=dog
    mask: file:///masks/m.mp4
"""


def test_addresses_in_a_plan_are_said_to_be_ones(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    ran = vp2p("batch", tmp_path / "plan.yaml", "--dry-run")
    assert ran.code == 2
    for place in ("plan.yaml:3: video: https", "plan.yaml:5: The model 'https", "plan.yaml:8: mask: file"):
        assert place in ran.err
    assert "hint: --model org/name" in ran.err and "mask: /masks/m.mp4" in ran.err
