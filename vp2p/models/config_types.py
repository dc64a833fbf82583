"""The types of the configuration values that are used here: a wrong one is named, with its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Mapping

from vp2p.errors import ModelError
from vp2p.plain import is_number
from vp2p.text import shorten

Check = tuple[Callable[[Any], bool], str]


def _whole(value: Any) -> bool:
    return type(value) is int and value > 0


def _list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(map(check, value))


def _text(value: Any) -> bool:
    return isinstance(value, str)


_WHOLE: Check = (_whole, "a whole number above 0")
_WHOLES: Check = (_list_of(_whole), "a list of whole numbers above 0")
_NUMBER: Check = (is_number, "a number")
_TEXTS: Check = (_list_of(_text), "a list of names")

# A value that is not said has the libraries' default.
_TYPES: Mapping[str, Mapping[str, Check]] = {
    "unet/config.json": {
        "down_block_types": _TEXTS,
        "up_block_types": _TEXTS,
        "block_out_channels": _WHOLES,
        "in_channels": _WHOLE,
        "out_channels": _WHOLE,
        "addition_time_embed_dim": (lambda value: value is None or _whole(value), "a whole number above 0"),
        "projection_class_embeddings_input_dim": (lambda value: value is None or _whole(value), "a whole number"),
        "cross_attention_dim": (lambda value: _whole(value) or _WHOLES[0](value), "a whole number or a list of them"),
    },
    "vae/config.json": {
        "block_out_channels": _WHOLES,
        "latent_channels": _WHOLE,
        "scaling_factor": (lambda value: is_number(value) and value != 0, "a number other than 0"),
        "shift_factor": (lambda value: value is None or is_number(value), "a number"),
    },
    "text_encoder/config.json": {"hidden_size": _WHOLE, "max_position_embeddings": _WHOLE},
    "text_encoder_2/config.json": {"hidden_size": _WHOLE, "max_position_embeddings": _WHOLE, "projection_dim": _WHOLE},
    "image_encoder/config.json": {
        name: _WHOLE for name in ("projection_dim", "hidden_size", "image_size", "patch_size")
    },
    "scheduler/scheduler_config.json": {
        "num_train_timesteps": _WHOLE,
        "beta_start": _NUMBER,
        "beta_end": _NUMBER,
        "trained_betas": (lambda value: value is None or _list_of(is_number)(value), "a list of numbers"),
    },
    "vp2p.json": {
        "words": (lambda value: value is None or value == [] or _TEXTS[0](value), "a list of words"),
        "settings": (
            lambda value: isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values()),
            "settings by stage",
        ),
    },
}


def check_types(file: Path, name: str, config: Mapping[str, Any]) -> None:
    """Raises ModelError if a value of a configuration is of a type that nothing can be made of.

    Args:
        file: the configuration's.
        name: of such a file in a model's folder, such as ``vae/config.json``.
    """
    for key, (fits, wanted) in _TYPES.get(name, {}).items():
        if key in config and not fits(config[key]):
            raise ModelError(
                f"{file} says that {key} is {shorten(config[key], 80)}, but it must be {wanted}.",
                f"correct {key} there, or copy or download it again",
            )
