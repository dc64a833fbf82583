"""vp2p.yaml: what the user gave to ``init``, and may edit by hand."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import UsageError
from vp2p.plain import read_user_yaml
from vp2p.schema import from_mapping, setting_name, to_mapping
from vp2p.settings import ClipSettings, EditSettings, InvertSettings, ModelSettings, TuneSettings
from vp2p.text import shorten
from vp2p.workspace.atomic import write_yaml

FORMAT = 1
NAME = "vp2p.yaml"
_STAGES = {"tune": TuneSettings, "invert": InvertSettings, "edit": EditSettings}
_KEYS = ("format", "prompt", "video", "clip", "model", *_STAGES)


@dataclass(frozen=True)
class WorkspaceConfig:
    """What a workspace is about.

    ``video`` is a path, relative ones from the workspace folder. ``stages`` holds, for ``tune``,
    ``invert`` and ``edit``, only the options the file sets: defaults for this workspace's commands.
    """

    prompt: str
    video: str
    clip: ClipSettings = ClipSettings()
    model: ModelSettings = ModelSettings()
    stages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("prompt", "video"):
            text = getattr(self, name)
            if not text.strip():
                raise UsageError(f"The {name} is empty.", f"give a {name}")
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                raise UsageError(
                    f"The {name} {shorten(text)} is not valid Unicode.", f"give a {name} in UTF-8"
                ) from error
        if "\0" in self.video:
            raise UsageError(
                f"The video path {shorten(self.video)} holds a null character.", "give the path of a video"
            )


def config_values(config: WorkspaceConfig) -> dict[str, Any]:
    """What a vp2p.yaml of ``config`` says, as plain values in their order."""
    values = {"format": FORMAT, "prompt": config.prompt, "video": config.video}
    values |= {"clip": to_mapping(config.clip), "model": to_mapping(config.model)}
    values |= {stage: dict(options) for stage, options in config.stages.items() if options}
    return values


def write_config(path: Path, config: WorkspaceConfig) -> None:
    """Write ``config`` to the file ``path``, whole or not at all. Raises ArtifactError when the disk refuses."""
    write_yaml(path, config_values(config))


def read_config(path: Path) -> WorkspaceConfig:
    """The configuration in the file ``path``.

    Raises:
        UsageError: the file cannot be read, is not YAML (says the line), is of a newer format, or
            has an unknown key or a value of a wrong type. The cause names the file.
    """
    values = _load(path)
    for key in values:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            meant = f"did you mean {near[0]}?" if near else "known: " + ", ".join(_KEYS)
            raise UsageError(f"{path}: there is no key {shorten(key)}.", meant)
    _check_format(path, values.get("format"))
    for key in ("prompt", "video"):
        if not isinstance(values.get(key), str):
            raise UsageError(
                f"{path}: {key} is {shorten(values.get(key))}, but must be text.", f'write {key}: "…" there'
            )
    stages = {}
    for stage, settings in _STAGES.items():
        options = _section(path, values, stage)
        _settings(path, stage, settings, options)
        if options:
            stages[stage] = {setting_name(key): value for key, value in options.items()}
    clip = _settings(path, "clip", ClipSettings, _section(path, values, "clip"))
    model = _settings(path, "model", ModelSettings, _section(path, values, "model"))
    try:
        return WorkspaceConfig(values["prompt"], values["video"], clip, model, stages)
    except UsageError as error:
        raise UsageError(f"{path}: {error.cause}", error.hint) from error


def _load(path: Path) -> Mapping[str, Any]:
    values = read_user_yaml(path)
    if not isinstance(values, dict):
        raise UsageError(f"{path} holds no keys such as prompt and video.", "write key: value lines there")
    return values


def _check_format(path: Path, found: Any) -> None:
    if type(found) is int and found > FORMAT:
        raise UsageError(
            f"{path} has format {found}, but this vp2p reads up to {FORMAT}.", "pip install --upgrade vp2p"
        )
    if type(found) is not int or found != FORMAT:
        raise UsageError(f"{path}: format is {shorten(found)}, but must be {FORMAT}.", f"write format: {FORMAT} there")


def _section(path: Path, values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = values.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        cause = f"{path}: {name} is {shorten(section)}, but must hold settings."
        raise UsageError(cause, f"indent its settings under {name}:")
    return section


def _settings(path: Path, name: str, settings: type, options: Mapping[str, Any]) -> Any:
    try:
        return from_mapping(settings, options)
    except UsageError as error:
        raise UsageError(f"{path}, under {name}: {error.cause}", error.hint) from error
