"""Which run a user means: by name, by tag, or by the start of a name."""

from __future__ import annotations

import difflib
import unicodedata
from typing import Callable, Sequence

from vp2p.errors import UsageError
from vp2p.workspace.runs import RunFolder
from vp2p.workspace.tags import Tag


def find(runs: Sequence[RunFolder], tags: Sequence[Tag], text: str, stage: str | None = None) -> RunFolder:
    """The one of ``runs`` that is called ``text``; else that has this tag; else whose name alone starts so.

    Args:
        runs: of one stage, or of all.
        stage: the stage that they are of; None for all, where the hints name runs as ``stage/name``.

    Raises:
        UsageError: none or several match, or the tag's run is gone; the hint lists what to type.
    """
    text = unicodedata.normalize("NFC", text)
    what = f"{stage} run" if stage else "run"
    called: Callable[[RunFolder], str] = (lambda run: run.name) if stage else (lambda run: run.key)
    tagged = [tag for tag in tags if tag.name == text and stage in (None, tag.stage)]
    tiers = (
        [run for run in runs if run.name == text],
        [run for run in runs if any(tag.means(run) for tag in tagged)],
        [run for run in runs if text and run.name.startswith(text)],
    )
    matching = next((tier for tier in tiers if tier), [])
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UsageError(f"{text!r} fits {len(matching)} {what}s.", "give one of: " + ", ".join(map(called, matching)))
    if tagged:
        gone = tagged[0]
        raise UsageError(
            f"The tag {text} names {gone.stage}/{gone.run}, which is gone.", f"vp2p tag --delete {gone.name}"
        )
    if not runs:
        start = "tune" if stage in (None, "source") else stage
        raise UsageError(f"There is no {what} yet.", f"vp2p {start}")
    known = [run.name for run in runs] + [tag.name for tag in tags if stage in (None, tag.stage)]
    near = difflib.get_close_matches(text, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "known: " + ", ".join([*map(called, runs), *known[len(runs) :]])
    raise UsageError(f"There is no {what} {text!r}.", hint)
