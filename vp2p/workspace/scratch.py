"""Scratch folders in a workspace's ``.tmp``: nothing that a crash leaves there matters."""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from vp2p.errors import LockedError
from vp2p.workspace.atomic import writing
from vp2p.workspace.lock import run_lock


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """An empty folder in ``root`` that is gone when the block ends.

    What dead processes left in ``root`` is removed first; folders of living ones are locked, and stay.

    Raises:
        ArtifactError: the disk refuses.
    """
    _sweep(root)
    folder = root / secrets.token_hex(6)
    with run_lock(folder):
        with writing(folder):
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(root: Path) -> None:
    if not root.is_dir():
        return
    names = {path.name.removeprefix(".").removesuffix(".lock") for path in root.iterdir()}
    for name in names:
        folder = root / name
        try:
            # A lock whose holder died is freed, and its file goes when this block ends.
            with run_lock(folder):
                if folder.is_dir():
                    shutil.rmtree(folder, ignore_errors=True)
                else:
                    folder.unlink(missing_ok=True)
        except LockedError:
            continue
