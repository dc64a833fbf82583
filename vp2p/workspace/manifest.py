"""manifest.json: what a finished run holds, each file with its checksum; written last."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Mapping

from vp2p.errors import ArtifactError
from vp2p.version import __version__
from vp2p.workspace.atomic import write_json
from vp2p.workspace.layout import MANIFEST
from vp2p.workspace.record import FORMAT, Record, read_manifest
from vp2p.workspace.seal import DamagedError, sealed

# Gives the next step for the user: how to redo the run. Called only where something is wrong.
Hint = Callable[[], str]
# Of each file, by its path in the run folder: ``sha256`` and ``bytes``.
Files = Mapping[str, Mapping[str, Any]]


def write(folder: Path, head: Mapping[str, Any], settings: Mapping[str, Any], artifacts: Files, records: Files) -> None:
    """Write the manifest of the run folder ``folder``, by which the run is finished.

    Args:
        head: as for :func:`vp2p.workspace.run_settings.write`.
        settings: plain values.
        artifacts: the run's results.
        records: what else it was made with: settings.yaml and the log.

    Raises:
        ArtifactError: the disk refuses.
    """
    values = {"format": FORMAT, "name": folder.name, **head, "settings": dict(settings)}
    values |= {"vp2p": __version__, "artifacts": artifacts, "records": records}
    write_json(folder / MANIFEST, sealed(values))


def read(folder: Path, redo: Hint) -> Record:
    """The record in the manifest of the run folder ``folder``, whichever format it was written in.

    Raises:
        ArtifactError: it is missing, damaged, or of a newer format; ``redo`` gives the hint.
    """
    path = folder / MANIFEST
    try:
        return read_manifest(folder)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: the run is not finished.", redo()) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", redo()) from error
    except DamagedError as error:
        if error.newer:
            raise ArtifactError(f"{path}: {error}.", "pip install --upgrade vp2p") from error
        raise ArtifactError(f"{path} is damaged: {error}.", redo()) from error
