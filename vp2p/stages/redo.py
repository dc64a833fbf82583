"""The command line that makes a run, with the options it was made with: the hint where a run is damaged.

Whoever opens a workspace for a user gives it :func:`redo`: ``Workspace(folder, redo)``.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Mapping, Sequence

from vp2p.errors import Vp2pError
from vp2p.prompts.alternatives import as_typed
from vp2p.prompts.articles import article
from vp2p.schema import before, from_record, options
from vp2p.settings import AttentionSettings, EditSettings, InvertSettings, MaskSettings, TuneSettings
from vp2p.text import command_line, typed
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.record import read_manifest, read_settings

_SETTINGS: Mapping[str, type] = {
    "tune": TuneSettings,
    "attention": AttentionSettings,
    "mask": MaskSettings,
    "invert": InvertSettings,
    "edit": EditSettings,
}
# A model's card may set another default than the settings do.
_BY_MODEL = frozenset({"guidance"})
_PARENT = {"attention": "tune", "invert": "tune", "edit": "invert"}
# Options that are typed as words after the command's name.
_ARGUMENTS = frozenset({"words"})


def redo(run: RunFolder) -> str:
    """What the user types to have a run redone that is there already, or what they do."""
    if run.stage == "source":
        return f"rm -r {typed(str(run.folder))}, then the same command again"
    return f"{run_command(run)} --force"


def run_command(run: RunFolder, instead: Mapping[str, Any] = MappingProxyType({})) -> str:
    """What the user types to have a run made, or gone on with; or the like of it, with some settings ``instead``.

    An option is named where its value is not the default, or vp2p.yaml sets another default; the run
    to go on from, where there are several. Of a run whose records are both damaged no options are known.
    The frames of a source run are read by any later stage.
    """
    if run.stage == "source":
        return "vp2p tune"
    recorded = _recorded(run)
    if run.stage == "full":
        return command_line(["vp2p", "full", recorded["from"]] if "from" in recorded else ["vp2p", "full"])
    words = ["vp2p", run.stage, *_options(run, recorded, instead), *_parent(run, recorded)]
    if recorded.get("compute", {}).get("dtype"):
        words += ["--dtype", recorded["compute"]["dtype"]]
    if recorded.get("format", "mp4") != "mp4":
        words += ["--format", recorded["format"]]
    if run.stage == "edit" and not instead:  # another edit is called otherwise
        words += ["--name", run.name]
    return command_line(words)


def as_options(values: Mapping[str, Any]) -> list[str]:
    """Settings as they are typed behind a command; what is None or an empty list is not."""
    words: list[str] = []
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        if value is None:
            continue
        if name in _ARGUMENTS:
            words += value
        elif value is True:
            words.append(flag)
        elif value is False:
            words += [] if flag.startswith("--no-") else ["--no-" + flag[2:]]
        elif isinstance(value, (list, tuple)):
            words += [word for item in value for word in (flag, as_typed(item) if name == "swap" else item)]
        else:
            words += [flag, str(value)]
    return words


def _recorded(run: RunFolder) -> Mapping[str, Any]:
    """The settings in whichever record of a run can be read, the manifest first."""
    for read in (read_manifest, read_settings):
        try:
            return read(run.folder).settings
        except (OSError, ValueError):
            continue
    return {}


def _options(run: RunFolder, recorded: Mapping[str, Any], instead: Mapping[str, Any]) -> list[str]:
    cls = _SETTINGS[run.stage]
    section = from_record(recorded.get(run.stage, {}))
    if not _articles_fit(section.get("swap", ()), recorded.get("target", "")):
        section |= {"swap": [], "prompt": recorded["target"]}
    values = {**before(cls), **section, **instead} if recorded else {}
    changed = {*_BY_MODEL, *_defaults(run)}
    return as_options(
        {
            one.name: value
            for one in options(cls)
            if (value := values.get(one.name, one.default)) != one.default or one.name in changed
        }
    )


def _articles_fit(swaps: Sequence[str], target: str) -> bool:
    """Whether new words have the articles that they want in the prompt of an edit.

    In edits of older versions, which kept the number of words, no article followed.
    """
    sides = [swap.partition("=")[::2] for swap in swaps]
    if any(len(old.split()) != len(new.split()) for old, new in sides):
        return True
    words = (re.escape(new.strip()) for _, new in sides)
    found = (match for word in words for match in re.finditer(rf"(?<![\w'-])(an?)\s+({word})(?!\w)", target, re.I))
    return all(match[1].lower() == article(match[2]) for match in found)


def _defaults(run: RunFolder) -> Mapping[str, Any]:
    """What the vp2p.yaml above a run sets for its stage; nothing where it is damaged."""
    try:
        return Workspace(run.folder.parent.parent).config.stages.get(run.stage, {})
    except Vp2pError:
        return {}


def _parent(run: RunFolder, recorded: Mapping[str, Any]) -> list[str]:
    runs = run.folder.parent.parent / _PARENT.get(run.stage, "")
    if run.stage not in _PARENT or "from" not in recorded or not runs.is_dir():
        return []
    several = sum(path.is_dir() and not path.name.startswith(".") for path in runs.iterdir()) > 1
    return ["--from", recorded["from"]] if several else []
