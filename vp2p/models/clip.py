"""CLIP, which tells how well pictures and texts fit: found, loaded and run on frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPModel, CLIPTextConfig, CLIPTokenizer, CLIPVisionConfig

from vp2p.models.pretrained import CLIP
from vp2p.models.text import check_length

# Mean and deviation of the pictures that CLIP was trained on, RGB in 0...1; every CLIP model is used with them.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Clip:
    """A CLIP model in eval mode; embeddings have norm 1."""

    model: CLIPModel
    tokenizer: CLIPTokenizer

    @torch.no_grad()
    def images(self, pictures: list[np.ndarray]) -> Tensor:
        """(N, D), the embeddings of uint8 RGB pictures (H, W, 3) of any sizes, one by one."""
        vision = cast(CLIPVisionConfig, self.model.config.vision_config)  # a dict only before it is loaded
        side = cast(int, vision.image_size)  # a pair only of other kinds of model
        rows = [self._embedding(self.model.vision_model, prepared(picture, side)) for picture in pictures]
        return _of_norm_1(torch.cat([self.model.visual_projection(row) for row in rows]))

    @torch.no_grad()
    def text(self, prompt: str) -> Tensor:
        """(D,), the embedding of a prompt. Raises PromptError if it is longer than the model reads."""
        ids = self.tokenizer(prompt, verbose=False)["input_ids"]
        config = cast(CLIPTextConfig, self.model.config.text_config)
        check_length(prompt, len(ids), config.max_position_embeddings)
        row = self._embedding(self.model.text_model, torch.tensor([ids]).to(self.model.device))
        return _of_norm_1(self.model.text_projection(row))[0]

    def _embedding(self, network: torch.nn.Module, inputs: Tensor) -> Tensor:
        pooled: Tensor = network(inputs.to(self.model.device)).pooler_output
        return pooled


def prepared(picture: np.ndarray, side: int) -> Tensor:
    """A uint8 RGB picture (H, W, 3) as CLIP sees it: (1, 3, side, side).

    The shorter side is brought to ``side`` by a bicubic filter, the middle square is cut out, and
    the pixels are normalised.
    """
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    size = (max(side, int(width * scale)), max(side, int(height * scale)))
    image = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    pixels = torch.from_numpy(np.array(image.crop((left, top, left + side, top + side)))).float() / 255
    return ((pixels - torch.tensor(_MEAN)) / torch.tensor(_DEVIATION)).permute(2, 0, 1)[None]


def load_clip(name: str) -> Clip:
    """The CLIP model of a folder in transformers' format, or of a hub id, which is downloaded into the hub's cache.

    Only safetensors files are read.

    Raises:
        ModelError: there is no such model, or it is no CLIP model that can be loaded.
    """
    folder = CLIP.find(name)
    model = CLIP.load(CLIPModel, folder)
    text = cast(CLIPTextConfig, model.config.text_config)
    tokenizer = CLIP.load_words(CLIPTokenizer, folder, text.vocab_size)
    return Clip(model, tokenizer)


def _of_norm_1(rows: Tensor) -> Tensor:
    rows = rows.float().cpu()
    unit: Tensor = rows / rows.norm(dim=-1, keepdim=True)
    return unit
