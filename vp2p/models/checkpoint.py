"""A model in one safetensors file, in the layout of the original Stable Diffusion; its configurations lie here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

from vp2p.errors import ModelError
from vp2p.models.folder import ModelFolder, Places, read_configs
from vp2p.models.header import Header, read_header
from vp2p.models.kinds import other_kind
from vp2p.models.parts import SECOND, STEMS, CheckpointPart
from vp2p.text import typed

LAYOUTS = Path(__file__).parent / "layouts"
TOKENIZER = LAYOUTS / "tokenizer"
_UNET = "model.diffusion_model."
_PREDICTIONS = {"epsilon": "epsilon", "v": "v_prediction", "v_prediction": "v_prediction"}


@dataclass(frozen=True)
class _Layout:
    """Configurations that are kept here: the folder for each prediction type, and the token that pads prompts."""

    folders: Mapping[str, str]
    usual: str
    pad_token: str | None = None
    two_texts: bool = False

    def places(self, prediction: str) -> Places:
        """Where the small files lie; the second of two text encoders has the first's words, and another pad."""
        folder = LAYOUTS / self.folders[prediction]
        second = (TOKENIZER, "!") if self.two_texts else (None, None)
        return Places(folder, folder / "scheduler", TOKENIZER, self.pad_token, *second)


# By the channels of the UNet's first layer and the width of its cross-attention.
_LAYOUTS: Mapping[tuple[int, int], _Layout] = {
    (320, 768): _Layout({"epsilon": "sd1", "v_prediction": "sd1"}, "epsilon"),
    (320, 1024): _Layout({"epsilon": "sd2-base", "v_prediction": "sd2"}, "v_prediction", "!"),
    (320, 2048): _Layout({"epsilon": "sdxl", "v_prediction": "sdxl"}, "epsilon", two_texts=True),
}


def read_checkpoint(file: Path, config: str | None = None, prediction: str | None = None) -> ModelFolder:
    """The checked model in ``file``; reads the file's header and configurations, no weights.

    It may lack the VAE among its parts: some files leave it to another.

    Args:
        config: a folder in diffusers' format whose configurations and tokenizer are this model's; by default those of
            Stable Diffusion 1.5, 2.x or XL that fit the tensors' shapes.
        prediction: ``"epsilon"`` or ``"v_prediction"``, where the user says it.

    Raises:
        ModelError: it is no such checkpoint, is damaged, or needs ``config``.
    """
    header = read_header(file)
    kind = other_kind(file, header)
    if kind is not None:
        raise kind.error(file)
    said = prediction or _said(header)
    notes: tuple[str, ...] = ()
    if config is not None:
        places = Places.of(_config_folder(config))
    else:
        layout = _layout(file, header)
        found = said or layout.usual
        if said is None and len(set(layout.folders.values())) > 1:
            notes = (f"{file.name} does not say what it predicts; {found} is assumed (--prediction-type)",)
        places = layout.places(found)
    lacks = {"vae": not header.has("first_stage_model."), SECOND: places.tokenizer_2 is None}
    has = [part for part in STEMS if not lacks.get(part)]
    parts = {part: CheckpointPart(places.root / part, file, part) for part in has}
    return read_configs(file, places, parts, said, notes)


def _said(header: Header) -> str | None:
    """What the file says that the UNet predicts: in its metadata (ModelSpec), or by a tensor of that name."""
    if "v_pred" in header.shapes:
        return "v_prediction"
    return _PREDICTIONS.get(header.metadata.get("modelspec.prediction_type", ""))


def _layout(file: Path, header: Header) -> _Layout:
    """The configurations kept here that fit. Raises ModelError if none do."""
    shapes = header.shapes
    first = shapes.get(_UNET + "input_blocks.0.0.weight", ())
    # Stable Diffusion XL does not attend at its finest level.
    keys = (f"{_UNET}input_blocks.{block}.1.transformer_blocks.0.attn2.to_k.weight" for block in (1, 4))
    read = next((shapes[key] for key in keys if key in shapes), ())
    found = _LAYOUTS.get((first[0], read[1])) if len(first) == 4 and len(read) == 2 else None
    if found is None:
        raise ModelError(
            f"{file} has the layout of Stable Diffusion, but not the sizes of 1.x, 2.x or XL.",
            f"--model {typed(str(file))} --model-config FOLDER, the folder of the model that it was made from",
        )
    return found


def _config_folder(config: str) -> Path:
    folder = Path(config).expanduser()
    if not config or not folder.is_dir():
        raise ModelError(
            f"There is no folder {config} with configurations.",
            "give --model-config a folder in diffusers' format, or leave it out for models of the usual sizes",
        )
    return folder
