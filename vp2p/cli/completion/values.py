"""Values that depend on nothing: a few words, numbers within limits, a token."""

from __future__ import annotations

import secrets
from typing import Any, Iterator

import typer

from vp2p.cli.completing import Completer, looking
from vp2p.limits import Limits


def fixed(*words: str) -> Completer:
    """These words."""

    @looking
    def find(ctx: typer.Context, incomplete: str) -> tuple[str, ...]:
        return words

    return find


def numbers(limits: Limits, default: Any = None, whole: bool = True) -> Completer:
    """A few numbers to try, the default first."""
    return fixed(*limits.some(default, whole))


@looking
def fresh_token(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """A new one at each press."""
    yield secrets.token_hex(16)
