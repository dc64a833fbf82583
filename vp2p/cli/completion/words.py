"""The words of the prompt, and what options say of them."""

from __future__ import annotations

from typing import Iterable, Iterator

import typer

from vp2p.cli.completing import Completer, looking
from vp2p.cli.completion.workspace import workspace

_WEIGHTS, _WINDOWS = ("0.5", "2", "4", "0->3"), ("0:0.4", "0:0.8", "0:1")
_PLACES = ("50%,50%", "25%,50%", "75%,50%", "50%,25%", "50%,75%")
_MOST_FRAMES = 100


def _words(prompt: str) -> list[str]:
    """The words of a prompt as options name them; those that stand more than once with their number."""
    from vp2p.prompts.words import word_spans

    texts = [prompt[start:end].lower() for start, end in word_spans(prompt)]
    seen: dict[str, int] = {}
    named = []
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
        named.append(f"{text}#{seen[text]}" if texts.count(text) > 1 else text)
    return named


def _swaps(ctx: typer.Context) -> list[tuple[str, str]]:
    """The words that the line swaps, with what comes in their place."""
    return [(old, new) for old, _, new in (text.partition("=") for text in ctx.params.get("swap") or ())]


def _target_words(ctx: typer.Context) -> list[str]:
    """The words that the edit's prompt will have, as far as the line says."""
    prompt = ctx.params.get("prompt")
    if prompt:
        return _words(prompt)
    swaps = _swaps(ctx)
    gone = {old for old, _ in swaps}
    kept = [word for word in _words(workspace(ctx).config.prompt) if word not in gone]
    return [*(word for _, new in swaps for word in _words(new)), *kept]


@looking
def sentences(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The prompt, to be changed."""
    yield workspace(ctx).config.prompt


@looking
def scenes(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Sentences that can be drawn; the place once one object fits."""
    from vp2p.sprites.language import OBJECTS, PLACES, caption

    found = [obj for obj in OBJECTS if caption(obj, PLACES[0]).startswith(incomplete)]
    places = PLACES if len(found) < 2 else PLACES[:1]
    objects = [obj for obj in OBJECTS if any(caption(obj, place).startswith(incomplete) for place in places)]
    yield from (caption(obj, place) for obj in objects for place in places)


@looking
def prompt_words(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """A word, or one more after those that are typed."""
    before = incomplete[: incomplete.rfind(" ") + 1]
    yield from (before + word for word in _words(workspace(ctx).config.prompt))


@looking
def blend_words(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from _target_words(ctx)
    yield from _words(workspace(ctx).config.prompt)


@looking
def old_words(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The words that the line swaps, then all of the prompt."""
    yield from (old for old, _ in _swaps(ctx))
    yield from _words(workspace(ctx).config.prompt)


@looking
def swaps(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``word=`` for each word of the prompt; then ``word=new`` for words that the model was taught, after a bar too."""
    from vp2p.models.card import local_card

    config = workspace(ctx).config
    old, sign, _ = incomplete.partition("=")
    if not sign:
        yield from (f"{word}=" for word in _words(config.prompt))
        return
    before = incomplete[: incomplete.rfind("|") + 1] or f"{old}="
    used = {old.partition("#")[0], *before.partition("=")[2].split("|")}
    taught = local_card(config.model.model).words if old in _words(config.prompt) else ()
    yield from (before + new for new in taught if new not in used)


def _valued(mark: str, values: Iterable[str]) -> Completer:
    """``word`` and the mark for each word that the edit will have; then a few values."""

    @looking
    def find(ctx: typer.Context, incomplete: str) -> Iterator[str]:
        word, sign, _ = incomplete.partition(mark)
        if not sign:
            yield from (f"{one}{mark}" for one in _target_words(ctx))
        elif word in _target_words(ctx):
            yield from (f"{word}{mark}{value}" for value in values)

    return find


weights = _valued(":", _WEIGHTS)
windows = _valued("=", _WINDOWS)


@looking
def points(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The middle, and beside it; after an @ the frames of the clip."""
    place, sign, _ = incomplete.partition("@")
    if not sign:
        yield from _PLACES
        return
    count = workspace(ctx).config.clip.frames
    most = min(count, _MOST_FRAMES) if isinstance(count, int) else _MOST_FRAMES
    yield from (f"{place}@{frame}" for frame in range(1, most + 1))
