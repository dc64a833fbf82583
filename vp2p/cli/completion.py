"""Completion that looks: at workspaces, runs, words, templates and settings. It never fails or prints.

Nothing here imports torch or a tokenizer: each key press starts a new process.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Iterator

import typer

from vp2p.cli.completing import Completer, looking
from vp2p.workspace import Workspace
from vp2p.workspace.config import NAME as CONFIG
from vp2p.workspace.layout import STAGES

_LEVELS, _MOST_FOLDERS = 3, 2000


def _workspace(ctx: typer.Context) -> Workspace:
    return Workspace.find(explicit=ctx.find_root().params.get("workspace"))


@looking
def workspaces(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Folders that hold a vp2p.yaml, a few levels down from what is typed."""
    start = incomplete[: incomplete.rfind("/") + 1]
    level = [start]
    for _ in range(_LEVELS):
        level = [f"{folder}{name}/" for folder in level for name in _folders(folder)][:_MOST_FOLDERS]
        yield from (folder.rstrip("/") for folder in level if (Path(folder).expanduser() / CONFIG).is_file())


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(Path(path or ".").expanduser()) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []


def runs(stage: str) -> Completer:
    """The runs of a stage, newest first, and their tags."""

    @looking
    def find(ctx: typer.Context, incomplete: str) -> Iterator[str]:
        workspace = _workspace(ctx)
        yield from (run.name for run in reversed(workspace.runs(stage)))
        yield from (tag.name for tag in workspace.tags.all() if tag.stage == stage)

    return find


