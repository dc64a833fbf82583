"""Networks that transformers loads by themselves, beside the model that edits: found, checked and loaded."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping

from vp2p.errors import ModelError
from vp2p.models.digests import file_digest
from vp2p.models.sources import HUB_ID, snapshot
from vp2p.text import shorten

_WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors", "*.index.json")
_FILES = (*_WEIGHTS, "*config.json", "tokenizer*", "*.txt", "vocab.json", "special_tokens_map.json")

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of the pictures that most networks were trained on, RGB in 0…1."""


@dataclass(frozen=True)
class Kind:
    """A kind of network.

    ``called`` is its name in messages, ``option`` the one that names it, and ``example`` a hub id that fits. ``type``
    is what its config.json calls it.
    """

    called: str
    option: str
    example: str
    type: str

    def find(self, name: str, download: bool = True) -> Path:
        """The folder that ``name`` means; what a hub id lacks in the hub's cache is downloaded, if it may be.

        Raises:
            ModelError: there is no such folder or model, or it is of another kind.
        """
        folder = Path(name).expanduser()
        if name and folder.is_dir():
            pass
        elif HUB_ID.fullmatch(name):
            folder = snapshot(name, _FILES, self.option, download)
        else:
            raise ModelError(
                f"There is no {self.called} folder {name}.", f"give {self.option} a folder, or a hub id: {self.example}"
            )
        self._check(folder, name)
        return folder

    def load(self, cls: Any, folder: Path) -> Any:
        """The network in a folder, in eval mode, on the best device. Only safetensors files are read.

        Raises:
            ModelError: it cannot be loaded, or lacks tensors.
        """
        import torch

        from vp2p.models.devices import choose_device
        from vp2p.models.loading import quiet_libraries

        with quiet_libraries(), self.refused(folder):
            model, info = cls.from_pretrained(
                str(folder), use_safetensors=True, local_files_only=True, output_loading_info=True, dtype=torch.float32
            )
        missing = sorted(key for key in info["missing_keys"] if not key.endswith("position_ids"))
        if missing:
            raise ModelError(
                f"The {self.called} {folder} lacks {len(missing)} tensors, such as {missing[0]}.", self._another
            )
        return model.to(choose_device("auto")).eval().requires_grad_(False)

    @contextmanager
    def refused(self, folder: Path) -> Iterator[None]:
        """Turns whatever a library raises of files that are damaged, or do not fit, into a ModelError."""
        try:
            yield
        except Exception as error:  # of every kind
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(f"The {self.called} {folder} cannot be loaded: {reason}", self._another) from error

    def settings(self, folder: Path, file: str = "config.json") -> Mapping[str, Any]:
        """What a JSON file of the folder says; nothing where there is none, or it holds no mapping."""
        try:
            found = json.loads((folder / file).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def fingerprint(self, folder: Path) -> str:
        """What tells a network from another: the SHA-256 of all its files that count."""
        files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".json", ".txt"))
        told = json.dumps([[path.name, file_digest(path)] for path in files])
        return hashlib.sha256(told.encode()).hexdigest()

    def _check(self, folder: Path, name: str) -> None:
        found = self.settings(folder).get("model_type")
        if found != self.type:
            holds = "has no config.json" if found is None else f"is of the kind {shorten(found, 60)}"
            raise ModelError(f"{name} is no {self.called}: it {holds}.", self._another)
        if not any(folder.glob("model*.safetensors")):
            raise ModelError(
                f"{name} has no weights in safetensors; pickles can run code and are never opened.", self._another
            )

    @property
    def _another(self) -> str:
        return f"give {self.option} another, such as {self.example}"


CLIP = Kind("CLIP model", "--clip-model", "openai/clip-vit-large-patch14", "clip")
SEGMENTER = Kind("SAM 2 model", "--segmenter", "facebook/sam2.1-hiera-small", "sam2_video")
DETECTOR = Kind("Grounding DINO model", "--detector", "IDEA-Research/grounding-dino-tiny", "grounding-dino")
