"""Room for large tensors on the disk."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vp2p.workspace.atomic import writing

if TYPE_CHECKING:
    from torch import Tensor


def on_disk(folder: Path, shape: tuple[int, ...]) -> Tensor:
    """A float32 tensor of a shape in a file without a name, which is gone with it.

    The system may take its memory for something else at any time, so it counts as free.

    Raises:
        ArtifactError: the disk refuses.
    """
    import numpy as np
    import torch

    with writing(folder), tempfile.TemporaryFile(dir=folder) as file:
        size = 4 * math.prod(shape)
        file.truncate(size)
        if hasattr(os, "posix_fallocate"):  # a disk that is full says so now, not when memory is written to
            os.posix_fallocate(file.fileno(), 0, size)
        return torch.from_numpy(np.memmap(file, np.float32, "r+", shape=shape))
