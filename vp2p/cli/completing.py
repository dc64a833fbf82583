"""What a shell asks when the tab key is pressed, and what it may be told: its way of cutting words is undone."""

from __future__ import annotations

import functools
import logging
import os
import re
import shlex
from dataclasses import dataclass
from typing import Callable, Iterable

import typer

from vp2p.text import visible

Completer = Callable[[typer.Context, str], "list[str]"]

# Where bash cuts the words of a line, besides at spaces.
_CUTS = "=:@"
# What an answer ends in where more must follow.
_STEMS = ("=", ":", "/")
# What a shell would take for itself, by the quotes that the word stands in.
_SPECIAL = {"": re.compile(r"""[\s'"\\$`!*?\[\](){};&|<>]|^#"""), '"': re.compile(r'["\\$`]'), "'": re.compile("$.")}


@dataclass(frozen=True)
class _Word:
    """The word that is typed, as the shell sees it.

    ``kept`` is its part that the shell leaves as it is, and ``quote`` the one that is open in bash. Fish and zsh quote
    by themselves, and replace all of a word, of which ``option`` is no part of the value.
    """

    kept: str = ""
    quote: str | None = None
    option: str = ""

    def put(self, answer: str) -> str:
        """What to tell the shell."""
        if self.quote is None:
            return self.option + answer
        return _SPECIAL[self.quote].sub(lambda found: "\\" + found[0], answer.removeprefix(self.kept))


_word = _Word()


def mend_words() -> None:
    """Puts together again what bash took apart at ``=``, ``:`` and ``@``, such as ``--swap cat=dog``."""
    global _word
    shell = os.environ.get("_VP2P_COMPLETE", "")
    _word = _Word()
    if shell == "complete_bash":
        _word = _mended_bash()
    elif shell in ("complete_fish", "complete_zsh"):
        found = re.search(r"(?:^|\s)(--[\w-]+=)\S*$", os.environ.get("_TYPER_COMPLETE_ARGS", ""))
        _word = _Word(option=found[1] if found else "")


def _mended_bash() -> _Word:
    """Bash puts an answer in place of what follows the last cut, or the quote that is open."""
    words, last = os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD", "0"))
    if len(words) <= last:
        return _Word(quote="")
    mended: list[str] = []
    joins = False
    kept = ""
    for word in words[: last + 1]:
        cut = bool(word) and not word.strip(_CUTS)
        if mended[1:] and word and (cut or joins):
            kept = mended[-1] + word if cut else mended[-1]
            mended[-1] += word
        else:
            kept = ""
            mended.append(word)
        joins = cut
    if mended[-1].startswith("--") and "=" in mended[-1]:
        option, _, value = mended.pop().partition("=")
        mended += [option, value]
        kept = kept.partition("=")[2]
    kept = kept.removesuffix("@")  # which bash leaves in the part that an answer takes the place of
    mended[-1] = mended[-1][len(kept) :]
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(mended), str(len(mended) - 1)
    return _Word("".join(shlex.split(kept)), _open_quote(mended[-1]))


def _open_quote(word: str) -> str:
    """The quote in which the word ends; an empty one where there is none."""
    quote, escaped = "", False
    for char in word:
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif char == quote:
            quote = ""
        elif char in "'\"" and not quote:
            quote = char
    return quote


class _Put(str):
    """An answer as the shell is told it. It may begin otherwise than the word, with which it is compared already."""

    def startswith(self, *_: object) -> bool:
        return True


def looking(find: Callable[[typer.Context, str], Iterable[str]]) -> Completer:
    """What of ``find``'s answers begins as the word does, and can be seen; nothing where the looking fails.

    A single answer after which more must follow is followed by more, since shells end a word that is complete.
    """

    def fitting(ctx: typer.Context, typed: str) -> list[str]:
        return [one for one in dict.fromkeys(find(ctx, typed)) if one.startswith(typed) and visible(one) == one]

    @functools.wraps(find)
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        typed = _word.kept + incomplete
        logging.disable(logging.CRITICAL)
        try:
            found = fitting(ctx, typed)
            while len(found) == 1 and found[0] != typed and found[0].endswith(_STEMS):
                typed = found[0]
                found = fitting(ctx, typed) or found
        except Exception:  # a broken workspace, or a folder that may not be read: the command itself says so
            return []
        finally:
            logging.disable(logging.NOTSET)
        return [_Put(_word.put(one)) for one in found]

    return complete
