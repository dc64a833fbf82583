"""The hub: what its cache holds of a repository, and what is downloaded into it."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from vp2p.errors import ModelError


def snapshot(hub_id: str, patterns: Sequence[str], option: str, download: bool = True) -> Path:
    """The folder in the hub's cache with the files of ``hub_id`` that fit ``patterns``; missing ones are downloaded.

    Args:
        option: the option that named it, for the hints.
        download: whether missing files may be downloaded.

    Raises:
        ModelError: there is no such repository, or the hub cannot be reached.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(patterns), local_files_only=not download))
    except GatedRepoError as error:
        raise ModelError(
            f"The hub gives {hub_id} only to those who accepted its licence.",
            f"accept it at https://huggingface.co/{hub_id}, run hf auth login, then the same command again",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            f"{hub_id} is neither a folder here nor a model on the hub.",
            f"check the spelling, or give {option} a folder",
        ) from error
    except Exception as error:  # the hub client's transport, and so its errors, differs between its versions
        if not download:
            raise ModelError(
                f"The model {hub_id} is not, or not wholly, in the hub's cache; nothing is downloaded here.",
                f"hf download {hub_id}, or give {option} a folder",
            ) from error
        if constants.HF_HUB_OFFLINE:
            raise ModelError(
                f"HF_HUB_OFFLINE forbids downloading {hub_id}, which is not, or not wholly, in the hub's cache.",
                f"unset HF_HUB_OFFLINE, or give {option} a local folder",
            ) from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"The model {hub_id} could not be downloaded: {reason}",
            "check the connection, then the same command again: what is already downloaded is kept",
        ) from error
