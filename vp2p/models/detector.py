"""Grounding DINO, which finds what words name in a picture (Liu et al., "Grounding DINO", 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from transformers import AutoTokenizer, GroundingDinoForObjectDetection

from vp2p.models.pretrained import DETECTOR, IMAGENET
from vp2p.models.text import check_length

_SHORTEST, _LONGEST = 800, 1333  # pixels of a picture's sides, unless the folder says others


class Detected(NamedTuple):
    """A box in pixels of the picture, and how sure the model is of it, 0…1."""

    score: float
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Detector:
    """A Grounding DINO model in eval mode; ``sides`` are the shortest and longest that a picture is brought to."""

    model: GroundingDinoForObjectDetection
    tokenizer: Any
    sides: tuple[int, int]

    @torch.no_grad()
    def best(self, picture: np.ndarray, words: str) -> Detected:
        """The box that fits words best in a uint8 RGB picture (H, W, 3).

        Raises:
            PromptError: there are more words than the model reads.
        """
        text = words.strip().lower().rstrip(".") + "."
        tokens = self.tokenizer(text, return_tensors="pt", return_token_type_ids=True, verbose=False)
        check_length(words, tokens["input_ids"].shape[1], int(self.model.config.max_text_len))
        pixels = _prepared(picture, self.sides).to(self.model.device)
        found = self.model(
            pixel_values=pixels,
            pixel_mask=torch.ones_like(pixels[:, 0], dtype=torch.long),
            **{name: value.to(self.model.device) for name, value in tokens.items()},
        )
        scores = found.logits[0].sigmoid().amax(-1)
        place = int(scores.argmax())
        across, down, width, height = found.pred_boxes[0, place].tolist()
        rows, columns = picture.shape[:2]
        left, right = ((across + side * width / 2) * columns for side in (-1, 1))
        top, bottom = ((down + side * height / 2) * rows for side in (-1, 1))
        return Detected(float(scores[place]), max(0.0, left), max(0.0, top), min(columns, right), min(rows, bottom))


def load_detector(folder: Path) -> Detector:
    """The Grounding DINO model of a folder. Raises ModelError if it cannot be loaded."""
    model = DETECTOR.load(GroundingDinoForObjectDetection, folder)
    tokenizer = DETECTOR.load_words(AutoTokenizer, folder, model.config.text_config.vocab_size)
    return Detector(model, tokenizer, _sides(DETECTOR.settings(folder, "preprocessor_config.json").get("size")))


def _sides(size: Any) -> tuple[int, int]:
    """What a preprocessor_config.json says of a picture's sides; the usual ones where it says nothing of use."""
    told: Mapping[str, Any] = size if isinstance(size, dict) else {}
    shortest, longest = told.get("shortest_edge"), told.get("longest_edge")
    usable = all(isinstance(one, int) and 16 <= one <= 4096 for one in (shortest, longest))
    return (int(shortest), int(longest)) if usable and shortest and longest else (_SHORTEST, _LONGEST)


def _prepared(picture: np.ndarray, sides: tuple[int, int]) -> Tensor:
    """A picture as Grounding DINO sees it: (1, 3, h, w), normalised."""
    height, width = picture.shape[:2]
    scale = min(sides[0] / min(height, width), sides[1] / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    resized = interpolate(pixels, size, mode="bilinear", align_corners=False, antialias=True)
    mean, deviation = (torch.tensor(values)[:, None, None] for values in IMAGENET)
    return (resized.round() / 255 - mean) / deviation
