"""Training state on disk: weights, their moving average, optimiser, step and random states, in one safetensors file."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn


class Ema:
    """An exponential moving average of a module's weights; the decay warms up as (1 + n) / (10 + n)."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), 1 - decay)


def save(
    path: Path, step: int, module: nn.Module, ema: Ema, optimizer: torch.optim.Optimizer, generator: torch.Generator
) -> None:
    """Write the whole training state to ``path`` by way of a temporary file."""
    tensors = {f"model.{name}": tensor for name, tensor in module.state_dict().items()}
    tensors |= {f"ema.{name}": tensor for name, tensor in ema.module.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    tensors["generator"] = generator.get_state()
    tensors["torch"] = torch.get_rng_state()
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary, metadata={"state": json.dumps({"step": step, "updates": ema.updates})})
    os.replace(temporary, path)


def load(path: Path, module: nn.Module, ema: Ema, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> int:
    """Restore what ``save`` wrote and return its step."""
    with safe_open(path, "pt") as file:
        state = json.loads(file.metadata()["state"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}

    def part(prefix: str) -> dict[str, torch.Tensor]:
        return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

    module.load_state_dict(part("model."))
    ema.module.load_state_dict(part("ema."))
    ema.updates = state["updates"]
    slots: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in part("optimizer.").items():
        index, slot = name.split(".", 1)
        slots.setdefault(int(index), {})[slot] = tensor
    optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
    generator.set_state(tensors["generator"])
    torch.set_rng_state(tensors["torch"])
    return int(state["step"])
