"""What a model folder in diffusers' format must hold, checked before any library opens it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Sequence

from vp2p.errors import ModelError
from vp2p.models.card import NAME, Card
from vp2p.models.config_types import check_types
from vp2p.models.controlnets import ControlNetFolder
from vp2p.models.digests import file_digest
from vp2p.models.elsewhere import no_model
from vp2p.models.ip_adapters import IPAdapterFolder
from vp2p.models.json_files import read_mapping
from vp2p.models.kinds import HINT, REFINER, inputs_kind, pipeline_kind
from vp2p.models.loras import Lora
from vp2p.models.parts import SECOND, STEMS, FolderPart, Part
from vp2p.models.vaes import check_vae
from vp2p.models.weights import find_weights, variants
from vp2p.text import shorten

_MARKS = ("model_index.json", "unet", "vae")
_OLD_SIZE = 64
_LARGEST = 4096  # cells along a side; no model is near it
_CROSS_BLOCKS = {"CrossAttnDownBlock2D", "CrossAttnUpBlock2D"}


TEXT_TIME = "text_time"
"""The ``addition_embed_type`` of UNets that read the pooled text, and the picture's size and crop: those of XL."""

SIZE_NUMBERS = 6
"""How many numbers tell size and crop: original height and width, top and left, target height and width."""


@dataclass(frozen=True)
class Places:
    """Where the small files of a model lie: folders, of which ``root`` holds unet/, vae/ and text_encoder/.

    ``pad_token`` pads prompts, where that is not the token that the tokenizer's own files name. ``tokenizer_2`` and
    ``pad_token_2`` are those of a second text encoder.
    """

    root: Path
    scheduler: Path
    tokenizer: Path
    pad_token: str | None = None
    tokenizer_2: Path | None = None
    pad_token_2: str | None = None

    @classmethod
    def of(cls, folder: Path) -> Places:
        """Those of a folder in diffusers' format."""
        second = folder / "tokenizer_2" if (folder / SECOND).exists() else None
        return cls(folder, folder / "scheduler", folder / "tokenizer", tokenizer_2=second)


