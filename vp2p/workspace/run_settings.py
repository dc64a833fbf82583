"""settings.yaml of a run: which run a folder holds and with which settings, from its first moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import yaml

from vp2p.errors import ArtifactError
from vp2p.workspace.atomic import write_yaml
from vp2p.workspace.parents import from_record, of_unfinished

NAME = "settings.yaml"
_HEAD = ("stage", "identity", "created")


def write_run_settings(
    folder: Path, stage: str, identity: str, created: str, parents: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    """Write settings.yaml.

    Args:
        created: an ISO time.
        parents: a record of :mod:`vp2p.workspace.parents`.
        settings: plain values.

    Raises:
        ArtifactError: the disk refuses.
    """
    head = {"stage": stage, "identity": identity, "created": created, "parents": dict(parents)}
    write_yaml(folder / NAME, {**head, "settings": dict(settings)})


def read_run_settings(folder: Path) -> dict[str, Any]:
    """``stage``, ``identity``, ``created``, ``parents`` and ``settings`` of the run folder ``folder``.

    Raises:
        ArtifactError: settings.yaml is missing or damaged.
    """
    path = folder / NAME
    hint = f"delete the folder {folder}, then the same command again"
    try:
        values = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", hint) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: it is not valid YAML.", hint) from error
    if not isinstance(values, dict) or not all(isinstance(values.get(key), str) for key in _HEAD):
        raise ArtifactError(f"{path} is damaged: it lacks {', '.join(_HEAD)}.", hint)
    if not isinstance(values.get("settings"), dict):
        raise ArtifactError(f"{path} is damaged: it lacks settings.", hint)
    values["parents"] = of_unfinished(folder, values)
    try:
        from_record(values["parents"])
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged: {error}.", hint) from error
    return values
