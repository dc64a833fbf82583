"""CLIP, which tells how well pictures and texts fit: found, loaded and run on frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPModel, CLIPTextConfig, CLIPTokenizer, CLIPVisionConfig

from vp2p.errors import ModelError
from vp2p.models.devices import choose_device
from vp2p.models.loading import quiet_libraries
from vp2p.models.sources import HUB_ID, snapshot
from vp2p.models.text import check_length

# A model that fits --clip-model, as V2VBench's measures use it.
EXAMPLE = "openai/clip-vit-large-patch14"
_WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors", "*.index.json")
_FILES = ("config.json", *_WEIGHTS, "tokenizer*", "*.txt", "vocab.json", "special_tokens_map.json")
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
    folder = _folder(name)
    try:
        with quiet_libraries():
            loaded: Any = CLIPModel.from_pretrained(
                str(folder), use_safetensors=True, local_files_only=True, output_loading_info=True, dtype=torch.float32
            )
            model, info = loaded  # a pair, as output_loading_info asks
            tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # the library raises every kind of error for damaged or misfitting files
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"The CLIP model {name} cannot be loaded: {reason}", f"give --clip-model another, such as {EXAMPLE}"
        ) from error
    missing = sorted(key for key in info["missing_keys"] if not key.endswith("position_ids"))
    if missing:
        raise ModelError(
            f"The CLIP model {name} lacks {len(missing)} tensors, such as {missing[0]}.",
            f"give --clip-model another, such as {EXAMPLE}",
        )
    return Clip(model.to(choose_device("auto")).eval().requires_grad_(False), tokenizer)


def _folder(name: str) -> Path:
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        return folder
    if HUB_ID.fullmatch(name):
        return snapshot(name, _FILES, "--clip-model")
    raise ModelError(f"There is no CLIP model folder {name}.", f"give --clip-model a folder, or a hub id: {EXAMPLE}")


def _of_norm_1(rows: Tensor) -> Tensor:
    rows = rows.float().cpu()
    unit: Tensor = rows / rows.norm(dim=-1, keepdim=True)
    return unit