@dataclass(frozen=True)
class ModelFolder:
    """A model whose parts are all there and of a supported kind: in a folder, or in one file.

    ``unet``, ``vae``, ``text_encoder`` and ``scheduler`` are the parts' configurations; ``parts`` are where the
    networks' files lie; ``card`` the contents of ``vp2p.json``, empty where there is none; ``prediction`` what the UNet
    predicts, where that is not what the scheduler's file says; ``loras`` are to be fused into it; ``controlnets`` run
    beside it; ``said`` is for the user. ``text_encoder_2`` is empty in models with one text encoder. Where
    ``zeros_for_empty``, the model was trained to read zeros in place of an empty prompt.
    ``ip_adapter`` shows it pictures in edits, and changes nothing else: it is no part of the model's fingerprint.
    """

    path: Path
    places: Places
    unet: Mapping[str, Any]
    vae: Mapping[str, Any]
    text_encoder: Mapping[str, Any]
    scheduler: Mapping[str, Any]
    parts: Mapping[str, Part]
    card: Mapping[str, Any]
    prediction: str | None = None
    said: tuple[str, ...] = ()
    loras: tuple[Lora, ...] = ()
    controlnets: tuple[ControlNetFolder, ...] = ()
    text_encoder_2: Mapping[str, Any] = field(default_factory=dict)
    zeros_for_empty: bool = False
    ip_adapter: IPAdapterFolder | None = None

    @property
    def name(self) -> str:
        """The name of its folder or file."""
        path = self.path.resolve()
        return path.name if path.is_dir() else path.stem

    @property
    def variants(self) -> Mapping[str, str | None]:
        """The variant of the weights by part: None, ``"fp16"``, ``"non_ema"``, …"""
        return {name: part.variant for name, part in self.parts.items()}

    @property
    def downscale(self) -> int:
        """Pixels along a side of one latent cell."""
        factor: int = 2 ** (len(self.vae.get("block_out_channels", (64,))) - 1)  # diffusers' defaults, here and below
        return factor

    @property
    def size_multiple(self) -> int:
        """Width and height must be multiples of this many pixels, so that the UNet's skip connections fit."""
        multiple: int = self.downscale * 2 ** (len(self.unet.get("block_out_channels", range(4))) - 1)
        return multiple

    @property
    def native_size(self) -> int | tuple[int, int]:
        """The size that the model was trained at, in pixels: a square's side, or (width, height).

        Raises:
            ModelError: it does not say.
        """
        size = self.unet.get("sample_size")
        if size is None:
            raise ModelError(
                f"The model {self.path} does not say its size: its unet/config.json has no sample_size.",
                "give --size, such as --size 512",
            )
        if isinstance(size, int):
            # As diffusers: configurations from before its 0.9.0 said 32 of models that were trained at 64.
            old = _release(self.unet.get("_diffusers_version")) < (0, 9)
            return max(size, _OLD_SIZE if old else size) * self.downscale
        height, width = size
        return width * self.downscale, height * self.downscale

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the files that are used."""
        named = sorted({variant for variant in self.variants.values() if variant is not None})
        return (*self.said, *(f"the model's weights are the variant {variant}" for variant in named))

    @property
    def text_positions(self) -> int:
        """The tokens that the text encoders have positions for."""
        return min(int(one.get("max_position_embeddings", 77)) for one in self._texts)

    @property
    def text_shape(self) -> tuple[int, int]:
        """Rows and width of a prompt's embedding: a row a token, and one for the pooled embedding if it is read."""
        width = sum(int(one.get("hidden_size", 512)) for one in self._texts)
        return self.text_positions + len(self._texts) - 1, width

    @property
    def _texts(self) -> Sequence[Mapping[str, Any]]:
        return [self.text_encoder, self.text_encoder_2] if self.text_encoder_2 else [self.text_encoder]

    @property
    def known_words(self) -> frozenset[str] | None:
        """The words that the model was taught, where its ``vp2p.json`` lists them."""
        words = Card(self.card).words
        return frozenset(word.lower() for word in words) if words else None

    def suited(self, stage: str) -> Mapping[str, Any]:
        """The settings of a stage that suit this model, where its ``vp2p.json`` says some."""
        return Card(self.card).suited(stage)


def read_folder(path: Path, prediction: str | None = None, variant: str | None = None) -> ModelFolder:
    """The checked model folder at ``path``; opens configurations only, no weights.

    Args:
        prediction: what the UNet predicts, where the user says it.
        variant: of the weights, for the parts that have it.

    Raises:
        ModelError: when ``path`` holds no such model, a part is missing or damaged, weights are
            pickles only, or the model is of a kind that vp2p cannot inflate.
    """
    if not any((path / name).exists() for name in _MARKS):
        raise no_model(path)
    kind = pipeline_kind(str(_index(path).get("_class_name", "")))
    if kind is not None:
        raise _unsupported(path, f"is {kind}")
    if (path / "transformer").exists() and not (path / "unet").exists():
        raise _unsupported(path, "has a transformer in place of a UNet, as Stable Diffusion 3 and Flux do")
    if (path / SECOND).exists() and not (path / "text_encoder").exists():
        raise _unsupported(path, f"is {REFINER}")
    places = Places.of(path)
    found = read_configs(path, places, {}, prediction)
    stems = {part: stem for part, stem in STEMS.items() if part != SECOND or found.text_encoder_2}
    found_variants = {part: find_weights(path / part, stem, variant).variant for part, stem in stems.items()}
    if variant is not None and variant not in found_variants.values():
        raise _no_variant(path, stems, variant)
    parts = {part: FolderPart(path / part, stem, found_variants[part]) for part, stem in stems.items()}
    card = _read_json(path, NAME) if (path / NAME).exists() else {}
    return dataclasses.replace(found, parts=parts, card=card)


