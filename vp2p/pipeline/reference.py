"""The picture that shows what an edit's new thing is to look like: ``--reference PICTURE[:scale]``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vp2p.addresses import refuse_address
from vp2p.errors import ModelError, UsageError
from vp2p.models.scaled import REFERENCE, scaled

if TYPE_CHECKING:
    from vp2p.models.folder import ModelFolder


@dataclass(frozen=True)
class Reference:
    """A picture's file, and how strongly it acts: more than 0."""

    path: Path
    scale: float


def find_reference(text: str | None, model: ModelFolder) -> Reference | None:
    """The picture that a setting names; None without one, and where its scale is 0.

    Raises:
        UsageError: there is no such picture, the scale is no number from 0 on, or the model has no IP-Adapter.
    """
    if text is None:
        return None
    refuse_address("--reference", text)
    try:
        name, scale = scaled(text, REFERENCE)
        path = REFERENCE.there(name)
    except ModelError as error:  # which is what wrong names of parts of a model are
        raise UsageError(error.cause, error.hint) from error
    if model.ip_adapter is None:
        raise UsageError(
            "--reference needs an IP-Adapter, and the model has none.",
            "vp2p config model.ip_adapter FOLDER, then the same command; FOLDER is like the hub's h94/IP-Adapter",
        )
    from vp2p.video.pictures import is_picture

    if not path.is_file() or not is_picture(path):
        raise UsageError(f"{path} is no picture that can be read.", REFERENCE.give)
    return Reference(path, scale) if scale else None
