"""A model in one safetensors file, in the layout of the original Stable Diffusion; its configurations lie here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

from vp2p.errors import ModelError
from vp2p.models.folder import ModelFolder, Places, read_configs
from vp2p.models.header import Header, read_header
from vp2p.models.held import holds_no
from vp2p.models.kinds import other_kind
from vp2p.models.named import Option
from vp2p.models.parts import SECOND, STEMS, CheckpointPart
from vp2p.text import typed

LAYOUTS = Path(__file__).parent / "layouts"
TOKENIZER = LAYOUTS / "tokenizer"
_UNET = "model.diffusion_model."
_READS = ".attn2.to_k.weight"
_CONFIG = Option(
    "--model-config ",
    "folder of configurations",
    "give --model-config a folder in diffusers' format, or leave it out for models of the usual sizes",
    on_hub=False,
)
_MEND = "give --model-config the folder of the model that it was made from, or download the file again"
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
    parts = {part: CheckpointPart(places.root / part, file, part, _MEND) for part in has}
    model = read_configs(file, places, parts, said, notes)
    if config is not None:
        _check_config(header, model)
    return model


def _said(header: Header) -> str | None:
    """What the file says that the UNet predicts: in its metadata (ModelSpec), or by a tensor of that name."""
    if "v_pred" in header.shapes:
        return "v_prediction"
    return _PREDICTIONS.get(header.metadata.get("modelspec.prediction_type", ""))


def _layout(file: Path, header: Header) -> _Layout:
    """The configurations kept here that fit. Raises ModelError if none do."""
    sizes = _sizes(header)
    found = _LAYOUTS.get(sizes) if sizes else None
    if found is None:
        raise ModelError(
            f"{file} has the layout of Stable Diffusion, but not the sizes of 1.x, 2.x or XL.",
            _with_config(file),
        )
    return found


def _check_config(header: Header, model: ModelFolder) -> None:
    """Raises ModelError if a model's configuration is of another kind of UNet than its file has."""
    width = model.unet.get("cross_attention_dim", 1280)
    channels, added = model.unet.get("block_out_channels", (320,))[0], model.unet.get("addition_embed_type") is not None
    fits = all((channels, one) == _sizes(header) for one in ([width] if isinstance(width, int) else width))
    if fits and header.has(_UNET + "label_emb.") == added:
        return
    usual = "leave out --model-config, or " if _sizes(header) in _LAYOUTS else ""
    raise ModelError(
        f"The configurations in {model.places.root} are of another kind of model than {model.path}.",
        usual + _with_config(model.path),
    )


def _with_config(file: Path) -> str:
    return f"--model {typed(str(file))} --model-config FOLDER, the folder of the model that it was made from"


def _sizes(header: Header) -> tuple[int, int] | None:
    """The channels of the UNet's first layer, and the width of what its cross-attention reads."""
    first = header.shapes.get(_UNET + "input_blocks.0.0.weight", ())
    shapes = (one for name, one in header.shapes.items() if name.startswith(_UNET) and name.endswith(_READS))
    read = next(shapes, ())
    return (first[0], read[1]) if len(first) == 4 and len(read) == 2 else None


def _config_folder(config: str) -> Path:
    folder = _CONFIG.there(config)
    if not folder.is_dir():
        raise ModelError(f"{folder} is a file, but --model-config takes a folder.", _CONFIG.give)
    if not (folder / "unet" / "config.json").is_file():
        raise ModelError(holds_no("configurations of a model", folder, "unet/config.json"), _CONFIG.give)
    return folder
