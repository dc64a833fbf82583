"""What a shell asks when the tab key is pressed, and what it may be told: bash's way of cutting words is undone."""

from __future__ import annotations

import functools
import logging
import os
from typing import Callable, Iterable

import typer

from vp2p.text import visible

Completer = Callable[[typer.Context, str], "list[str]"]

# Where bash cuts the words of a line, besides at spaces; what stands before the last cut of the word that is typed.
_CUTS = "=:"
_before_cut = ""


def mend_bash_words() -> None:
    """Puts together again what bash took apart at ``=`` and ``:``, such as ``--swap cat=dog``.

    Bash puts an answer in place of what follows the last cut alone; the part before it is kept aside.
    """
    global _before_cut
    _before_cut = ""
    words = os.environ.get("COMP_WORDS", "").split("\n")
    last = int(os.environ.get("COMP_CWORD", "0"))
    if os.environ.get("_VP2P_COMPLETE") != "complete_bash" or len(words) <= last:
        return
    mended: list[str] = []
    joins = False
    for word in words[: last + 1]:
        cut = bool(word) and not word.strip(_CUTS)
        if mended[1:] and word and (cut or joins):
            mended[-1] += word
        else:
            mended.append(word)
        joins = cut
    if mended[-1].startswith("--") and "=" in mended[-1]:
        mended[-1:] = mended[-1].split("=", 1)
    # Inside quotes bash cuts nothing.
    at = 0 if mended[-1][:1] in ("'", '"') else max(mended[-1].rfind(sign) for sign in _CUTS) + 1
    _before_cut, mended[-1] = mended[-1][:at], mended[-1][at:]
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(mended), str(len(mended) - 1)


def looking(find: Callable[[typer.Context, str], Iterable[str]]) -> Completer:
    """What of ``find``'s answers begins as the word does, and can be seen; nothing where the looking fails."""

    @functools.wraps(find)
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        typed = _before_cut + incomplete
        logging.disable(logging.CRITICAL)
        try:
            found = [one for one in dict.fromkeys(find(ctx, typed)) if one.startswith(typed) and visible(one) == one]
        except Exception:  # a broken workspace, or a folder that may not be read: the command itself says so
            return []
        finally:
            logging.disable(logging.NOTSET)
        return [one.removeprefix(_before_cut) for one in found]

    return complete
