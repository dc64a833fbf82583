"""The models that are at hand: the bundled one, those in the hub's cache, and those in folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

from vp2p.errors import ModelError
from vp2p.models.checkpoint import read_checkpoint
from vp2p.models.folder import ModelFolder, read_folder
from vp2p.models.header import read_header
from vp2p.models.held import held
from vp2p.models.kinds import family, other_kind
from vp2p.models.named import is_checkpoint
from vp2p.models.sources import BUNDLED, find_model


@dataclass(frozen=True)
class Listed:
    """``name`` is what ``--model`` takes; ``where`` it lies; ``kind`` what it is, or why it cannot be used."""

    name: str
    where: str
    kind: str
    usable: bool
    bytes: int


def models_at_hand(folders: Sequence[Path] = ()) -> list[Listed]:
    """The bundled model, those in the hub's cache, and those in ``folders``; of files of weights, also the others."""
    found = [_listed(BUNDLED, "bundled", find_model(BUNDLED))]
    found += [_listed(name, "hub cache", path) for name, path in _cached()]
    for folder in folders:
        found += models_in(folder)
    return found


def models_in(folder: Path) -> list[Listed]:
    """What lies in a folder: models' folders, what belongs to models, and safetensors files."""
    found = []
    for path in sorted(folder.iterdir()):
        if is_checkpoint(path):
            found.append(_file(path))
        elif is_model(path):
            found.append(_listed(str(path), "folder", path))
        elif path.is_dir() and (part := held(path)):
            found.append(Listed(str(path), "folder", part.name, False, 0))
    return found


def _file(path: Path) -> Listed:
    try:
        kind = other_kind(path, read_header(path))
    except ModelError as error:
        return Listed(str(path), "file", error.cause, False, path.stat().st_size)
    if kind is not None:
        return Listed(str(path), "file", kind.name, False, path.stat().st_size)
    return _listed(str(path), "file", path)


def _listed(name: str, where: str, path: Path) -> Listed:
    try:
        model = read_checkpoint(path) if path.is_file() else read_folder(path)
        return Listed(name, where, family(model.unet, model.scheduler), True, size_of(model))
    except (ModelError, OSError) as error:
        return Listed(name, where, error.cause if isinstance(error, ModelError) else str(error), False, 0)


def size_of(model: ModelFolder) -> int:
    """Bytes of a model's weight files."""
    files = {file.resolve() for part in model.parts.values() for _, file in part.weights()}
    return sum(file.stat().st_size for file in files)


def _cached() -> Iterator[tuple[str, Path]]:
    """The hub's models of which the cache has a pipeline: the id, and the newest snapshot."""
    from huggingface_hub import constants

    for repository in sorted(Path(constants.HF_HUB_CACHE).glob("models--*--*")):
        snapshots = [path for path in repository.glob("snapshots/*") if is_model(path)]
        if snapshots:
            newest = max(snapshots, key=lambda path: path.stat().st_mtime)
            yield repository.name.removeprefix("models--").replace("--", "/"), newest


def is_model(path: Path) -> bool:
    """Whether a folder looks like a model's, usable or not."""
    return (path / "model_index.json").is_file() or (path / "unet").is_dir()
