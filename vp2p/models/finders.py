"""Which networks find a mask: those that are named, else those in the hub's cache, else none."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from vp2p.errors import ModelError
from vp2p.models.pretrained import DETECTOR, SEGMENTER, Kind
from vp2p.settings import NO_MODEL, MaskSettings


class Finders(NamedTuple):
    """The folders of a SAM 2 model and, for words, of a Grounding DINO model; both are None where one is missing."""

    segmenter: Path | None = None
    detector: Path | None = None

    @classmethod
    def of(cls, settings: MaskSettings) -> Finders:
        """The networks for a mask. Only what is named is downloaded.

        Raises:
            ModelError: one that is named cannot be had; or it needs another one, which is not at hand.
        """
        if settings.segmenter == NO_MODEL:
            return cls()
        if settings.detector == NO_MODEL:
            raise ModelError("The detector alone cannot be left out.", "leave out both models: --segmenter none")
        segmenter = _found(SEGMENTER, settings.segmenter)
        if settings.text is None:
            return cls(segmenter)
        detector = _found(DETECTOR, settings.detector)
        for kind, found, named in (
            (SEGMENTER, segmenter, settings.detector),
            (DETECTOR, detector, settings.segmenter),
        ):
            if found is None and named is not None:
                kind.find(kind.example, download=False)  # raises, and says how to get it
        return cls(segmenter, detector) if segmenter and detector else cls()

    def fingerprints(self) -> dict[str, str]:
        """What tells these networks from others, by what they do."""
        kinds = {"segmenter": (SEGMENTER, self.segmenter), "detector": (DETECTOR, self.detector)}
        return {name: kind.fingerprint(folder) for name, (kind, folder) in kinds.items() if folder is not None}


def missing(settings: MaskSettings) -> str:
    """The commands that fetch the networks for a mask of this kind."""
    kinds = (SEGMENTER,) if settings.text is None else (SEGMENTER, DETECTOR)
    return ", ".join(f"hf download {kind.example}" for kind in kinds)


def _found(kind: Kind, name: str | None) -> Path | None:
    if name is not None:
        return kind.find(name)
    try:
        return kind.find(kind.example, download=False)
    except ModelError:
        return None
