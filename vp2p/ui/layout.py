"""The page: where each control stands, and which action it calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from vp2p.ui import show
from vp2p.ui.actions import Actions, Asked, Progress, changed, choices, told
from vp2p.ui.root import Root
from vp2p.ui.serve import scratch
from vp2p.ui.words import Change, options

_SECONDS = 1.0  # between two looks at running work
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_STAGES = {"tune": "2 Tune", "invert": "3 Invert", "edit": "4 Edit"}
_FONTS, _ACCENT = ["system-ui", "sans-serif"], "#a3206b"
# Puts what is painted, or the points that are clicked, in the places of the first two of an action's values.
_MARKED = """(_, __, ...rest) => {
  const on = document.querySelector("canvas.mask");
  const paints = on?.parentElement.dataset.mode === "paint";
  const points = [...document.querySelectorAll(".paint .point")].map(({ dataset }) => JSON.parse(dataset.point));
  return [paints && on.dataset.painted ? on.toDataURL() : "", paints ? "" : JSON.stringify(points), ...rest];
}"""
_MASKS = (
    "Paint where the edit may act, for all frames. Or choose Point and click on the object in any frame: it is "
    "outlined and followed. A click with Shift marks what is not of it. Empty: attention decides."
)
_FILES = "One file of any kind that vp2p init reads, or several pictures, which are taken by the order of their names."
# What is shown first is what was loaded: until then nothing can be clicked that loading would undo.
_LOADED = """(choice) => {{
  window.vp2pLoaded = (window.vp2pLoaded ?? 0) | {part} | (choice || {part} !== 1 ? 0 : 15);
  document.documentElement.classList.toggle("ready", window.vp2pLoaded === 15);
}}"""
_METHODS = ("direct", "null-text", "ddim", "noise")


def theme() -> Any:
    """Plain, in the system's own fonts."""
    base = gr.themes.Base(primary_hue="pink", neutral_hue="stone", font=_FONTS, font_mono=["ui-monospace", "monospace"])
    return base.set(
        color_accent=_ACCENT, button_primary_background_fill=_ACCENT, button_primary_background_fill_hover=_ACCENT
    )


def css() -> str:
    return Path(__file__).with_name("page.css").read_text("utf-8")


def script() -> str:
    return Path(__file__).with_name("page.js").read_text("utf-8")


def page(root: Root) -> Any:
    """The page of a folder's workspaces, as Gradio's ``Blocks``."""
    with gr.Blocks(title="vp2p", analytics_enabled=False, fill_width=True) as blocks:
        _Page(Actions(root, scratch)).connect(blocks)
    return blocks


