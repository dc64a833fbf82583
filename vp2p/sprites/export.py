"""Assemble the model folder in half precision: ``python -m vp2p.sprites.export --out FOLDER``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from vp2p import printing
from vp2p.sprites.language import WORDS
from vp2p.sprites.network import Network, scheduler
from vp2p.sprites.tokenizer import build_tokenizer
from vp2p.sprites.train_unet import finished_vae

MODEL = Path(__file__).parent / "model"
_INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}

# So small a model needs less guidance than Stable Diffusion for clean colours, and no more steps than 20. What it draws
# it knows so well that tuning gains nothing: see docs/benchmarks.md.
_SUITED = {"invert": {"guidance": 3.0, "steps": 20}, "tune": {"steps": 0}}


def _drop_local_path(folder: Path) -> None:
    """Saved configurations remember where they were loaded from; a published folder must not."""
    for config in folder.rglob("*config.json"):
        values = json.loads(config.read_text(encoding="utf-8"))
        values.pop("_name_or_path", None)
        config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def export(out: Path, pictures: Path, target: Path = MODEL) -> int:
    """Write the averaged weights of the training folder ``out`` to ``target``; return their size in bytes.

    The folder is built beside ``target`` and then takes its place, so a reader never sees half of one.
    """
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    network = Network(build_tokenizer(fresh / "tokenizer"))
    state = load_file(out / "unet.safetensors")
    network.load_state_dict({name[4:]: tensor for name, tensor in state.items() if name.startswith("ema.")})
    parts: dict[str, Any] = {"vae": finished_vae(out, pictures), "unet": network.unet, "text_encoder": network.text}
    for name, part in parts.items():
        part.to(torch.float16).save_pretrained(fresh / name)
    scheduler().save_pretrained(fresh / "scheduler")
    (fresh / "model_index.json").write_text(json.dumps(_INDEX, indent=2) + "\n", encoding="utf-8")
    about = {"name": "sprites", "settings": _SUITED, "words": list(WORDS)}
    (fresh / "vp2p.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    _drop_local_path(fresh)
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.rename(target, old)
    os.rename(fresh, target)
    shutil.rmtree(old, ignore_errors=True)
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the training folder")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of the drawn pictures")
    parser.add_argument("--target", type=Path, default=MODEL)
    given = parser.parse_args()
    printing.line(f"{given.target}: {export(given.out, given.pictures, given.target) / 2**20:.1f} MiB")
