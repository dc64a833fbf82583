"""What may vary is found by name: each registry holds what its protocol asks for, and options know its names."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from tests.compositing.drawn import followed
from tests.method.conftest import Small
from vp2p.compositing.motion.models import MODELS
from vp2p.method.attention.controls import CONTROLS
from vp2p.method.branches import Branches, SourceBranch, Target
from vp2p.method.editing import edit
from vp2p.method.inversion import methods
from vp2p.method.inversion.ddim import ddim_invert
from vp2p.method.inversion.methods import METHODS
from vp2p.method.inversion.protocol import InversionMethod, Inverted
from vp2p.method.schedule import Schedule
from vp2p.prompts.plan import plan_words
from vp2p.settings import OPTIMISING, EditSettings, InvertSettings


def test_the_option_names_every_inversion() -> None:
    files = {path.stem.replace("_", "-") for path in Path(str(methods.__file__)).parent.glob("*.py")}
    assert set(METHODS) == files - {"--init--", "methods", "protocol"}


@pytest.mark.parametrize("name", METHODS)
def test_every_inversion_has_what_its_protocol_asks_for(name: str) -> None:
    for asked in ("invert", "source", "unconditional"):
        found = inspect.signature(getattr(METHODS[name], asked))
        assert list(found.parameters) == list(inspect.signature(getattr(InversionMethod, asked)).parameters)[1:]
    assert set(METHODS[name].OPTIONS) < {field.name for field in fields(InvertSettings)}


@pytest.mark.parametrize("name", METHODS)
def test_the_methods_that_optimise_embeddings_are_known(name: str) -> None:
    latents = torch.zeros(3, 1, 4, 8, 8)
    inverted = Inverted(latents, {"embeddings": torch.zeros(2, 77, 8)})
    assert (METHODS[name].unconditional(inverted) is not None) == (name in OPTIMISING)


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_edits(small: Small, name: str) -> None:
    """The control is an argument of the edit loop; without one, only words and a mask tell the branches apart."""
    schedule = Schedule.of(small.latent.scheduler, 2)
    cond, empty = small.embed("a cat"), small.embed("")
    trajectory = ddim_invert(small.model, schedule, small.latents, cond)
    settings = EditSettings.of(prompt="a dog", blend_start=0.0)
    plan = plan_words(small.latent.tokenizer, "a cat", settings, 2, cond.shape[1])
    mask = torch.zeros(trajectory.shape[1], *trajectory.shape[-2:])
    mask[:, :4] = 1
    target = Target(plan, settings, 3.0, small.embed("a dog"), empty, mask)
    branches = Branches.of(schedule, trajectory[-1], SourceBranch(recorded=trajectory), cond, empty)
    found = edit(small.model, branches, [target], control=CONTROLS[name])
    assert torch.equal(found.targets[0][:, :, 4:], trajectory[0][:, :, 4:])
    assert not torch.equal(found.targets[0][:, :, :4], trajectory[0][:, :, :4])


@pytest.mark.parametrize("name", MODELS)
def test_every_motion_model_warps_a_still_clip_onto_itself(name: str) -> None:
    clip = torch.rand(3, 1, 48, 48, generator=torch.Generator().manual_seed(2))[:1].expand(3, -1, -1, -1)
    objects = torch.zeros(3, 48, 48, dtype=torch.bool)
    objects[:, 12:36, 12:36] = True
    motion = followed(clip, objects, name)
    assert motion.confidence.shape == motion.scale.shape == motion.turn.shape == (3,)
    warped, inside = motion.warp(clip[0], 0, 2)
    assert (warped - clip[2])[:, 14:34, 14:34].abs().max() < 0.05 and inside[14:34, 14:34].all()
