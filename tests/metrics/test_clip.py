"""The measures that need CLIP: on a tiny CLIP model, against transformers' own path, and where the answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.metrics.clip import SIDE, save_clip_model
from vp2p.errors import ModelError, PromptError
from vp2p.metrics.frame_consistency import frame_consistency
from vp2p.metrics.frame_text import frame_text
from vp2p.metrics.object_variance import object_variance
from vp2p.models.clip import load_clip, prepared

PROMPT = "a cat on the grass"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip_model(tmp_path_factory.mktemp("models") / "clip")


def pictures(height: int = 40, width: int = 61) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (height, width, 3)).astype(np.uint8) for _ in range(3)]


def test_embeddings_are_those_of_transformers(folder: Path) -> None:
    from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizerFast

    model = CLIPModel.from_pretrained(folder, local_files_only=True)
    processor = CLIPImageProcessorPil.from_pretrained(folder)
    tokenizer = CLIPTokenizerFast.from_pretrained(folder)
    with torch.no_grad():
        inputs = processor(pictures(), return_tensors="pt")
        images = model.get_image_features(**inputs).pooler_output
        text = model.get_text_features(**tokenizer(PROMPT, return_tensors="pt")).pooler_output
    clip = load_clip(str(folder))
    cosine = torch.nn.functional.cosine_similarity
    theirs = 100 * cosine(images, text).mean()
    assert frame_text(clip.images(pictures()), clip.text(PROMPT)) == pytest.approx(float(theirs), abs=1e-4)
    steady = cosine(images[1:], images[:-1]).mean()
    assert frame_consistency(clip.images(pictures())) == pytest.approx(float(steady), abs=1e-6)


@pytest.mark.parametrize("size", [(40, 61), (61, 40), (SIDE, SIDE), (9, 200)])
def test_pictures_are_prepared_as_by_transformers(folder: Path, size: tuple[int, int]) -> None:
    from transformers import CLIPImageProcessorPil

    picture = pictures(*size)[0]
    theirs = CLIPImageProcessorPil.from_pretrained(folder)(picture, return_tensors="pt")["pixel_values"]
    assert torch.allclose(prepared(picture, SIDE), theirs, atol=1e-5)


def test_the_variance_of_a_still_object_is_zero(folder: Path) -> None:
    clip = load_clip(str(folder))
    still = clip.images([pictures()[0]] * 4)
    assert object_variance(still) == pytest.approx(0, abs=1e-12)
    assert object_variance(clip.images(pictures())) > 1e-4


def test_the_variance_of_known_embeddings() -> None:
    """Of rows of norm 1 it is 1 less the square of their mean's norm."""
    rows = torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert object_variance(rows) == pytest.approx(1 - float(rows.mean(0).square().sum()), abs=1e-6)
    assert object_variance(torch.eye(2)) == pytest.approx(0.5)
    assert object_variance(rows[:1]) is None and frame_consistency(rows[:1]) is None


def test_a_model_that_lacks_tensors_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["visual_projection.weight"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="1 tensors are missing, such as visual_projection.weight"):
        load_clip(str(tmp_path))


def test_prompts_that_clip_cannot_read_whole_are_refused(folder: Path) -> None:
    with pytest.raises(PromptError, match="at most 18"):
        load_clip(str(folder)).text("cat " * 30)
