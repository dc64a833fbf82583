"""Templates: settings to start a workspace from."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import platformdirs
import yaml

import vp2p
from vp2p.errors import UsageError
from vp2p.settings import ClipSettings, EditSettings, InvertSettings, ModelSettings, TuneSettings, from_mapping

_SECTIONS = {
    "clip": ClipSettings,
    "model": ModelSettings,
    "tune": TuneSettings,
    "invert": InvertSettings,
    "edit": EditSettings,
}


def template_folders() -> list[Path]:
    """Where templates are looked for: the user's own first, then those of the package."""
    package = Path(vp2p.__file__).parent
    # A wheel carries them inside the package, a checkout beside it.
    return [
        Path(platformdirs.user_config_dir("vp2p")) / "templates",
        package / "templates",
        package.parent / "templates",
    ]


def template_names() -> list[str]:
    """The names that ``--template`` takes."""
    return sorted({file.stem for folder in template_folders() if folder.is_dir() for file in folder.glob("*.yaml")})


def read_template(name: str | None) -> dict[str, dict[str, Any]]:
    """A template's settings by section; none for no template.

    Args:
        name: a template's name, or the path of a YAML file.

    Raises:
        UsageError: there is no such template, or it is not YAML, or a key or value in it is wrong.
    """
    if name is None:
        return {}
    path = _find(name)
    try:
        values = yaml.safe_load(path.read_bytes()) or {}
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"The template {path} cannot be read: {reason}.", f"correct {path}") from error
    sections = {key: section or {} for key, section in values.items()} if isinstance(values, dict) else None
    if sections is None or not all(isinstance(section, dict) for section in sections.values()):
        raise UsageError(f"The template {path} holds no sections of settings.", f"sections: {', '.join(_SECTIONS)}")
    for key, section in sections.items():
        if key not in _SECTIONS:
            near = difflib.get_close_matches(str(key), _SECTIONS, n=1)
            known = f"did you mean {near[0]}?" if near else f"sections: {', '.join(_SECTIONS)}"
            raise UsageError(f"The template {path} has an unknown section {key!r}.", known)
        try:
            from_mapping(_SECTIONS[key], section)
        except UsageError as error:
            raise UsageError(f"The template {path}, under {key}: {error.cause}", error.hint) from error
    return sections


def _find(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name).expanduser()
    names = template_names()
    if name in names:
        return next(folder / f"{name}.yaml" for folder in template_folders() if (folder / f"{name}.yaml").is_file())
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"templates: {', '.join(names)}"
    raise UsageError(f"There is no template {name!r}.", hint)