def read_configs(
    path: Path,
    places: Places,
    parts: Mapping[str, Part],
    prediction: str | None = None,
    said: tuple[str, ...] = (),
) -> ModelFolder:
    """The model at ``path`` with the configurations that lie at ``places``, checked.

    Raises:
        ModelError: one is missing or damaged, or the model is of a kind that vp2p cannot inflate.
    """
    unet = _read_json(places.root, "unet/config.json")
    vae = _read_json(places.root, "vae/config.json")
    text_encoder = _read_json(places.root, "text_encoder/config.json")
    second = _read_json(places.root, f"{SECOND}/config.json") if places.tokenizer_2 is not None else {}
    scheduler = _read_json(places.scheduler.parent, "scheduler/scheduler_config.json")
    for tokenizer in filter(None, (places.tokenizer, places.tokenizer_2)):
        _check_tokenizer_files(tokenizer)
    _check_unet(path, unet)
    _check_inputs(path, unet, vae)
    check_vae(places.root / "vae", vae, unet, HINT)
    for encoder in filter(None, (text_encoder, second)):
        _check_text_encoder(path, encoder)
    _check_widths(path, text_encoder, second, unet)
    other = prediction if prediction != scheduler.get("prediction_type", "epsilon") else None
    scheduler |= {} if other is None else {"prediction_type": other}
    found = ModelFolder(path, places, unet, vae, text_encoder, scheduler, parts, {}, other, said)
    # As diffusers: zeros for an empty prompt, unless the model says otherwise.
    zeros = bool(second) and bool(_index(places.root).get("force_zeros_for_empty_prompt", True))
    return dataclasses.replace(found, text_encoder_2=second, zeros_for_empty=zeros)


def fingerprint(model: ModelFolder) -> str:
    """SHA-256 (64 hex digits) over the contents of every file that is loaded, for the identity of runs.

    It stays the same when the model is moved, and differs when a weight or a setting does.
    """
    places = model.places
    files = {"scheduler/scheduler_config.json": places.scheduler / "scheduler_config.json"}
    for name, folder in (("tokenizer", places.tokenizer), ("tokenizer_2", places.tokenizer_2)):
        own = [] if folder is None else folder.iterdir()
        files |= {f"{name}/{file.name}": file for file in own if file.suffix in (".json", ".txt")}
    for name, part in model.parts.items():
        files[f"{name}/config.json"] = part.config / "config.json"
        files |= {f"{name}/{file_name}": file for file_name, file in part.weights()}
    lines = [f"{name} {file_digest(files[name])}" for name in sorted(files, key=lambda name: name.split("/"))]
    lines += [f"{key} {value}" for key, value in _besides(model).items()]
    for lora in model.loras:
        config = [] if lora.config is None else [file_digest(lora.config)]
        lines.append(" ".join(["lora", file_digest(lora.file), *config, repr(lora.scale)]))
    for net in model.controlnets:
        weights = [file_digest(file) for _, file in net.part.weights()]
        lines.append(
            " ".join(["control", net.kind, file_digest(net.part.config / "config.json"), *weights, repr(net.scale)])
        )
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _no_variant(path: Path, stems: Mapping[str, str], variant: str) -> ModelError:
    there = sorted({name for part, stem in stems.items() for name in variants(path / part, stem)})
    return ModelError(
        f"The model {path} has no weights of the variant {shorten(variant)}; it has"
        f" {', '.join(there) or 'plain ones alone'}.",
        f"give --variant {there[0]}, or leave it out" if there else "leave out --variant",
    )


