"""What several ranks do together: all that passes the model, on a tiny one. As a module it is one of the ranks."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Callable

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor

from tests.controlnets import tiny_controlnet
from tests.method.conftest import Small
from vp2p.method.attention.collect import MapQuery, Trajectory, collect_maps
from vp2p.method.branches import Branches, SourceBranch, Target
from vp2p.method.editing import edit
from vp2p.method.schedule import Schedule
from vp2p.method.tuning import Tuning, TuningTask, tune
from vp2p.prompts.plan import plan_words
from vp2p.settings import EditSettings, TuneSettings
from vp2p.t2s.ranks import Ranks
from vp2p.t2s.structure import Structure

SOURCE, STEPS = "a cat on the grass", 4
Results = dict[str, Tensor]


def _small(folder: Path, frames: int = 3, joint: bool = False) -> Small:
    small = Small(folder, frames)
    if joint:
        small.model._join_group_norms()
    small.model.ranks = Ranks.joined(torch.device("cpu"))
    return small


def _with_gradient(small: Small, text: Tensor, latents: Tensor | None = None) -> Results:
    """A prediction, and its gradients by the text, the latents and a parameter of each kind that is tuned."""
    latents = (small.latents if latents is None else latents).clone().requires_grad_()
    text = text.clone().requires_grad_()
    parameters = small.model.tuned_parameters()
    for one in parameters.values():
        one.requires_grad_(True)
    out = small.model(latents, 321, text)
    aim = torch.linspace(-1, 1, out.numel()).view_as(out)
    found = torch.autograd.grad((out - aim).square().mean(), [text, latents, *parameters.values()])
    for one in parameters.values():
        one.requires_grad_(False)
    tuned = found[2:] if small.model.ranks is None else map(small.model.ranks.summed, found[2:])
    by_name = {f"by {name}": gradient for name, gradient in zip(parameters, tuned)}
    return {"out": out.detach(), "by text": found[0], "by latents": found[1], **by_name}


def forward(folder: Path) -> Results:
    small = _small(folder)
    return _with_gradient(small, small.embed(SOURCE))


def text_per_frame(folder: Path) -> Results:
    small = _small(folder)
    texts = small.embed(SOURCE, "a dog", "snow")[None]
    return _with_gradient(small, torch.cat([texts, texts.flip(1)]), torch.cat([small.latents, -small.latents]))


def joint_norm(folder: Path) -> Results:
    small = _small(folder, joint=True)
    return _with_gradient(small, small.embed(SOURCE))


def low_memory(folder: Path) -> Results:
    small = _small(folder)
    small.model.save_memory(True)
    return _with_gradient(small, small.embed(SOURCE))


def one_position(folder: Path) -> Results:
    """The middle of the UNet has one cell alone: a rank has no position there."""
    small = _small(folder)
    return _with_gradient(small, small.embed(SOURCE), small.latents[..., :4, :4])


def one_frame(folder: Path) -> Results:
    """Fewer frames than ranks."""
    small = _small(folder)
    return _with_gradient(small, small.embed(SOURCE), small.latents[:, :1])


def structure(folder: Path) -> Results:
    small = _small(folder)
    pictures = torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(3))
    small.model = small.model.held_to([Structure(tiny_controlnet(folder / "unet"), 1.0, pictures)])
    return _with_gradient(small, small.embed(SOURCE))


def windows(folder: Path) -> Results:
    small = _small(folder, frames=9)
    small.model.window_frames = 5
    return _with_gradient(small, small.embed(SOURCE))


def maps(folder: Path) -> Results:
    small = _small(folder, frames=5)
    trajectory = Trajectory(Schedule.of(small.latent.scheduler, 2), torch.cat([small.latents] * 3), small.embed(SOURCE))
    found = {}
    for most in (5, 4):
        small.model.window_frames = most
        maps = collect_maps(small.model, trajectory, MapQuery([(2,), (5,)], [(16, 16), (8, 8)], range(2)))
        found |= {f"{size} in windows of {most}": own for size, own in maps.items()}
    return found


def _edited(folder: Path, frames: int, **settings: object) -> Results:
    small = _small(folder, frames)
    chosen = EditSettings.of(swap=("cat=dog",), **settings)
    plan = plan_words(small.latent.tokenizer, SOURCE, chosen, STEPS, small.embed("").shape[1])
    schedule, empty = Schedule.of(small.latent.scheduler, STEPS), small.embed("")
    recorded = torch.linspace(0.2, 1, STEPS + 1).view(-1, 1, 1, 1, 1) * small.latents
    branches = Branches.of(schedule, recorded[-1], SourceBranch(recorded=recorded), small.embed(SOURCE), empty)
    target = Target(plan, chosen, 3.0, small.embed(plan.target.prompt), empty)
    found = edit(small.model, branches, [target])
    assert found.masks[0] is not None and found.attention[0] is not None
    return {"target": found.targets, "mask": found.masks[0].float(), "attention": found.attention[0]}


def prompt_to_prompt(folder: Path) -> Results:
    return _edited(folder, 3, self_target="both", blend_soft=True)


def other_controls(folder: Path) -> Results:
    return _edited(folder, 6, token_flow=True, self_blend=True, modulate=0.5, self_target="both", blend_soft=True)


def tuning(folder: Path) -> Results:
    small = _small(folder)
    settings = dataclasses.replace(TuneSettings(), steps=2, learning_rate=1e-3, mixed=0.5)
    task = TuningTask(small.model, small.latent.scheduler, small.latents, small.embed(SOURCE), settings)
    losses: list[float] = []
    state = tune(task, Tuning.start(small.model, settings), lambda _, loss: losses.append(loss))
    moved = {name: state.optimiser.state[weight]["exp_avg"] for name, weight in state.weights.items()}
    return {"losses": torch.tensor(losses), **moved}


CASES: dict[str, Callable[[Path], Results]] = {
    case.__name__: case
    for case in (
        *(forward, text_per_frame, joint_norm, low_memory, one_position, one_frame),
        *(structure, windows, maps, prompt_to_prompt, other_controls, tuning),
    )
}


def main(folder: str, results: str, rank: str) -> None:
    """Does all cases as one of two ranks, and keeps what came of them."""
    dist.init_process_group("gloo", f"file://{results}/meeting", rank=int(rank), world_size=2)
    found = {f"{name}/{key}": one for name, case in CASES.items() for key, one in case(Path(folder)).items()}
    save_file({key: one.contiguous().clone() for key, one in found.items()}, f"{results}/rank-{rank}.safetensors")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