class _Page:
    """The controls, made in the order in which they stand."""

    def __init__(self, actions: Actions) -> None:
        self.actions = actions
        self.stamp, self.changes = gr.State(""), gr.State({})
        with gr.Row(equal_height=True):
            gr.HTML('<div class="brand">vp2p<span>edit a video by its words</span></div>', scale=2)
            self.choice = gr.Dropdown(
                actions.root.names(), value=None, label="Workspace", filterable=False, elem_id="workspace", scale=1
            )
        self.message = gr.HTML(elem_id="message")
        with gr.Row():
            self.status = gr.HTML(elem_id="status", scale=1)
            self.stop = gr.Button("Stop", size="md", visible=False, scale=0, min_width=110)
            self.go_on = gr.Button("Go on", size="md", variant="primary", visible=False, scale=0, min_width=110)
        with gr.Row(elem_id="work"):
            with gr.Column(scale=2, min_width=340):
                self._clip()
                self._tune()
                self._invert()
                self._edit()
            with gr.Column(scale=3, min_width=340):
                self._results()
        self.timer = gr.Timer(_SECONDS)

    def _clip(self) -> None:
        root = self.actions.root
        self.clip_section = gr.Accordion("1 Clip", open=True, visible=not root.is_workspace)
        with self.clip_section:
            self.clip = gr.Video(label="Clip", sources=["upload"], height=220, elem_id="clip")
            with gr.Accordion("A GIF, pictures, or another kind of file", open=False):
                gr.HTML(show.note(_FILES))
                self.files = gr.File(label="Files", file_count="multiple", height=120, elem_id="files")
            self.prompt = gr.Textbox(label="Prompt", placeholder="a cat on the grass", info="What the clip shows.")
            self.draw = gr.Button("Draw a clip of this prompt", size="sm")
            with gr.Accordion("Model, frames, name", open=False):
                self.model = gr.Dropdown(root.models(), value="sprites", label="Model", filterable=False)
                self.frames = gr.Textbox("8", label="Frames", info="A number, or all.")
                self.size = gr.Textbox(label="Size", info="Such as 512 or 512x320. Empty: the model's own.")
                self.name = gr.Textbox(label="Name", info="Of the workspace. Empty: the prompt's words.")
            self.make = gr.Button("Make workspace", variant="primary")

    def _tune(self) -> None:
        self.facts = gr.HTML(elem_id="facts")
        self.tune_section = gr.Accordion(_STAGES["tune"], open=False)
        with self.tune_section:
            self.steps = gr.Textbox("auto", label="Steps", info="A number, or auto: as many as help.")
            self.tune = gr.Button("Tune", variant="primary")

    def _invert(self) -> None:
        self.invert_section = gr.Accordion(_STAGES["invert"], open=False)
        with self.invert_section:
            self.method = gr.Dropdown(_METHODS, value="direct", label="Method", filterable=False)
            self.invert_steps = gr.Textbox(label="Steps", info="DDIM steps. Empty: what suits the model.")
            self.invert = gr.Button("Invert", variant="primary")

    def _edit(self) -> None:
        self.edit_section = gr.Accordion(_STAGES["edit"], open=False)
        with self.edit_section:
            self.words = gr.Radio([], label="Click a word", elem_classes="words", elem_id="words")
            self.seen = gr.HTML(elem_id="seen")
            self.new = gr.Textbox(label="Swap it for", placeholder="dog", visible=False, elem_id="new")
            self.weight = gr.Slider(0, 4, 1, step=0.1, label="Weight", visible=False)
            self.target = gr.HTML(elem_id="target")
            with gr.Accordion("Mask", open=False):
                gr.HTML(show.note(_MASKS))
                self.canvas = gr.HTML(elem_id="mask")
                self.mask = gr.Textbox(visible=False)  # what is painted, once Edit is pressed
                self.points = gr.Textbox(visible=False)  # and what is clicked
            with gr.Accordion("Whole new prompt, name, more", open=False):
                self.whole = gr.Textbox(label="New prompt", info="To add or remove words. Swaps are then left out.")
                self.edit_name = gr.Textbox(label="Name", info="Of the edit. Empty: its new words.")
                self.negative = gr.Textbox(label="Negative prompt", info="What the edit should not show.")
                self.freedom = gr.Textbox(label="Shape freedom", info="0 keeps the old shape, 1 lets go of it.")
            self.edit = gr.Button("Edit", variant="primary")

    def _results(self) -> None:
        with gr.Tabs():
            with gr.Tab("Compare"):
                self.compare = gr.HTML(self.actions.view(None).compare, elem_id="compare")
            with gr.Tab("Attention"):
                gr.HTML(show.note("Where the model sees each word, before or after it is tuned."))
                self.attention = gr.Button("Show attention", size="sm")
                self.all_seen = gr.HTML(elem_id="attention")
            with gr.Tab("History"):
                self.history = gr.HTML(elem_id="history")

    def connect(self, blocks: gr.Blocks) -> None:
        """Ties the controls to their actions."""
        actions, message = self.actions, self.message
        progress = [self.status, self.stop, self.go_on]
        fresh = [self.canvas, self.whole, self.clip_section]
        said = [self.words, self.changes, self.seen, self.new, self.weight, self.target]
        loaded = (
            blocks.load(self._first, None, self.choice, **_QUIET),
            self.choice.change(self._look, [self.choice, self.stamp], self._looked(), **_QUIET),
            self.choice.change(self._fresh, self.choice, fresh, **_QUIET),
            self.choice.change(self._say_again, [self.choice, self.whole], said, **_QUIET),
        )
        for part, event in enumerate(loaded):
            event.then(None, self.choice, None, js=_LOADED.format(part=1 << part), **_QUIET)
        # One look whose answer is lost must not end all: others go on.
        self.timer.tick(self._look, [self.choice, self.stamp], self._looked(), trigger_mode="multiple", **_QUIET)
        self.whole.change(self._say_again, [self.choice, self.whole], said, **_QUIET)

        self.draw.click(actions.draw, self.prompt, [self.clip, message], show_progress="minimal", **_private())
        wanted = [self.clip, self.files, self.prompt, self.name, self.model, self.frames, self.size]
        self.make.click(self._make, wanted, [self.choice, message], show_progress="minimal", **_private())
        for button, stage, given in (
            (self.tune, "tune", {"steps": self.steps}),
            (self.attention, "attention", {}),
            (self.invert, "invert", {"method": self.method, "steps": self.invert_steps}),
        ):
            pressed = button.click(self._starter(stage, [*given]), [self.choice, *given.values()], message, **_QUIET)
            pressed.then(self._progress, self.choice, progress, **_QUIET)
        for button, action in ((self.stop, actions.stop), (self.go_on, actions.go_on)):
            button.click(told(action), self.choice, message, **_QUIET).then(
                self._progress, self.choice, progress, **_QUIET
            )
        word = [self.words, self.new, self.weight]
        chosen = [self.seen, self.new, self.weight]
        self.words.input(self._choose, [self.choice, self.whole, self.words, self.changes], chosen, **_QUIET)
        gr.on(
            [self.new.change, self.weight.change],
            self._change,
            [self.choice, self.whole, self.changes, *word],
            [self.changes, self.target],
            trigger_mode="always_last",
            **_QUIET,
        )
        more = [self.edit_name, self.negative, self.freedom]
        asked = [self.mask, self.points, self.choice, self.whole, self.changes, *word, *more]
        pressed = gr.on([self.edit.click, self.new.submit], told(self._edit_now), asked, message, js=_MARKED, **_QUIET)
        pressed.then(self._progress, self.choice, progress, **_QUIET)

    def _looked(self) -> list[Any]:
        sections = [self.tune_section, self.invert_section, self.edit_section]
        parts = [self.facts, self.all_seen, self.history, self.compare, *sections]
        return [self.status, self.stop, self.go_on, self.stamp, *parts]

    def _first(self) -> Any:
        return gr.Dropdown(self.actions.root.names(), value=self.actions.first())

    def _progress(self, name: str | None) -> list[Any]:
        return _shown(self.actions.progress(name))

    def _look(self, name: str | None, stamp: str) -> list[Any]:
        """Where work stands; and all else, where it is no longer what the browser shows."""
        now = self.actions.progress(name)
        if now.stamp == stamp:
            return [*_shown(now), stamp, *[gr.skip()] * (len(self._looked()) - 4)]
        view = self.actions.view(name)
        after = next((stage for stage in ("tune", "invert") if stage not in view.done), "edit")
        sections = [
            gr.Accordion(label=f"{label} ✓" if stage in view.done else label, open=bool(name) and stage == after)
            for stage, label in _STAGES.items()
        ]
        return [*_shown(now), now.stamp, view.facts, view.attention, view.history, view.compare, *sections]

    def _fresh(self, name: str | None) -> list[Any]:
        """Another workspace was chosen: what was painted and typed for the last one goes."""
        return [self.actions.canvas(name), "", gr.Accordion(open=not name)]

    def _say_again(self, name: str | None, whole: str) -> list[Any]:
        sentence = whole.strip() or self.actions.prompt(name)
        hidden = [gr.Textbox(value="", visible=False), gr.Slider(value=1, visible=False)]
        target = show.sentence(sentence, {}) if whole.strip() else ""
        return [gr.Radio(choices(sentence), value=None), {}, "", *hidden, target]

    def _make(self, *wanted: Any) -> list[Any]:
        name, message = self.actions.make(*wanted)
        return [gr.skip() if name is None else gr.Dropdown(self.actions.root.names(), value=name), message]

    def _starter(self, stage: str, keys: list[str]) -> Any:
        def start(name: str | None, *values: Any) -> None:
            self.actions.start(name, stage, dict(zip(keys, values)))

        return told(start)

    def _choose(self, name: str | None, whole: str, place: int, changes: dict[int, Change]) -> list[Any]:
        sentence = whole.strip() or self.actions.prompt(name)
        change = changes.get(place, Change())
        word = dict((at, text) for text, at in choices(sentence)).get(place, "")
        new = gr.Textbox(label=f"Swap “{word}” for", value=change.new, visible=not whole.strip())
        weight = gr.Slider(label=f"Weight of “{change.new or word}”", value=change.weight, visible=True)
        return [self.actions.seen(name, word), new, weight]

    def _change(self, name: str | None, whole: str, changes: dict[int, Change], *word: Any) -> list[Any]:
        changes = changed(changes, *word)
        sentence = whole.strip() or self.actions.prompt(name)
        said = whole.strip() or options(sentence, changes)
        return [changes, show.sentence(sentence, changes) if said else ""]

    def _edit_now(self, mask: str, points: str, name: str | None, whole: str, *rest: Any) -> None:
        changes, place, new, weight, edit_name, negative, freedom = rest
        more = {"name": edit_name, "negative-prompt": negative, "shape-freedom": freedom}
        self.actions.edit(name, Asked(whole, changed(changes, place, new, weight), mask, more, points))


def _shown(now: Progress) -> list[Any]:
    return [now.status, gr.Button(visible=now.running), gr.Button(visible=now.broken_off)]


def _private() -> dict[str, Any]:
    return {"api_visibility": "private"}