def _besides(model: ModelFolder) -> Mapping[str, str]:
    """What a result depends on that stands in no file of the model."""
    said = {
        "pad_token": model.places.pad_token,
        "pad_token_2": model.places.pad_token_2,
        "prediction_type": model.prediction,
        "zeros_for_empty": "true" if model.zeros_for_empty else None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _index(path: Path) -> Mapping[str, Any]:
    """What a model_index.json says; nothing where there is none. Raises ModelError if it is damaged."""
    return _read_json(path, "model_index.json") if (path / "model_index.json").is_file() else {}


def _release(version: object) -> tuple[float, ...]:
    """A version as numbers; one that is not said is new."""
    found = re.match(r"(\d+)\.(\d+)", version) if isinstance(version, str) else None
    return (int(found[1]), int(found[2])) if found else (math.inf,)


def _unsupported(path: Path, what: str) -> ModelError:
    return ModelError(f"The model {path} {what}.", HINT)


def _missing(path: Path, name: str) -> ModelError:
    return ModelError(
        f"The model {path} has no {name}.",
        "copy the whole folder again; it needs unet/, vae/, text_encoder/, tokenizer/ and scheduler/",
    )


def _read_json(path: Path, name: str) -> dict[str, Any]:
    file = path / name
    if not file.is_file():
        raise _missing(path, name)
    content = read_mapping(file)
    check_types(file, name, content)
    return content


def _check_tokenizer_files(tokenizer: Path) -> None:
    if (tokenizer / "tokenizer.json").is_file():
        return
    for name in ("vocab.json", "merges.txt"):
        if not (tokenizer / name).is_file():
            raise _missing(tokenizer.parent, f"{tokenizer.name}/{name}")


def _check_unet(path: Path, unet: Mapping[str, Any]) -> None:
    kind = unet.get("_class_name", "UNet2DConditionModel")
    if kind != "UNet2DConditionModel":
        raise _unsupported(path, f"has a {kind}, but a UNet2DConditionModel is needed")
    added = unet.get("addition_embed_type")
    if added not in (None, TEXT_TIME):
        raise _unsupported(path, f"has a UNet with addition_embed_type {shorten(added)}, which is not supported")
    for option in ("class_embed_type", "encoder_hid_dim_type"):
        if unet.get(option) is not None:
            raise _unsupported(path, f"has a UNet with {option} {unet[option]}, which is not supported")
    blocks = {*unet.get("down_block_types", ()), *unet.get("up_block_types", ())}
    if not blocks & _CROSS_BLOCKS:
        raise _unsupported(path, "has a UNet without cross-attention blocks, so words cannot steer it")
    size = unet.get("sample_size")
    if size is None:  # it can be used where --size is given
        return
    sides = size if isinstance(size, list) and len(size) == 2 else [size]
    if not all(type(side) is int and 0 < side <= _LARGEST for side in sides):
        raise _unsupported(path, f"has a UNet whose sample_size is {shorten(size)}, which is no size")


def _check_inputs(path: Path, unet: Mapping[str, Any], vae: Mapping[str, Any]) -> None:
    channels = vae.get("latent_channels", 4)
    made_for = inputs_kind(unet.get("in_channels", 4)) if channels == 4 else None
    if made_for is not None:
        raise _unsupported(path, f"is {made_for}: its UNet reads {unet['in_channels']} channels, but its VAE has 4")


def _check_text_encoder(path: Path, text_encoder: Mapping[str, Any]) -> None:
    kind = str(text_encoder.get("model_type", ""))
    if kind not in ("clip_text_model", "clip"):
        raise _unsupported(path, f"has a text encoder of type {kind or 'unknown'}, but a CLIP text model is needed")


def _check_widths(path: Path, first: Mapping[str, Any], second: Mapping[str, Any], unet: Mapping[str, Any]) -> None:
    """Whether the UNet reads what one text encoder gives, or two."""
    added = unet.get("addition_embed_type") == TEXT_TIME
    if bool(second) != added:
        has, reads = ("two text encoders", "one") if second else ("one text encoder", "two")
        raise _unsupported(path, f"has {has}, but its UNet reads {reads}")
    width = first.get("hidden_size", 512) + (second.get("hidden_size", 512) if second else 0)
    wanted = unet.get("cross_attention_dim", 1280)
    widths = {wanted} if isinstance(wanted, int) else set(wanted)
    if widths != {width}:
        what = "text encoders" if second else "a text encoder"
        raise _unsupported(path, f"has {what} of width {width}, but its UNet expects {wanted}")
    if not added:
        return
    pooled, each = second.get("projection_dim", 512), unet.get("addition_time_embed_dim") or 0
    read = (unet.get("projection_class_embeddings_input_dim") or 0) - pooled
    if read != SIZE_NUMBERS * each or not each or pooled > width:
        # The refiner's UNet reads five: how beautiful the picture is to be, in place of the target size.
        refiner = each and read == (SIZE_NUMBERS - 1) * each
        raise _unsupported(
            path, f"is {REFINER}" if refiner else "has a UNet that reads added conditions of other sizes"
        )
