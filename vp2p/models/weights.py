"""The weight files of a model's part: whole, in shards, and in variants such as fp16 or non_ema."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Mapping, Sequence

from vp2p.errors import ModelError
from vp2p.models.header import COPY, read_header

PICKLES = (".bin", ".ckpt", ".pt", ".pth")
# Of several variants, without plain weights; fp16 first, which was always taken. Those that were trained on, not
# averaged, come last.
_ORDER = ("fp16", "fp32", "ema", "bf16")
_LAST = ("non_ema",)
_UNFINISHED = (".incomplete", ".part", ".crdownload", ".aria2", ".tmp")


@dataclass(frozen=True)
class Weights:
    """Whole weights of a part: the variant's name, its files, and the index of shards; ``usual`` where the libraries
    find just these by themselves."""

    variant: str | None
    files: tuple[Path, ...]
    index: Path | None
    usual: bool


def find_weights(folder: Path, stem: str, wanted: str | None = None) -> Weights:
    """The wanted variant's weights where they are, else plain ones, which diffusers takes, else a variant's.

    Args:
        folder: of the part.
        stem: how its weight files begin, such as ``diffusion_pytorch_model``.

    Raises:
        ModelError: there are no whole weights in safetensors; it names what is there.
    """
    found = _variants(folder, stem)
    if wanted is not None and wanted in found:
        return _whole(folder, stem, wanted, found[wanted])
    wrong: ModelError | None = None
    for variant in sorted(found, key=_rank):
        try:
            return _whole(folder, stem, variant, found[variant])
        except ModelError as error:  # another variant may be whole
            wrong = wrong or error
    if wrong:
        raise wrong
    unfinished = _unfinished(folder)
    if unfinished:
        raise ModelError(
            f"The weights in {folder} are not wholly downloaded: there is {unfinished}.",
            "run the download again; it goes on from there",
        )
    there = sorted(file.name for file in folder.iterdir() if file.suffix in (".safetensors", *PICKLES))
    pickles = [name for name in there if not name.endswith(".safetensors")]
    if pickles and len(pickles) == len(there):
        raise ModelError(
            f"The weights in {folder} are pickles only ({pickles[0]}); these can run code and are never opened.",
            "use one that ships safetensors, or convert it: load it with diffusers where you trust it, and"
            " save_pretrained",
        )
    beside = f"; there is {', '.join(there[:4])}" if there else ""
    raise ModelError(
        f"There is no {folder / stem}.safetensors, whole or as a variant{beside}.",
        f"rename the weights to {stem}.safetensors if they are this network's, or {COPY}" if there else COPY,
    )


def fingerprinted(folder: Path, stem: str, variant: str | None) -> Sequence[Path]:
    """The weight files that a model's fingerprint covers: those of the variant."""
    if variant is None:  # all but fp16, as fingerprints were always made
        return [file for file in folder.glob("*.safetensors") if ".fp16" not in file.suffixes]
    return find_weights(folder, stem, variant).files


def variants(folder: Path, stem: str) -> Sequence[str]:
    """The names of the variants that a part has weights of."""
    return [name for name in _variants(folder, stem) if name is not None]


@contextmanager
def loadable(folder: Path, stem: str, variant: str | None) -> Iterator[tuple[Path, str | None]]:
    """A folder and a variant from which the libraries load a part's weights.

    Where they would look for others first, or read an index's old name wrongly, it is a folder of links for the time.
    """
    weights = find_weights(folder, stem, variant)
    if weights.usual:
        yield folder, weights.variant
        return
    with tempfile.TemporaryDirectory(prefix="vp2p-") as name:
        links = {"config.json": folder / "config.json"}
        if weights.index:
            links |= {f"{stem}.safetensors.index.json": weights.index, **{file.name: file for file in weights.files}}
        else:
            links[f"{stem}.safetensors"] = weights.files[0]
        for link, file in links.items():
            (Path(name) / link).symlink_to(file.absolute())
        yield Path(name), None


def _variants(folder: Path, stem: str) -> Mapping[str | None, Sequence[str]]:
    """The safetensors files by variant; None for plain ones."""
    name = re.compile(rf"{re.escape(stem)}(?:\.(?P<before>\w+))?(?:-\d+-of-\d+)?(?:\.(?P<after>\w+))?\.safetensors")
    found: dict[str | None, list[str]] = {}
    for file in sorted(folder.iterdir()):
        match = name.fullmatch(file.name)
        if match and not (match["before"] and match["after"]):
            found.setdefault(match["before"] or match["after"], []).append(file.name)
    return found


def _whole(folder: Path, stem: str, variant: str | None, files: Sequence[str]) -> Weights:
    """A variant's weights, in one file or in shards. Raises ModelError if they are not whole."""
    middle = "" if variant is None else f".{variant}"
    single = folder / f"{stem}{middle}.safetensors"
    index = folder / f"{stem}.safetensors.index{middle}.json"
    old = folder / f"{stem}.safetensors{middle}.index.json"
    indices = [file for file in dict.fromkeys((index, old)) if file.is_file()]
    if single.name in files:
        read_header(single)
        return Weights(variant, (single,), None, not indices)
    if not indices:
        raise _lacks(folder, index.name, files[0])
    names = _shards(indices[0], files[0])
    for name in names:
        if not (folder / name).is_file():
            raise _lacks(folder, name, files[0])
        read_header(folder / name)
    return Weights(variant, tuple(folder / name for name in names), indices[0], indices[0] == index)


def _shards(index: Path, beside: str) -> list[str]:
    """The files that an index names. Raises ModelError if it cannot be read."""
    try:
        content = json.loads(index.read_text("utf-8"))
        names = sorted(set(content["weight_map"].values()))
        if names and all(Path(name).name == name for name in names) and isinstance(content["metadata"], dict):
            return names
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise _lacks(index.parent, f"a readable {index.name}", beside)


def _lacks(folder: Path, what: str, beside: str) -> ModelError:
    return ModelError(f"The weights in {folder} are not whole: {what} is missing beside {beside}.", COPY)


def _unfinished(folder: Path) -> str | None:
    """A file of a download that did not end, in the folder or in the hub client's own beside it."""
    for place in (folder, folder.parent / ".cache" / "huggingface" / "download" / folder.name):
        for file in sorted(place.glob("*")):
            if file.suffix in _UNFINISHED:
                return str(file)
    return None


def _rank(variant: str | None) -> tuple[int, str]:
    if variant is None:
        return 0, ""
    if variant in _ORDER:
        return 1 + _ORDER.index(variant), variant
    return 98 + (variant in _LAST), variant
