"""Where the networks of a model lie, and how they are loaded: from a folder each, or from one file that holds all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Sequence

from vp2p.models.header import COPY
from vp2p.models.weights import fingerprinted, loadable

SECOND = "text_encoder_2"
"""The part that only models with two text encoders have."""

STEMS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    SECOND: "model",
}
"""How the weight files of a part begin, in diffusers' folders."""


class Part(Protocol):
    """One network of a model, such as ``unet``: a key of :data:`STEMS`.

    ``config`` is the folder of its config.json; ``variant`` that of its weights, such as ``"fp16"``.
    """

    @property
    def config(self) -> Path: ...
    @property
    def variant(self) -> str | None: ...
    @property
    def place(self) -> str:
        """Where it is, as a message says it."""
        ...

    @property
    def mend(self) -> str:
        """What to do where it cannot be loaded."""
        ...

    def weights(self) -> Sequence[tuple[str, Path]]:
        """The weight files that a fingerprint covers, each with the name under which it enters."""
        ...

    def load(self, cls: Any, **options: Any) -> tuple[Any, list[str]]:
        """The network, an object of ``cls``, and the names of tensors that the files lack."""
        ...


@dataclass(frozen=True)
class FolderPart:
    """A network in a folder of its own, as diffusers and transformers save it."""

    config: Path
    stem: str
    variant: str | None

    @property
    def place(self) -> str:
        return str(self.config)

    @property
    def mend(self) -> str:
        return COPY

    def weights(self) -> Sequence[tuple[str, Path]]:
        files = fingerprinted(self.config, self.stem, self.variant)
        return [(file.relative_to(self.config).as_posix(), file) for file in files]

    def load(self, cls: Any, **options: Any) -> tuple[Any, list[str]]:
        with loadable(self.config, self.stem, self.variant) as (place, variant):
            network, info = cls.from_pretrained(
                str(place),
                variant=variant,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **options,
            )
        return network, sorted(info["missing_keys"])


@dataclass(frozen=True)
class CheckpointPart:
    """A network of a one-file checkpoint in the original layout; ``name`` is a key of :data:`STEMS`."""

    config: Path
    file: Path
    name: str
    mend: str
    variant: str | None = None

    @property
    def place(self) -> str:
        return f"The {self.name} of {self.file}, with the configuration in {self.config},"

    def weights(self) -> Sequence[tuple[str, Path]]:
        return [("weights", self.file)]

    def load(self, cls: Any, torch_dtype: Any = None, **_: Any) -> tuple[Any, list[str]]:
        from vp2p.models.original import load_original

        network, missing = load_original(cls, self.config, self.file, self.name)
        return network if torch_dtype is None else network.to(torch_dtype), missing
