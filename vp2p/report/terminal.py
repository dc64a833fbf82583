"""Pictures in a terminal: by kitty's or iTerm2's protocol, or as coloured half blocks anywhere else."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Literal, Mapping, Sequence

import numpy as np
from PIL import Image

from vp2p.text import visible

if TYPE_CHECKING:
    from rich.text import Text

Protocol = Literal["kitty", "iterm2", "blocks"]

_CHUNK = 4096  # bytes that kitty takes at a time
_CELL = 9  # pixels, about the width of a character
_LEAST_COLUMNS = 24  # of a frame in half blocks, below which little can be seen
_GAP = 2
_HALF = "\u2580"  # the upper half block


def protocol(environment: Mapping[str, str]) -> Protocol:
    """What the terminal of these environment variables shows pictures by.

    Inside tmux and screen the outer terminal's protocols do not pass, so half blocks are taken.
    """
    if environment.get("TMUX") or environment.get("TERM", "").startswith(("screen", "tmux")):
        return "blocks"
    program = environment.get("TERM_PROGRAM", "")
    if environment.get("KITTY_WINDOW_ID") or "kitty" in environment.get("TERM", "") or program == "ghostty":
        return "kitty"
    if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return "blocks"


def inline(png: bytes, width: int, columns: int, by: Protocol) -> str:
    """The control sequences that show a PNG of ``width`` pixels, at most ``columns`` characters wide."""
    cells = max(1, min(columns, width // _CELL))
    data = base64.b64encode(png).decode("ascii")
    if by == "iterm2":
        return f"\x1b]1337;File=inline=1;size={len(png)};width={cells};preserveAspectRatio=1:{data}\a\n"
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    parts = []
    for number, chunk in enumerate(chunks):
        head = f"a=T,f=100,q=2,c={cells}," if number == 0 else ""
        parts.append(f"\x1b_G{head}m={int(number + 1 < len(chunks))};{chunk}\x1b\\")
    return "".join(parts) + "\n"


def half_blocks(rows: Sequence[tuple[str, np.ndarray]], columns: int) -> Text:
    """Rows of frames, uint8 RGB (F, H, W, 3), under their labels, two pixels a character.

    Frames are spread evenly over each row, as many as fit ``columns`` at a width that shows something.
    """
    from rich.text import Text

    text = Text()
    for label, frames in rows:
        count = max(1, min(len(frames), (columns + _GAP) // (_LEAST_COLUMNS + _GAP)))
        chosen = frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]
        width = min((columns + _GAP) // count - _GAP, frames.shape[2], 2 * _LEAST_COLUMNS)
        text.append(f"{visible(label)}\n")
        _append(text, [_shrunk(frame, width) for frame in chosen])
    return text


def _shrunk(frame: np.ndarray, width: int) -> np.ndarray:
    """The frame ``width`` pixels wide and an even number high."""
    height = max(2, 2 * round(frame.shape[0] * width / frame.shape[1] / 2))
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BOX))


def _append(text: Text, frames: list[np.ndarray]) -> None:
    for y in range(0, len(frames[0]), 2):
        for number, frame in enumerate(frames):
            text.append(" " * _GAP if number else "")
            for upper, lower in zip(frame[y], frame[y + 1]):
                text.append(_HALF, style=f"rgb({','.join(map(str, upper))}) on rgb({','.join(map(str, lower))})")
        text.append("\n")
