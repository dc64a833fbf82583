"""Templates: settings to start a workspace from."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import vp2p
from vp2p.addresses import refuse_address
from vp2p.config.sections import read_sections
from vp2p.config.user import config_folder
from vp2p.errors import UsageError


def template_folders() -> list[Path]:
    """Where templates are looked for: the user's own first, then those of the package."""
    package = Path(vp2p.__file__).parent
    # A wheel carries them inside the package, a checkout beside it.
    return [
        config_folder() / "templates",
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
    return read_sections(_find(name), "template")


def _find(name: str) -> Path:
    refuse_address("--template", name)
    if name.endswith((".yaml", ".yml")):
        return Path(name).expanduser()
    names = template_names()
    if name in names:
        return next(folder / f"{name}.yaml" for folder in template_folders() if (folder / f"{name}.yaml").is_file())
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"templates: {', '.join(names)}"
    raise UsageError(f"There is no template {name!r}.", hint)
