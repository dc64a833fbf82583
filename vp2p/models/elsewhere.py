"""What a folder or a file that is no model holds instead, and which folder near it is one."""

from __future__ import annotations

from pathlib import Path

from vp2p.errors import ModelError
from vp2p.models.held import held
from vp2p.models.kinds import HINT, PARTS
from vp2p.models.weights import PICKLES
from vp2p.text import shorten, typed

_PARTS = ("unet", "vae", "text_encoder")


def no_model(path: Path) -> ModelError:
    """The error for a folder without a model: it says what is there, and the hint what to type."""
    cause = f"The folder {path} holds no diffusion model: there is no model_index.json in it."
    entries = sorted(path.iterdir())
    near = [path.parent, *entries, *path.glob("snapshots/*"), *path.parent.glob("snapshots/*")]
    found = [folder for folder in near if _is_model(folder)]
    if found:
        return ModelError(cause, f"--model {typed(str(found[0]))}")
    if not entries:
        return ModelError(f"The folder {path} is empty: there is no model_index.json in it.", PARTS)
    kind = held(path)
    if kind:
        return ModelError(f"The folder {path} holds {kind.name}.", kind.hint)
    single = [file for file in entries if file.suffix in (".safetensors", *PICKLES)]
    if single:
        return ModelError(
            f"{cause} It holds {single[0].name}, which is a single-file checkpoint, a LoRA or one part of a model.",
            _typed(single[0]),
        )
    names = ", ".join(entry.name for entry in entries[:4])
    return ModelError(f"{cause} It holds {shorten(names)[1:-1]}{', …' if len(entries) > 4 else ''}.", PARTS)


def no_model_file(file: Path) -> ModelError:
    """The error for a file that is no safetensors file."""
    if file.suffix in PICKLES:
        cause = f"The model {file} is a single file, but no safetensors file; others can run code and are never opened."
        return ModelError(cause, _typed(file))
    hint = f"--model {typed(str(file.parent))}" if _is_model(file.parent) else HINT
    return ModelError(f"{file} is no model: models are folders and .safetensors files.", hint)


def _typed(file: Path) -> str:
    """What to type for a single file: of a pickle, the command that makes a model folder of it."""
    if file.suffix not in PICKLES:
        return f"--model {typed(str(file))}"
    code = (
        "import sys; from diffusers import StableDiffusionPipeline as P;"
        " P.from_single_file(sys.argv[1]).save_pretrained(sys.argv[2])"
    )
    folder = file.with_suffix("")
    folder = file.with_name(f"{file.stem}-model") if folder.exists() else folder
    return f"python -c {typed(code)} {typed(str(file))} {typed(str(folder))}, then --model {typed(str(folder))}"


def _is_model(folder: Path) -> bool:
    return (folder / "model_index.json").is_file() or all((folder / part).is_dir() for part in _PARTS)
