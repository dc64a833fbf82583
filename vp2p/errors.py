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
import os
import re

_EXISTS = os.strerror(errno.EEXIST)
_SPACE, _FILES, _THERE = "free some space", "raise the limit (ulimit -n 4096)", "see that the disk is there"
_PERMISSION = ("permission denied", "give yourself write permission there")
_REFUSALS = {
    errno.ENOSPC: ("the disk is full", _SPACE),
    errno.EDQUOT: ("your disk quota is used up", _SPACE),
    errno.EFBIG: ("the file would exceed the size limit", "raise the file size limit (ulimit -f)"),
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: ("the file system is read-only", "make it writable or move the workspace"),
    errno.EIO: ("the disk reports an input/output error", "check the disk or move the workspace"),
    errno.EMFILE: ("too many open files", _FILES),
    errno.ENFILE: ("too many open files on this machine", "close some programs"),
    errno.EINTR: ("the call was interrupted", "wait a moment"),
    errno.ESTALE: ("the server no longer knows the file", _THERE),
    errno.ENOTCONN: ("the file system is not connected", _THERE),
    errno.ENODEV: ("there is no such device", _THERE),
    errno.ENXIO: ("there is no such device", _THERE),
    errno.ETIMEDOUT: ("the file system does not answer", _THERE),
    errno.EBUSY: ("it is in use", "close what uses it"),
    errno.ETXTBSY: ("it is in use", "close what uses it"),
    errno.ELOOP: ("its links lead in a circle", "remove one of the links"),
    errno.ENAMETOOLONG: ("the name is too long", "give a shorter name"),
    errno.EMLINK: ("the folder holds too many links", "give another folder"),
}

# What torch and the libraries below it say on a CPU, where they have no type of error for it.
_NO_MEMORY = ("can't allocate memory", "Cannot allocate memory", "could not create a primitive")

_SAID = (errno.EMFILE, errno.ENFILE, errno.EINTR, errno.ENOSPC, errno.EIO, errno.ESTALE, errno.EDQUOT)


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


def disk_refusal(error: OSError) -> tuple[str, str] | None:
    """Why the system refused a file or folder, and what to do about it, before the same command again.

    None where neither the disk nor the system's limits are at fault, as of a file that is not there.
    """
    if error.errno == errno.EEXIST and error.filename is not None and error.strerror not in (None, _EXISTS):
        return error.strerror, "look at it, or give another name"
    return _REFUSALS.get(error.errno or 0)


_REFUSED = "The system refused a call"


def failed_call(error: BaseException) -> Vp2pError | None:
    """What to tell of an error of the system that nobody foresaw; None if ``error`` comes of no such error.

    Libraries put errors of their own in their place: what they were raised for, or say, is looked at, too.
    """
    cause: BaseException | None = error
    while cause is not None:
        number = cause.errno if isinstance(cause, OSError) else _said(cause)
        # What is behind another error may have been dealt with, unless the disk or the system gave up.
        if number and (cause is error or number in _REFUSALS):
            path = getattr(cause, "filename", None)
            what = f"{os.fsdecode(path)} cannot be used" if isinstance(path, (str, bytes)) and path else _REFUSED
            strerror = getattr(cause, "strerror", None) or os.strerror(number)
            reason, mend = _REFUSALS.get(number, (strerror[:1].lower() + strerror[1:], "see that it can be used"))
            return ArtifactError(f"{what}: {reason}.", f"{mend}, then the same command again")
        cause = cause.__cause__ or cause.__context__
    return None


def _said(error: BaseException) -> int | None:
    """The number of a system's error in the words of a library's, which has no type for it."""
    text = str(error)
    found = re.search(r"\(os error (\d+)\)|\[Errno (\d+)\]", text)
    number = int(found[1] or found[2]) if found else 0
    return number if number in _REFUSALS else next((one for one in _SAID if os.strerror(one) in text), None)


class WindowsWarning(UserWarning):
    """A clip is so long that it is worked on in windows. The command line shows it as a note."""


class SlowWarning(UserWarning):
    """Something works, but is much slower here than another way. The command line shows it as a note."""
