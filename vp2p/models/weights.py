"""The weight files of a model's part: whole, in shards, and in variants such as fp16 or non_ema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Mapping, Sequence

from vp2p.errors import ModelError

PICKLES = (".bin", ".ckpt", ".pt", ".pth")
# Of several variants, without plain weights: the most exact; those that were trained on, not averaged, last.
_ORDER = ("fp32", "ema", "bf16", "fp16")
_LAST = ("non_ema",)
_COPY = "copy or download that folder again"


def find_variant(folder: Path, stem: str) -> str | None:
    """None for plain weights, which diffusers takes where they are, else the variant to load.

    Args:
        folder: of the part.
        stem: how its weight files begin, such as ``diffusion_pytorch_model``.

    Raises:
        ModelError: there are no whole weights in safetensors; it names what is there.
    """
    found = _variants(folder, stem)
    whole = {variant: files for variant, files in found.items() if _missing(folder, stem, variant, files) is None}
    if whole:
        chosen = min(whole, key=_rank)
        for file in whole[chosen]:
            _check_file(folder / file)
        return chosen
    for variant in sorted(found, key=_rank):
        raise ModelError(
            f"The weights in {folder} are not whole: {_missing(folder, stem, variant, found[variant])} is missing"
            f" beside {found[variant][0]}.",
            _COPY,
        )
    there = sorted(file.name for file in folder.iterdir() if file.suffix in (".safetensors", *PICKLES))
    pickles = [name for name in there if not name.endswith(".safetensors")]
    if pickles and len(pickles) == len(there):
        raise ModelError(
            f"The weights in {folder} are pickles only ({pickles[0]}); these can run code and are never opened.",
            "use a model that ships safetensors, or convert it: load it with diffusers where you trust it, and"
            " save_pretrained",
        )
    beside = f"; there is {', '.join(there[:4])}" if there else ""
    raise ModelError(
        f"The model {folder.parent} has no {folder.name}/{stem}.safetensors, whole or as a variant{beside}.",
        f"rename the weights to {stem}.safetensors if they are this part's, or copy the whole model folder again"
        if there
        else "copy the whole model folder again; it needs unet/, vae/, text_encoder/, tokenizer/ and scheduler/",
    )


def fingerprinted(folder: Path, stem: str, variant: str | None) -> list[Path]:
    """The weight files that a model's fingerprint covers: those of the variant."""
    if variant is None:  # all but fp16, as fingerprints were always made
        return [file for file in folder.glob("*.safetensors") if ".fp16" not in file.suffixes]
    return [folder / name for name in _variants(folder, stem).get(variant, ())]


def _variants(folder: Path, stem: str) -> Mapping[str | None, Sequence[str]]:
    """The safetensors files by variant; None for plain ones."""
    name = re.compile(rf"{re.escape(stem)}(?:\.(?P<before>\w+))?(?:-\d+-of-\d+)?(?:\.(?P<after>\w+))?\.safetensors")
    found: dict[str | None, list[str]] = {}
    for file in sorted(folder.iterdir()):
        match = name.fullmatch(file.name)
        if match and not (match["before"] and match["after"]):
            found.setdefault(match["before"] or match["after"], []).append(file.name)
    return found


def _missing(folder: Path, stem: str, variant: str | None, files: Sequence[str]) -> str | None:
    """The first file that a variant lacks, or None if it is whole."""
    middle = "" if variant is None else f".{variant}"
    if f"{stem}{middle}.safetensors" in files:
        return None
    index = folder / f"{stem}.safetensors.index{middle}.json"
    if not index.is_file():
        return index.name
    try:
        names = set(json.loads(index.read_text("utf-8-sig"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"a readable {index.name}"
    return min((name for name in names if not (folder / str(name)).is_file()), default=None)


def _rank(variant: str | None) -> tuple[int, str]:
    if variant is None:
        return 0, ""
    if variant in _ORDER:
        return 1 + _ORDER.index(variant), variant
    return 98 + (variant in _LAST), variant


def _check_file(file: Path) -> None:
    """Raises ModelError if a file is not as long as it says: a Git LFS pointer, or one that was cut short."""
    try:
        with file.open("rb") as stream:
            start = stream.read(8)
            length = int.from_bytes(start, "little")
            size = file.stat().st_size
            if start == b"version ":
                raise ModelError(f"{file} is a pointer of Git LFS, not the weights themselves.", "git lfs pull, there")
            if len(start) < 8 or length > size - 8:
                raise ModelError(f"{file} is cut short: it has {size} bytes.", _COPY)
            header = json.loads(stream.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.", _COPY) from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ModelError(f"{file} is damaged: it does not begin as a safetensors file does.", _COPY) from error
    whole = 8 + length + max(ends, default=0)
    if size < whole:
        raise ModelError(f"{file} is cut short: it has {size} of {whole} bytes.", _COPY)
