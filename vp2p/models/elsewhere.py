"""What a folder that is no model holds instead, and which folder near it is one."""

from __future__ import annotations

import json
from pathlib import Path

from vp2p.errors import ModelError
from vp2p.models.weights import PICKLES
from vp2p.text import shorten, typed

_PARTS = ("unet", "vae", "text_encoder")
_SINGLE = (".safetensors", ".gguf", *PICKLES)
_NEEDED = "give --model the folder that holds unet/, vae/, text_encoder/, tokenizer/ and scheduler/"


def no_model(path: Path) -> ModelError:
    """The error for a folder without a model: it says what is there, and the hint what to type."""
    cause = f"The folder {path} holds no diffusion model: there is no model_index.json in it."
    entries = sorted(path.iterdir())
    near = [path.parent, *entries, *path.glob("snapshots/*"), *path.parent.glob("snapshots/*")]
    found = [folder for folder in near if _is_model(folder)]
    if found:
        return ModelError(cause, f"--model {typed(str(found[0]))}")
    if not entries:
        return ModelError(f"The folder {path} is empty: there is no model_index.json in it.", _NEEDED)
    single = [file.name for file in entries if file.suffix in _SINGLE]
    kind = _kind(path)
    if kind == "ControlNetModel":
        return ModelError(
            f"The folder {path} holds a ControlNet, which steers a model and is none by itself.",
            f"give --model the model that it was made for, and --control {typed(f'canny={path}')}, or its own kind",
        )
    if kind:
        return ModelError(f"The folder {path} holds a {kind} alone, which is one part of a model.", _NEEDED)
    if any("lora" in name.lower() for name in (*single, "lora" * (path / "adapter_config.json").is_file())):
        return ModelError(
            f"The folder {path} holds a LoRA ({', '.join(single)}), which changes a model and is none by itself.",
            f"give --model the model that it was made for, and --lora {typed(str(path))}",
        )
    if single:
        return ModelError(
            f"{cause} It holds {single[0]}, which is a single-file checkpoint, a LoRA or one part of a model.",
            _typed(path / single[0]),
        )
    names = ", ".join(entry.name for entry in entries[:4])
    return ModelError(f"{cause} It holds {shorten(names)[1:-1]}{', …' if len(entries) > 4 else ''}.", _NEEDED)


def _typed(file: Path) -> str:
    return f"--model {typed(str(file))}" if file.suffix == ".safetensors" else convert(file)


def convert(file: Path) -> str:
    """The command that makes a model folder of a single-file checkpoint."""
    code = (
        "import sys; from diffusers import StableDiffusionPipeline as P;"
        " P.from_single_file(sys.argv[1]).save_pretrained(sys.argv[2])"
    )
    folder = file.with_suffix("")
    folder = file.with_name(f"{file.stem}-model") if folder == file or folder.exists() else folder
    return f"python -c {typed(code)} {typed(str(file))} {typed(str(folder))}, then --model {typed(str(folder))}"


def _is_model(folder: Path) -> bool:
    return (folder / "model_index.json").is_file() or all((folder / part).is_dir() for part in _PARTS)


def _kind(path: Path) -> str | None:
    """The class of a network whose configuration lies in the folder itself."""
    try:
        config = json.loads((path / "config.json").read_text("utf-8-sig"))
        name = config.get("_class_name") or config["architectures"][0]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None
    return shorten(name, 80).strip("'\"") if isinstance(name, str) else None
