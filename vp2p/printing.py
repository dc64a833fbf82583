"""The one door through which this program prints: whatever a user's text holds, it is shown and does nothing.

Text comes in as plain values, with styles beside them, never inside; what a stream cannot encode has a
stand-in. A reader that has gone ends nothing; a full disk is an error that :func:`opened` tells at the end.
"""

from __future__ import annotations

import codecs
import errno
import logging
import os
import re
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from vp2p.text import visible

Piece = str | tuple[str, str]
"""A text, or a text and its style, such as ``("note:", "yellow")``."""

_UNBOUNDED = 10_000  # columns
_HANDLER = "vp2p.stand_in"
# What the program's own marks become where a terminal or a pipe does not know them.
_STAND_INS = {
    **{"✓": "+", "✗": "x", "–": "-", "—": "-", "…": "...", "·": "|", "→": "->", "↑": "^", "↓": "v", "×": "x"},
    **{"“": '"', "”": '"', "‘": "'", "’": "'"},
}


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    told = [_STAND_INS.get(char, char) for char in error.object[error.start : error.end]]
    return "".join(told).encode("ascii", "backslashreplace").decode("ascii"), error.end


codecs.register_error(_HANDLER, _stand_in)


class _Guarded:
    """A stream whose failure is kept instead of raised; after one, what is written is dropped."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.failure: OSError | None = None
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors=_HANDLER)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> _Guarded:
        self.flush()
        inner = _Guarded(self._stream.buffer)
        inner._fail = self._fail  # type: ignore[method-assign]
        return inner

    def write(self, what: Any) -> int:
        self._try(lambda: self._stream.write(what))
        return len(what)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, work: Callable[[], Any]) -> None:
        if self.failure is not None:
            return
        try:
            work()
        except OSError as error:
            self._fail(error)
        except ValueError as error:  # it is closed
            if isinstance(error, UnicodeError):
                raise
            self._fail(OSError(errno.EPIPE, "closed"))

    def _fail(self, error: OSError) -> None:
        self.failure = error
        # What is still held back goes nowhere, or Python tells of it once more when it ends.
        with suppress(OSError, ValueError, AttributeError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())


@contextmanager
def opened() -> Iterator[Callable[[int], int]]:
    """Guards both streams. What it gives turns a command's exit code into the one to end with.

    That is 1 in place of 0 where the result could not be printed, other than for a reader that has gone.
    """
    _open_closed()
    for name in ("COLUMNS", "LINES"):  # a width that is none would break off every table
        if not re.fullmatch(r"[1-9][0-9]{0,3}", os.environ.get(name, "1"), re.ASCII):
            del os.environ[name]
    before = sys.stdout, sys.stderr
    out, err = (_Guarded(stream if stream is not None else open(os.devnull, "w")) for stream in before)

    def ended(code: int) -> int:
        sys.stdout.flush()
        out.flush()
        if out.failure is not None and out.failure.errno != errno.EPIPE:
            say(("error:", "red"), f" The result could not be printed: {out.failure.strerror}.")
            say(("hint:", "cyan"), " write it to another place, or free some space; then give the same command again")
            code = code or 1
        err.flush()
        return code

    sys.stdout, sys.stderr = out, err
    try:
        yield ended
    finally:
        sys.stdout, sys.stderr = before


def _open_closed() -> None:
    """Opens those of the three standard handles that are closed, so that no file takes their place."""
    for handle in range(3):
        try:
            os.fstat(handle)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != handle:
                os.dup2(nowhere, handle)
                os.close(nowhere)
            os.set_inheritable(handle, True)


def text(*pieces: Piece, stream: Any = None) -> Text:
    """Pieces as they are shown on ``stream``, by default standard output; for cells of tables, too."""
    stream = stream or sys.stdout
    made = Text()
    for piece in pieces:
        words, style = (piece, "") if isinstance(piece, str) else piece
        made.append(_encodable(visible(words, keep="\n"), stream), style)
    return made


def people(quiet: bool = False) -> Console:
    """Where messages to people go."""
    return Console(stderr=True, quiet=quiet, highlight=False, markup=False, emoji=False, soft_wrap=True)


def screen() -> Console:
    """Standard output for tables and pictures: as wide as the terminal, and elsewhere as wide as they are."""
    return Console(highlight=False, markup=False, emoji=False, width=None if is_terminal() else _UNBOUNDED)


def say(*pieces: Piece, console: Console | None = None) -> None:
    """A line for people, on standard error."""
    try:
        (console or people()).print(text(*pieces, stream=sys.stderr))
    except MemoryError:  # there may be too little left for colours
        print(*(piece if isinstance(piece, str) else piece[0] for piece in pieces), sep="", file=sys.stderr)


def show(what: RenderableType, end: str = "\n") -> None:
    """A table, a tree or a picture of coloured blocks, on standard output."""
    screen().print(what, end=end)


def line(words: str, stream: Any = None) -> None:
    """A plain line for other programs, on standard output."""
    stream = stream or sys.stdout
    stream.write(_encodable(visible(words, keep="\t"), stream) + "\n")
    stream.flush()


def place(path: Path, stream: Any = None) -> None:
    """A path on a line of its own: on a terminal it is shown safely, elsewhere it is the file name's very bytes."""
    stream = stream or sys.stdout
    if stream.isatty() or not hasattr(stream, "buffer"):
        return line(str(path), stream)
    try:
        stream.flush()
        stream.buffer.write(os.fsencode(path) + b"\n")
    except AttributeError:  # a stream of text alone
        stream.write(f"{path}\n")
    stream.flush()


def raw(sequence: str) -> None:
    """What a terminal is to act on, such as a picture; never anything of a user's."""
    sys.stdout.write(sequence)
    sys.stdout.flush()


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def knows(char: str) -> bool:
    """Whether standard output can encode a character."""
    return _encodable(char, sys.stdout) == char


class LogLines(logging.Handler):
    """Log records as lines for people."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            say(self.format(record))
        except Exception:
            self.handleError(record)


def _encodable(words: str, stream: Any) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with suppress(LookupError):
        return words.encode(encoding, _HANDLER).decode(encoding)
    return words
