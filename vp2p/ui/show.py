"""What the page shows, as HTML; whatever users typed is escaped."""

from __future__ import annotations

import re
from html import escape as safe
from typing import Iterator, Sequence

from vp2p.errors import Vp2pError
from vp2p.text import one_line
from vp2p.ui.jobs import News
from vp2p.ui.pictures import Frame, Seen, thumbnail
from vp2p.ui.words import Changes, pieces
from vp2p.upkeep.log import Entry, history
from vp2p.upkeep.telling import age, what
from vp2p.workspace import Workspace

_COMMAND = re.compile(r"vp2p (?:-w \S+ )?(tune|invert|edit)(?: --swap OLD=NEW|(?=[ ,.;]*$))")

_MODES = (("paint", "Paint", " checked"), ("point", "Point", ""), ("beside", "Point beside it", ""))


def failure(error: Vp2pError) -> str:
    """An error: what is wrong, and what to press or type next."""
    return trouble(error.cause, error.hint)


def trouble(cause: str, hint: str) -> str:
    told = safe(one_line(_pressed(hint)))
    return f'<div class="trouble" role="alert"><p>{safe(one_line(cause))}</p><p>{told}</p></div>'


def _pressed(hint: str) -> str:
    """A hint with the button to press in place of the command to type, where there is one."""
    return _COMMAND.sub(lambda match: f"press {match[1].capitalize()}", hint)


def note(text: str) -> str:
    return f'<p class="note">{safe(text)}</p>'


def status(news: News | None, elsewhere: Sequence[Entry] = ()) -> str:
    """Where the newest job stands, or what another process is writing; empty if there is nothing to say."""
    if news is None or not news.running and elsewhere:
        return "".join(note(f"{one.key} is {one.state} {one.told}.") for one in elsewhere)
    stage = news.job.stage
    if news.running:
        return _running(news)
    if news.error and not news.broken_off:
        return trouble(str(news.error.get("cause", "")), str(news.error.get("hint", "")))
    if news.broken_off:
        return note(f"{stage} was broken off. Press Go on: it continues from its last checkpoint.")
    return "".join(_result(stage, dict(result)) for result in news.results)


def _running(news: News) -> str:
    step = news.step
    if step is None:
        return (
            f'<div class="job" role="status"><p><b>{safe(news.job.stage)}</b> starts …</p><progress></progress></div>'
        )
    told = f"{step.done} of {step.total} {step.told}".strip()
    bar = f'<progress max="{step.total}" value="{step.done}">{step.done} of {step.total}</progress>'
    return f'<div class="job" role="status"><p><b>{safe(step.what)}</b> {safe(told)}</p>{bar}</div>'


def _value(value: object) -> str:
    return one_line(", ".join(map(str, value)) if isinstance(value, list) else value)


def _result(stage: str, result: dict[str, object]) -> str:
    facts = result.get("facts")
    listed = facts.items() if isinstance(facts, dict) else ()
    told = "".join(
        f"<li><span>{safe(str(name))}</span> {safe(_value(value))}</li>" for name, value in listed if name != "sheet"
    )
    given = result.get("notes")
    notes = "".join(note(str(one)) for one in given) if isinstance(given, list) else ""
    commands = result.get("next")
    after = _pressed(str(commands[0])) if isinstance(commands, list) and commands else ""
    head = f"{stage} {result.get('run', '')}: {result.get('state', '')}." + (f" Next: {after}." if after else "")
    return f'<div class="job" role="status"><p>✓ {safe(one_line(head))}</p><ul class="facts">{told}</ul>{notes}</div>'


def sentence(text: str, changes: Changes) -> str:
    """The sentence with its changes marked."""
    parts = []
    for old, new, weight in pieces(text, changes):
        parts.append(safe(old) if new == old else f"<del>{safe(old)}</del> <ins>{safe(new)}</ins>")
        if weight != 1.0:
            parts.append(f"<sub>×{weight:g}</sub>")
    return f'<p class="sentence">{"".join(parts)}</p>'


def seen(words: Sequence[Seen], chosen: str | None = None) -> str:
    """Where the model sees each word, or the chosen one alone."""
    shown = [one for one in words if chosen is None or one.word.casefold() == chosen.casefold()]
    return "".join(
        f'<figure><img src="{one.address}" alt="attention of {safe(one.word)}">'
        f"<figcaption><b>{safe(one.word)}</b> {safe(one.note)}</figcaption></figure>"
        for one in shown
    )


def canvas(frames: Sequence[Frame]) -> str:
    """Frames to paint the mask on, or to click points on, one at a time; ``data-mode`` says which, and that counts."""
    modes = "".join(
        f'<label><input type="radio" name="mask-mode" value="{mode}"{checked}>{label}</label>'
        for mode, label, checked in _MODES
    )
    pictures = "".join(
        f'<img src="{frame.address}" data-place="{frame.place}" alt="frame {frame.place + 1}"{" hidden" * (at > 0)}>'
        for at, frame in enumerate(frames)
    )
    chooser = (
        f'<label class="chooser">Frame <output>1</output><input type="range" min="0" max="{len(frames) - 1}" value="0" '
        'aria-label="Frame" data-chooses-frame></label>'
    )
    return (
        f'<div class="modes" role="radiogroup" aria-label="How to mask">{modes}'
        '<button type="button" data-clears-mask>Clear</button></div>'
        f'<div class="paint" data-mode="paint">{pictures}'
        f'<canvas class="mask" width="{frames[0].width}" height="{frames[0].height}" aria-label="mask"></canvas></div>'
        f"{chooser if len(frames) > 1 else ''}"
    )


def runs(workspace: Workspace) -> str:
    """The history: every edit with a small picture, and the runs that it is made from."""
    rows = "".join(_row(workspace, entry, depth) for entry, depth in _each(history(workspace)))
    return f'<ul class="runs">{rows}</ul>' if rows else note("Nothing has been made yet.")


def written_elsewhere(workspace: Workspace) -> list[Entry]:
    """The runs that some process is writing now."""
    return [entry for entry, _ in _each(history(workspace)) if entry.state == "being written"]


def _each(entries: Sequence[Entry], depth: int = 0) -> Iterator[tuple[Entry, int]]:
    for entry in entries:
        yield entry, depth
        yield from _each(entry.made, depth + 1)


def _row(workspace: Workspace, entry: Entry, depth: int) -> str:
    picture = ""
    if entry.stage == "edit" and entry.state == "finished":
        address = thumbnail(workspace.by_name("edit", entry.name))
        picture = f'<img src="{address}" alt="">' if address else ""
    state = "" if entry.state == "finished" else f" <b>{safe(one_line(f'{entry.state} {entry.told}'))}</b>"
    tags = "".join(f" <i>{safe(tag)}</i>" for tag in entry.tags)
    told = safe(one_line(what(entry.settings, entry.stage)))
    head = f"<b>{safe(entry.stage)}</b> {safe(entry.name)}{tags}{state}"
    return (
        f'<li style="--depth:{min(depth, 4)}">{picture}<div><p>{head}</p>'
        f"<p>{told}</p></div><time>{safe(age(entry.created))}</time></li>"
    )
