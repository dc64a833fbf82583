"""Which module may import which, and what starting the command line must not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_imports_run_one_way() -> None:
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    result = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_help_imports_no_heavy_library() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "vp2p", "--help"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    imported = {line.rsplit("|", 1)[-1].strip() for line in result.stderr.splitlines() if "import time:" in line}
    assert "vp2p.cli.app" in imported
    assert not imported & {"torch", "diffusers", "transformers", "av", "gradio"}


HEAVY = """
import gc, sys
gc.disable()

def without(*names):
    found = sorted(name for name in sys.modules if f"{name}.".startswith(tuple(f"{one}." for one in names)))
    assert not found, found[:5]

# To plan a run, or to see that it is up to date.
import vp2p.batch.pool, vp2p.method.inversion.methods, vp2p.pipeline.mask_words, vp2p.prompts.plan
import vp2p.stages.attention, vp2p.stages.edit, vp2p.stages.evaluate, vp2p.stages.full
import vp2p.stages.init, vp2p.stages.invert, vp2p.stages.mask, vp2p.stages.tune
without("diffusers", "transformers", "peft", "scipy", "cv2", "av", "PIL.ImageCms")
# To load a model.
import vp2p.models.loading, vp2p.pipeline.inflated, vp2p.pipeline.tune
without("vp2p.compositing", "vp2p.video.reading", "cv2", "torchvision")
gc.freeze()
"""

SHOWN = """
import sys
import vp2p.report.make, vp2p.report.show, vp2p.upkeep.diff, vp2p.upkeep.status
assert not {"diffusers", "transformers"} & set(sys.modules)
"""


@pytest.mark.parametrize("code", [HEAVY, SHOWN])
def test_libraries_are_imported_when_they_are_needed(code: str) -> None:
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