@looking
def any_run(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The tags, and all runs with their stage, the newest of each first."""
    workspace = _workspace(ctx)
    yield from (tag.name for tag in workspace.tags.all())
    yield from (f"{stage}/{run.name}" for stage in reversed(STAGES) for run in reversed(workspace.runs(stage)))


@looking
def tags(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from (tag.name for tag in _workspace(ctx).tags.all())


@looking
def edit_names(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from (run.name for run in _workspace(ctx).runs("edit"))


@looking
def templates(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The templates' names, and YAML files."""
    from vp2p.config.templates import template_names

    yield from template_names()
    start = incomplete[: incomplete.rfind("/") + 1]
    for path in sorted(Path(start or ".").expanduser().iterdir()):
        if path.suffix in (".yaml", ".yml"):
            yield f"{start}{path.name}"


@looking
def models(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The bundled model, the aliases, folders that hold a model, and safetensors files."""
    from vp2p.models.sources import ALIASES, BUNDLED

    yield from (BUNDLED, *ALIASES)
    yield from _with_part(incomplete, "unet")
    yield from _weight_files(incomplete)


@looking
def model_folders(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from _with_part(incomplete, "unet")


@looking
def loras(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Safetensors files, then a few scales."""
    path, colon, _ = incomplete.rpartition(":")
    if colon and Path(path).expanduser().is_file():
        yield from (f"{path}:{scale}" for scale in ("0.5", "0.8", "1"))
    else:
        yield from _weight_files(incomplete)


@looking
def controls(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``kind=`` for each kind of structure; then folders that hold a network, then a few scales."""
    from vp2p.settings import KINDS

    kind, sign, rest = incomplete.partition("=")
    path, colon, _ = rest.rpartition(":")
    if not sign:
        yield from (f"{one}=" for one in KINDS)
    elif colon and Path(path).expanduser().is_dir():
        yield from (f"{kind}={path}:{scale}" for scale in ("0.5", "0.8", "1"))
    else:
        start = rest[: rest.rfind("/") + 1]
        found = (f"{start}{name}" for name in _folders(start))
        yield from (f"{kind}={one}" for one in found if (Path(one).expanduser() / "config.json").is_file())


@looking
def control_videos(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``kind=`` for each kind that the model's ControlNets need, or for all; then what lies there."""
    from vp2p.settings import KINDS

    kind, sign, rest = incomplete.partition("=")
    if not sign:
        asked = [text.partition("=")[0] for text in ctx.params.get("control") or ()]
        yield from (f"{one}=" for one in asked or KINDS)
    else:
        start = rest[: rest.rfind("/") + 1]
        names = sorted(path.name + "/" * path.is_dir() for path in Path(start or ".").expanduser().iterdir())
        yield from (f"{kind}={start}{name}" for name in names if not name.startswith("."))


@looking
def ip_adapters(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Folders that hold an IP-Adapter, as the hub's or with its file, and safetensors files."""
    start = incomplete[: incomplete.rfind("/") + 1]
    for name in _folders(start):
        folder, weights = Path(start).expanduser() / name, "ip-adapter*.safetensors"
        if any([*folder.glob(weights), *folder.glob(f"*models/{weights}")]):
            yield f"{start}{name}"
    yield from _weight_files(incomplete)


@looking
def references(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Pictures and folders, then a few scales."""
    path, colon, _ = incomplete.rpartition(":")
    if colon and Path(path).expanduser().is_file():
        yield from (f"{path}:{scale}" for scale in ("0.4", "0.6", "1"))
        return
    from vp2p.video.pictures import is_picture

    start = incomplete[: incomplete.rfind("/") + 1]
    yield from (f"{start}{name}" for name in _folders(start))
    for file in sorted(Path(start or ".").expanduser().iterdir()):
        if file.is_file() and is_picture(file):
            yield f"{start}{file.name}"


@looking
def vaes(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Folders that hold a VAE, and safetensors files."""
    yield from _with_part(incomplete, "vae")
    yield from _weight_files(incomplete)


@looking
def variants(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Those of the model that the line names, else the usual ones."""
    folder = Path(str(ctx.params.get("model"))).expanduser()
    marks = [part for file in (folder / "unet").glob("*.safetensors") for part in file.name.split(".")[1:-1]]
    yield from sorted(set(marks)) if folder.is_dir() else ("fp16", "bf16", "ema")


def _with_part(incomplete: str, part: str) -> Iterator[str]:
    """Folders that hold a part of a model, beside what is typed."""
    start = incomplete[: incomplete.rfind("/") + 1]
    for name in _folders(start):
        if (Path(start).expanduser() / name / part).is_dir():
            yield f"{start}{name}"


def _weight_files(incomplete: str) -> Iterator[str]:
    """Safetensors files beside what is typed."""
    start = incomplete[: incomplete.rfind("/") + 1]
    for path in sorted(Path(start or ".").expanduser().glob("*.safetensors")):
        yield f"{start}{path.name}"


@looking
def setting_keys(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    from vp2p.config.change import KEYS

    yield from KEYS


@looking
def setting_values(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """What a setting may be, where that is one of a few words."""
    import typing

    from vp2p.schema import options
    from vp2p.settings import SECTIONS

    section, _, name = str(ctx.params.get("key")).replace("-", "_").partition(".")
    (hint,) = (one.type for one in options(SECTIONS[section]) if one.name == name)
    words = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    yield from ("true", "false") if hint is bool else map(str, words)


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


def _target_words(ctx: typer.Context) -> list[str]:
    """The words that the edit's prompt will have, as far as the line says."""
    prompt = ctx.params.get("prompt")
    if prompt:
        return _words(prompt)
    swaps = [text.partition("=")[::2] for text in ctx.params.get("swap") or ()]
    gone = {old for old, _ in swaps}
    kept = [word for word in _words(_workspace(ctx).config.prompt) if word not in gone]
    return [*(word for _, new in swaps for word in _words(new)), *kept]


@looking
def swaps(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``word=`` for each word of the prompt; then ``word=new`` for words that the model was taught, after a bar too."""
    from vp2p.models.card import local_card

    config = _workspace(ctx).config
    words = [word for word in _words(config.prompt) if f"{word}=".startswith(incomplete) or f"{word}=" in incomplete]
    if len(words) == 1:
        taught = local_card(config.model.model).words
        before = incomplete[: incomplete.rfind("|") + 1] or f"{words[0]}="
        used = {words[0].partition("#")[0], *before.partition("=")[2].split("|")}
        yield from (before + new for new in taught if new not in used)
        if taught:
            return
    yield from (f"{word}=" for word in words)


@looking
def weights(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``word:`` for each word, and then a few weights."""
    # Bash puts answers in without quotes, and would then take > for itself.
    changing = () if os.environ.get("_VP2P_COMPLETE") == "complete_bash" else ("0->3",)
    yield from _with_values(_target_words(ctx), incomplete, ":", ("0.5", "2", "4", *changing))


@looking
def windows(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``word=`` for each word, and then a few shares of the steps."""
    yield from _with_values(_target_words(ctx), incomplete, "=", ("0:0.4", "0:0.8", "0:1"))


@looking
def shares(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from ("0.3", "0.5", "0.7")


def _with_values(words: list[str], incomplete: str, mark: str, values: tuple[str, ...]) -> list[str]:
    """The words alone while several fit, so that a shell does not end the word after the first part."""
    fitting = [word for word in words if f"{word}{mark}".startswith(incomplete) or incomplete.startswith(word + mark)]
    return [f"{word}{mark}{value}" for word in fitting for value in values] if len(fitting) == 1 else fitting


@looking
def grid_axes(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """``setting=`` for each setting of an edit; then what the option of that name would be completed by."""
    from vp2p.schema import options
    from vp2p.settings import EditSettings

    name, sign, value = incomplete.partition("=")
    if not sign:
        yield from (f"{one.name}=" for one in options(EditSettings))
    elif ("Edit", name) in OF_SETTINGS:
        yield from (f"{name}={one}" for one in OF_SETTINGS["Edit", name].__wrapped__(ctx, value))


@looking
def blend_words(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from _target_words(ctx)
    yield from _words(_workspace(ctx).config.prompt)


@looking
def prompt_words(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    yield from _words(_workspace(ctx).config.prompt)


@looking
def finders(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Folders that hold a network by itself, no model to segment with, and the usual hub ids."""
    from vp2p.models.pretrained import DETECTOR, SEGMENTER
    from vp2p.settings import NO_MODEL

    yield from (NO_MODEL, SEGMENTER.example, DETECTOR.example)
    yield from _with_part(incomplete, "model.safetensors")


# By the settings' class and name; options with a few fixed words complete by themselves.
OF_SETTINGS: dict[tuple[str, str], Any] = {
    ("Edit", "swap"): swaps,
    ("Edit", "reweight"): weights,
    ("Edit", "window"): windows,
    ("Edit", "merge_tokens"): shares,
    ("Edit", "blend"): blend_words,
    ("Edit", "mask"): runs("mask"),
    **{(group, "mask_text"): prompt_words for group in ("Edit", "Mask")},
    **{(group, name): finders for group in ("Edit", "Mask") for name in ("segmenter", "detector")},
    ("Model", "model"): models,
    ("Model", "model_config"): model_folders,
    ("Model", "lora"): loras,
    ("Model", "control"): controls,
    ("Clip", "control_video"): control_videos,
    ("Model", "ip_adapter"): ip_adapters,
    ("Edit", "reference"): references,
    ("Model", "vae"): vaes,
    ("Model", "variant"): variants,
}
