"""The command line that makes a run again, with the options it was made with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import Vp2pError
from vp2p.schema import before, from_record, options
from vp2p.settings import AttentionSettings, EditSettings, InvertSettings, TuneSettings
from vp2p.text import command_line
from vp2p.workspace import config
from vp2p.workspace.record import read_manifest, read_settings

_SETTINGS: Mapping[str, type] = {
    "tune": TuneSettings,
    "attention": AttentionSettings,
    "invert": InvertSettings,
    "edit": EditSettings,
}
# A model's card may set another default than the settings do.
_BY_MODEL = frozenset({"guidance"})
_PARENT = {"attention": "tune", "invert": "tune", "edit": "invert"}
# Options that are typed as words after the command's name.
_ARGUMENTS = frozenset({"words"})


def rebuild_command(folder: Path, stage: str) -> str:
    """What the user types to have the run folder ``folder`` of ``stage`` made anew.

    An option is named where its value is not the default, or vp2p.yaml sets another default; the run
    to go on from, where there are several. Of a run whose records are both damaged no options are known.
    """
    recorded = _recorded(folder)
    words = ["vp2p", stage, *_options(folder, stage, recorded), *_parent(folder, stage, recorded)]
    if recorded.get("compute", {}).get("dtype"):
        words += ["--dtype", recorded["compute"]["dtype"]]
    if recorded.get("format", "mp4") != "mp4":
        words += ["--format", recorded["format"]]
    if stage == "edit":
        words += ["--name", folder.name]
    return command_line([*words, "--force"])


def _recorded(folder: Path) -> Mapping[str, Any]:
    """The settings in whichever record of a run can be read, the manifest first."""
    for read in (read_manifest, read_settings):
        try:
            return read(folder).settings
        except (OSError, ValueError):
            continue
    return {}


def _options(folder: Path, stage: str, recorded: Mapping[str, Any]) -> list[str]:
    values = {**before(_SETTINGS[stage]), **from_record(recorded.get(stage, {}))} if recorded else {}
    try:
        defaults = config.read_config(folder.parent.parent / config.NAME).stages.get(stage, {})
    except Vp2pError:
        defaults = {}
    words: list[str] = []
    for field in options(_SETTINGS[stage]):
        value = values.get(field.name, field.default)
        known = value == field.default and field.name not in defaults and field.name not in _BY_MODEL
        if value in (None, []) or known:
            continue
        flag = "--" + field.name.replace("_", "-")
        if field.name in _ARGUMENTS:
            words += value
        elif value is True:
            words.append(flag)
        elif value is False:
            words += [] if flag.startswith("--no-") else ["--no-" + flag[2:]]
        elif isinstance(value, (list, tuple)):
            words += [word for item in value for word in (flag, item)]
        else:
            words += [flag, str(value)]
    return words


def _parent(folder: Path, stage: str, recorded: Mapping[str, Any]) -> list[str]:
    runs = folder.parent.parent / _PARENT.get(stage, "")
    if stage not in _PARENT or "from" not in recorded or not runs.is_dir():
        return []
    several = sum(path.is_dir() and not path.name.startswith(".") for path in runs.iterdir()) > 1
    return ["--from", recorded["from"]] if several else []
