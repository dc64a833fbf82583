"""Pictures from prompts: DDIM sampling with classifier-free guidance from a folder in diffusers' format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler, DDIMSchedulerOutput
from transformers import CLIPTextModel, CLIPTokenizer


@dataclass(frozen=True)
class Drawer:
    """The parts of a text-to-picture model that sampling needs."""

    vae: AutoencoderKL
    unet: UNet2DConditionModel
    text: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: DDIMScheduler

    @classmethod
    def from_folder(cls, folder: Path) -> Drawer:
        """Load a model folder, with its weights widened to float32."""
        wide = {"torch_dtype": torch.float32}
        text: Any = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
        return cls(
            AutoencoderKL.from_pretrained(folder, subfolder="vae", **wide).eval(),
            UNet2DConditionModel.from_pretrained(folder, subfolder="unet", **wide).eval(),
            text.eval(),
            CLIPTokenizer.from_pretrained(folder / "tokenizer"),
            DDIMScheduler.from_pretrained(folder, subfolder="scheduler"),
        )

    def _states(self, prompts: list[str]) -> torch.Tensor:
        ids = self.tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        states: torch.Tensor = self.text(ids).last_hidden_state
        return states

    @torch.no_grad()
    def draw(self, prompts: list[str], seed: int, steps: int = 30, guidance: float = 5.0) -> np.ndarray:
        """One picture for each prompt: uint8 (prompts, height, width, 3)."""
        generator = torch.Generator().manual_seed(seed)
        side = self.unet.config["sample_size"]
        x = torch.randn(len(prompts), self.unet.config["in_channels"], side, side, generator=generator)
        states = torch.cat([self._states([""] * len(prompts)), self._states(prompts)])
        self.scheduler.set_timesteps(steps)
        for t in self.scheduler.timesteps:
            without, conditional = self.unet(torch.cat([x, x]), t, encoder_hidden_states=states).sample.chunk(2)
            v = without + guidance * (conditional - without)
            x = cast(DDIMSchedulerOutput, self.scheduler.step(v, t, x)).prev_sample
        decoded = self.vae.decode(x / self.vae.config["scaling_factor"]).sample
        pixels: torch.Tensor = decoded.add(1).mul(127.5).clamp(0, 255).round().byte()
        return pixels.permute(0, 2, 3, 1).numpy()


def sheet(pictures: np.ndarray, columns: int) -> np.ndarray:
    """A contact sheet, uint8 (rows * h, columns * w, 3), of pictures (n, h, w, 3); empty cells are black."""
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height, width, 3), np.uint8)
    cells[:count] = pictures
    grid = cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    pixels: np.ndarray = grid.reshape(rows * height, columns * width, 3)
    return pixels
