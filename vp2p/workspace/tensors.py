"""Named tensors in safetensors files: written atomically and byte for byte alike, read with care."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping

from vp2p.errors import ArtifactError
from vp2p.workspace.atomic import write_bytes

if TYPE_CHECKING:
    from torch import Tensor

# The format keeps its metadata in no fixed order, so all of it goes under one key, as sorted JSON.
_METADATA_KEY = "vp2p"

# What the format calls PyTorch's numbers, in the order in which it sorts them.
_KINDS = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "int16": "I16",
    "float16": "F16",
    "bfloat16": "BF16",
    "int32": "I32",
    "float32": "F32",
    "float64": "F64",
    "int64": "I64",
}

Buffer = bytes | memoryview


def encode_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any] | None = None) -> list[Buffer]:
    """The bytes of a safetensors file, in parts: its header, and each tensor where it is, without a copy.

    Equal tensors and metadata give equal bytes, those of the format's own library.

    Args:
        tensors: of any shape, dtype and device; they may be views of each other.
        metadata: JSON values to keep beside them.
    """
    import torch

    kinds = {getattr(torch, kind): place for place, kind in enumerate(_KINDS)}
    header: dict[str, Any] = {}
    if metadata is not None:
        header["__metadata__"] = {_METADATA_KEY: json.dumps(metadata, sort_keys=True)}
    parts: list[Buffer] = []
    start = 0
    for name in sorted(tensors, key=lambda name: (-kinds[tensors[name].dtype], name)):
        tensor = tensors[name].detach().to("cpu").contiguous()
        end = start + tensor.numel() * tensor.element_size()
        kind = _KINDS[list(_KINDS)[kinds[tensor.dtype]]]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [start, end]}
        parts.append(tensor.reshape(-1).view(torch.uint8).numpy().data)
        start = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little") + text, *parts]


def decode_tensors(data: bytes) -> dict[str, Tensor]:
    """Tensors on the CPU from the bytes of a safetensors file.

    Raises:
        ValueError: the bytes are cut short, damaged, or no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise ValueError(f"not a whole safetensors file ({error})") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # the library's word where it gets no memory
            raise MemoryError("no memory to read tensors") from error
        raise


def decode_metadata(data: bytes) -> dict[str, Any]:
    """The metadata given to :func:`encode_tensors`; empty if there was none.

    Raises:
        ValueError: the header is damaged.
    """
    length = int.from_bytes(data[:8], "little")
    try:
        text = json.loads(data[8 : 8 + length]).get("__metadata__", {}).get(_METADATA_KEY, "{}")
        found: dict[str, Any] = json.loads(text)
        return found
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"not a safetensors header ({error})") from error


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any] | None = None) -> None:
    """Write ``tensors`` and ``metadata`` (see :func:`encode_tensors`) to ``path``, whole or not at all.

    Raises:
        ArtifactError: the disk refuses.
    """
    write_bytes(path, encode_tensors(tensors, metadata))


def load_tensors(path: Path, rebuild: str) -> dict[str, Tensor]:
    """The tensors of the file ``path``, on the CPU.

    Args:
        path: a safetensors file.
        rebuild: how to redo what made the file, shown as the hint.

    Raises:
        ArtifactError: the file is missing, unreadable, cut short, damaged or of another kind.
    """
    data = _read(path, rebuild)
    try:
        return _Named(path, rebuild, decode_tensors(data))
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged: {error}.", rebuild) from error


def map_tensors(path: Path, rebuild: str) -> dict[str, Tensor]:
    """As :func:`load_tensors`, but what a tensor holds is read where it is used, so that a large one needs no memory.

    The file must have been verified before, and may not be changed while the tensors are in use.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            return _Named(path, rebuild, {name: file.get_tensor(name) for name in file.keys()})
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing.", rebuild) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", rebuild) from error
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise ArtifactError(f"{path} is damaged: {error}.", rebuild) from error


def load_metadata(path: Path, rebuild: str) -> dict[str, Any]:
    """The metadata of the file ``path``; arguments and errors as for :func:`load_tensors`."""
    data = _read(path, rebuild)
    try:
        return _Named(path, rebuild, decode_metadata(data))
    except (ValueError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged: {error}.", rebuild) from error


def load_shape(path: Path, rebuild: str, name: str) -> tuple[int, ...]:
    """The shape of a tensor of the file ``path``, from its header alone; errors as for :func:`load_tensors`."""
    try:
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return tuple(int(side) for side in header[name]["shape"])
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", rebuild) from error
    except (ValueError, KeyError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: it does not say how large {name} is.", rebuild) from error


class _Named(dict[str, Any]):
    """What a file holds by name; a name that it lacks is damage of the file."""

    def __init__(self, path: Path, rebuild: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._path, self._rebuild = path, rebuild

    def __missing__(self, name: str) -> Any:
        raise ArtifactError(f"{self._path} is damaged: it holds no {name}.", self._rebuild)


def _read(path: Path, rebuild: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing.", rebuild) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", rebuild) from error
