"""Networks that transformers loads by themselves, beside the model that edits: found, checked and loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ModelError
from vp2p.models.damaged import damaged
from vp2p.models.digests import file_digest
from vp2p.models.header import COPY
from vp2p.models.held import holds_no
from vp2p.models.hub import snapshot
from vp2p.models.json_files import read_mapping
from vp2p.models.named import Option
from vp2p.models.parts import FolderPart
from vp2p.models.weights import find_weights

_STEM = "model"
_WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors", "*.index.json")
_FILES = (*_WEIGHTS, "*config.json", "tokenizer*", "*.txt", "vocab.json", "special_tokens_map.json")

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of the pictures that most networks were trained on, RGB in 0…1."""


@dataclass(frozen=True)
class Kind:
    """A kind of network.

    ``called`` is its name in messages, ``flag`` the option that names it, and ``example`` a hub id that fits. ``type``
    is what its config.json calls it. ``words`` are the files of its tokenizer, in each form that those have.
    """

    called: str
    flag: str
    example: str
    type: str
    words: tuple[tuple[str, ...], ...] = ()

    def find(self, name: str, download: bool = True) -> Path:
        """The folder that ``name`` means; what a hub id lacks in the hub's cache is downloaded, if it may be.

        Raises:
            ModelError: there is no such folder or model, it is of another kind, or its files are damaged.
        """
        give = f"give {self.flag} a folder, or a hub id: {self.example}"
        folder = Option(f"{self.flag} ", self.called, give).on_disk(name)
        if folder is None:
            folder = snapshot(name, _FILES, self.flag, download)
        if folder.is_file():
            raise ModelError(f"{folder} is a file, but a {self.called} is a folder.", give)
        self._check(folder)
        return folder

    def load(self, cls: Any, folder: Path) -> Any:
        """The network in a folder, in eval mode, on the best device. Only safetensors files are read.

        Raises:
            ModelError: it cannot be loaded, or lacks tensors.
        """
        import torch

        from vp2p.models.devices import choose_device
        from vp2p.models.loading import load_network, quiet_libraries

        part = FolderPart(folder, _STEM, find_weights(folder, _STEM).variant)
        with quiet_libraries():
            model = load_network(cls, part, dtype=torch.float32)
        return model.to(choose_device("auto")).eval().requires_grad_(False)

    def load_words(self, cls: Any, folder: Path, known: int) -> Any:
        """The tokenizer in a folder, of the class ``cls``, for a network that knows so many words.

        Raises:
            ModelError: it cannot be loaded, or has other words.
        """
        try:
            tokenizer = cls.from_pretrained(str(folder), local_files_only=True)
        except Exception as error:  # of every kind
            raise damaged(folder, error) from error
        if not known // 2 < len(tokenizer) <= known:  # the network may have room for more
            raise damaged(folder, f"its tokenizer has {len(tokenizer)} words, but the network knows {known}")
        return tokenizer

    def settings(self, folder: Path, file: str) -> Mapping[str, Any]:
        """What a JSON file of the folder says; nothing where there is none. Raises ModelError if it is damaged."""
        return read_mapping(folder / file) if (folder / file).exists() else {}

    def fingerprint(self, folder: Path) -> str:
        """What tells a network from another: the SHA-256 of all its files that count."""
        files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".json", ".txt"))
        told = json.dumps([[path.name, file_digest(path)] for path in files])
        return hashlib.sha256(told.encode()).hexdigest()

    def _check(self, folder: Path) -> None:
        another = f"give {self.flag} another, such as {self.example}"
        if not (folder / "config.json").is_file():
            raise ModelError(holds_no(self.called, folder, "config.json"), another)
        if read_mapping(folder / "config.json").get("model_type") != self.type:
            raise ModelError(holds_no(self.called, folder, "config.json of one"), another)
        find_weights(folder, _STEM)
        if self.words and not any(all((folder / name).is_file() for name in form) for form in self.words):
            cause = f"The {self.called} {folder} has no tokenizer: there is no {self.words[0][0]} in it."
            raise ModelError(cause, COPY)


_CLIP_WORDS, _BERT_WORDS = (("tokenizer.json",), ("vocab.json", "merges.txt")), (("tokenizer.json",), ("vocab.txt",))
CLIP = Kind("CLIP model", "--clip-model", "openai/clip-vit-large-patch14", "clip", _CLIP_WORDS)
SEGMENTER = Kind("SAM 2 model", "--segmenter", "facebook/sam2.1-hiera-small", "sam2_video")
DETECTOR = Kind(
    "Grounding DINO model", "--detector", "IDEA-Research/grounding-dino-tiny", "grounding-dino", _BERT_WORDS
)
