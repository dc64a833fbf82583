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
