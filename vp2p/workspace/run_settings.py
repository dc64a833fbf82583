"""settings.yaml of a run: which run a folder holds and with which settings, from its first moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ArtifactError
from vp2p.workspace.atomic import write_yaml
from vp2p.workspace.layout import SETTINGS
from vp2p.workspace.record import Record, read_settings
from vp2p.workspace.seal import YAML_FORMAT, DamagedError, sealed


def write(folder: Path, head: Mapping[str, Any], settings: Mapping[str, Any], finished: bool = False) -> None:
    """Write settings.yaml.

    Args:
        head: ``stage``, ``identity``, ``created`` (an ISO time) and ``parents`` (a record of
            :mod:`vp2p.workspace.parents`).
        settings: plain values.
        finished: only the manifest is still to be written.

    Raises:
        ArtifactError: the disk refuses.
    """
    values = {"format": YAML_FORMAT, **head, "settings": dict(settings)}
    if finished:
        values["finished"] = True
    write_yaml(folder / SETTINGS, sealed(values))


def read(folder: Path) -> Record:
    """The record in settings.yaml of the run folder ``folder``.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    path = folder / SETTINGS
    hint = f"delete the folder {folder}, then the same command again"
    try:
        return read_settings(folder)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", hint) from error
    except DamagedError as error:
        raise ArtifactError(f"{path} is damaged: {error}.", hint) from error
