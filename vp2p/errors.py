"""Every error a user can cause.

    Vp2pError              exit 1   something failed; the cause says what
    ├── UsageError         exit 2   the command line or a setting is wrong
    │   └── PromptError    exit 2   a word, swap, weight or prompt is wrong
    ├── VideoError         exit 1   a clip cannot be read or written
    ├── ModelError         exit 1   a model folder or hub id cannot be used
    ├── ArtifactError      exit 1   a stored result is missing or damaged
    ├── NoWorkspaceError   exit 10  no vp2p.yaml here or above
    └── LockedError        exit 11  another process is writing this run

The command line prints ``cause`` and, after ``hint:``, the next command to type.
"""

from __future__ import annotations

import errno

# What torch and the libraries below it say on a CPU, where they have no type of error for it.
_NO_MEMORY = ("can't allocate memory", "Cannot allocate memory", "could not create a primitive")


class Vp2pError(Exception):
    """A failure that the user can act on.

    Args:
        cause: one sentence that says what is wrong, without a final line break.
        hint: what to type next; shown on its own line.
    """

    exit_code = 1

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.hint = hint


class UsageError(Vp2pError):
    exit_code = 2


class PromptError(UsageError):
    pass


class VideoError(Vp2pError):
    pass


class ModelError(Vp2pError):
    pass


class ArtifactError(Vp2pError):
    pass


class NoWorkspaceError(Vp2pError):
    exit_code = 10


class LockedError(Vp2pError):
    exit_code = 11


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python or of a library means that there is not enough memory, on a CPU or a GPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno in (errno.ENOMEM, errno.EAGAIN)  # the second where there is none for another thread
    return any(words in str(error) for words in _NO_MEMORY)
