"""What the page's controls do: each takes what the browser holds, and gives what is to be shown."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from html import escape as safe
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence
from urllib.parse import quote

from vp2p.errors import UsageError, Vp2pError
from vp2p.ui import jobs, pictures, show, words
from vp2p.ui.making import Wanted, draw, make
from vp2p.ui.marks import clicked_points
from vp2p.ui.report import stamp_of
from vp2p.ui.root import Root
from vp2p.ui.words import Change
from vp2p.upkeep.status import status as read_status
from vp2p.workspace import Workspace
from vp2p.workspace.names import check_edit_name


@dataclass(frozen=True)
class Progress:
    """Where work stands; ``stamp`` changes when all else that is shown has to be read again."""

    status: str = ""
    running: bool = False
    broken_off: bool = False
    stamp: str = ""


@dataclass(frozen=True)
class View:
    """All that is shown of a workspace; ``done`` are the stages that have a finished run."""

    facts: str = ""
    attention: str = ""
    history: str = ""
    compare: str = ""
    done: frozenset[str] = field(default_factory=frozenset)


def _options(given: Mapping[str, Any]) -> list[str]:
    """Options by name; values that are empty keep their default."""
    return [f"--{key}={value}" for key, value in given.items() if value is not None and str(value).strip()]


def told(action: Callable[..., None]) -> Callable[..., str]:
    """An action that gives the message to show: nothing, or what went wrong and what to do."""

    @functools.wraps(action)
    def run(*given: Any) -> str:
        try:
            action(*given)
            return ""
        except Vp2pError as error:
            return show.failure(error)

    return run


class Actions:
    """The actions on the workspaces of one folder. ``name`` is the workspace that is chosen, if any."""

    def __init__(self, root: Root, scratch: Callable[[], Path]) -> None:
        self.root = root
        self._scratch = scratch

    def workspace(self, name: str | None) -> Workspace:
        """The chosen workspace. Raises NoWorkspaceError or UsageError."""
        if not name:
            raise UsageError("There is no workspace yet.", "drop a clip, type the prompt, and press Make workspace")
        return self.root.workspace(name)

    def first(self) -> str | None:
        """The workspace to show first: one where work runs, else the newest."""
        names = self.root.names()
        running = (name for name in names if (now := jobs.news(self.root.workspace(name))) and now.running)
        return next(running, names[0] if names else None)

    def draw(self, prompt: str) -> tuple[str | None, str]:
        """A drawn clip, and the message."""
        try:
            return draw(prompt or "a cat on the grass", self._scratch()), ""
        except Vp2pError as error:
            return None, show.failure(error)

    def make(self, *wanted: Any) -> tuple[str | None, str]:
        """The name of the workspace that was made, and the message."""
        try:
            clip, files, *given = wanted
            if clip and files:
                raise UsageError("There are a video and other files.", "take one of them away")
            return make(self.root, Wanted([clip] if clip else files or [], *(str(one or "") for one in given))), ""
        except Vp2pError as error:
            return None, show.failure(error)

    def progress(self, name: str | None) -> Progress:
        """Where work stands in a workspace."""
        try:
            workspace = self.workspace(name)
            now = jobs.news(workspace)
            running = now is not None and now.running
            elsewhere = [] if running else show.written_elsewhere(workspace)
            stamp = f"{name} {stamp_of(workspace)} {now and (now.job.pid, now.running)} {len(elsewhere)}"
            broken = now is not None and now.broken_off and not elsewhere
            return Progress(show.status(now, elsewhere), running, broken, _digest(stamp))
        except Vp2pError:
            return Progress()

    def view(self, name: str | None) -> View:
        """Everything else that is shown of it."""
        if not name:
            hint = "Drop a clip on the left, type what it shows, and press Make workspace."
            return View(compare=show.note(hint))
        try:
            workspace = self.workspace(name)
            found, now = read_status(workspace), jobs.news(workspace)
            busy = now.job.stage if now is not None and now.running else ""
            return View(
                f'<p class="sentence">{safe(found.prompt)}</p>' + show.note(f"{found.model} · {found.video.name}"),
                show.seen(pictures.attention(workspace)) or "",
                show.runs(workspace),
                _frame(workspace),
                frozenset(run.stage for run in found.runs if run.finished and run.stage != busy),
            )
        except Vp2pError as error:
            return View(compare=show.failure(error))

    def prompt(self, name: str | None) -> str:
        """The workspace's prompt; empty without one."""
        try:
            return self.workspace(name).config.prompt
        except Vp2pError:
            return ""

    def canvas(self, name: str | None) -> str:
        """Frames to paint the mask on; empty without one."""
        try:
            return show.canvas(pictures.frames_to_mark(self.workspace(name)))
        except Vp2pError:
            return ""

    def seen(self, name: str | None, word: str) -> str:
        """Where the model sees a word, if that has been looked at."""
        try:
            return show.seen(pictures.attention(self.workspace(name)), word)
        except Vp2pError:
            return ""

    def start(self, name: str | None, stage: str, given: Mapping[str, Any]) -> None:
        """Starts a stage; values that are empty keep their default. Raises Vp2pError."""
        jobs.start(self.workspace(name), stage, _options(given))

    def edit(self, name: str | None, asked: Asked) -> None:
        """Starts an edit. Raises Vp2pError."""
        workspace = self.workspace(name)
        sentence = asked.prompt.strip() or workspace.config.prompt
        options = words.options(sentence, asked.changes)
        if asked.prompt.strip():
            options.append(f"--prompt={sentence}")
        if not options:
            raise UsageError("Nothing has been changed yet.", "click a word, and type another one or move its weight")
        if wanted := str(asked.more.get("name") or ""):
            check_edit_name(wanted)  # told at once, and not when the command has loaded
        mask = pictures.keep_mask(workspace, asked.mask)
        options += [f"--mask={mask}"] if mask else []
        options += [f"--mask-point={point}" for point in clicked_points(workspace, asked.points)]
        jobs.start(workspace, "edit", options + _options(asked.more))

    def go_on(self, name: str | None) -> None:
        jobs.go_on(self.workspace(name))

    def stop(self, name: str | None) -> None:
        jobs.stop(self.workspace(name))


@dataclass(frozen=True)
class Asked:
    """What an edit asks for: changes of the prompt's words, or of a new ``prompt``'s; a painted mask; more options;
    clicked points."""

    prompt: str
    changes: Mapping[int, Change]
    mask: str
    more: Mapping[str, Any]
    points: str = ""


def changed(changes: Mapping[int, Change], place: Any, new: str, weight: float) -> dict[int, Change]:
    """``changes`` with what is said of the word at a place."""
    rest = {key: value for key, value in changes.items() if key != place}
    return rest if place is None else {**rest, int(place): Change(str(new or ""), float(weight))}


def choices(sentence: str) -> Sequence[tuple[str, int]]:
    """The words of a sentence to choose from, each with its place."""
    return [(word, place) for place, word in enumerate(words.words_of(sentence))]


def _frame(workspace: Workspace) -> str:
    """The report in a frame; its address changes with its content, so that it is read again then."""
    name = quote(workspace.folder.name, safe="")
    finished = [run.key for run in workspace.all_runs() if run.finished]
    address = f"report/{name}?v={_digest(repr((finished, stamp_of(workspace))))}"
    return (
        f'<iframe class="report" title="report" src="{safe(address)}"></iframe>'
        f'<p class="note"><a href="{safe(address)}" target="_blank">Open the report by itself</a></p>'
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
