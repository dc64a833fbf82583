"""One setting written into a file of settings: a workspace's vp2p.yaml, or the user's own configuration."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from vp2p.atomic import sight
from vp2p.config.placing import placed
from vp2p.errors import UsageError
from vp2p.plain import PlainError, read_user_yaml, read_yaml
from vp2p.schema import Option, from_mapping, options, setting_name, to_mapping
from vp2p.settings import SECTIONS
from vp2p.workspace.atomic import write_text
from vp2p.workspace.lock import run_lock
from vp2p.workspace.yaml_edit import REMOVED, edited

_SECONDS_TO_WAIT = 10.0  # a setting is written in far less
KEYS = tuple(f"{section}.{one.name}" for section, cls in SECTIONS.items() for one in options(cls))


def known_key(key: str) -> str:
    """``key`` as the settings are called: ``tune.steps``. Raises UsageError, which names the nearest."""
    section, dot, name = key.rpartition(".")
    name = section + dot + setting_name(name)
    if name in KEYS:
        return name
    near = difflib.get_close_matches(name, KEYS, n=1)
    ends = [known for known in KEYS if known.partition(".")[2] == name]
    meant = ends or near
    hint = f"did you mean {' or '.join(meant)}?" if meant else "vp2p config   (lists all of them)"
    raise UsageError(f"There is no setting {key!r}.", hint)


def read_value(key: str, text: str, again: str) -> Any:
    """The plain value that ``text`` means for a setting: as in YAML, or words as they are; paths are made absolute.

    Args:
        again: what is typed instead, with ``{}`` for a value that fits.

    Raises:
        UsageError: it fits neither way.
        ModelError: it holds a path that the system does not take.
    """
    section, _, name = key.partition(".")
    refused: list[UsageError] = []
    one = known_option(key)
    for candidate in _meanings(text, many=isinstance(one.default, tuple)):
        try:
            return to_mapping(placed(from_mapping(SECTIONS[section], {name: candidate})))[name]
        except UsageError as error:
            # A text is wrong as it stands, not as what YAML makes of it.
            refused.insert(0 if candidate == text and one.is_text else len(refused), error)
    fits = example(one, text)
    raise refused[0] if fits is None else UsageError(refused[0].cause, again.format(fits))


def known_option(key: str) -> Option:
    """The option that a known key is of."""
    section, _, name = key.partition(".")
    (found,) = (one for one in options(SECTIONS[section]) if one.name == name)
    return found


def example(one: Option, meant: str = "") -> str | None:
    """A value that an option takes, as it is typed, near to what is ``meant``; None where texts have a form."""
    if one.choices:
        return next(iter(difflib.get_close_matches(meant, one.choices, n=1)), str(one.default))
    if one.default not in (None, ()):
        return f"{one.default:g}" if isinstance(one.default, float) else str(one.default).lower()
    return "1" if int in one.kinds else "0.5" if float in one.kinds else None


def change(path: Path, key: str, value: Any) -> None:
    """Writes one setting into the file ``path``, or takes it out by ``REMOVED``; all else stays as written.

    Args:
        path: a valid file of sections; it need not be there.

    Raises:
        UsageError: the value does not go with others in the file, or the change would lose a comment.
        LockedError: another process is writing settings into the file.
        ArtifactError: the disk refuses, or an editor has changed the file meanwhile.
    """
    with run_lock(path, _SECONDS_TO_WAIT):
        _change(path, key, value)


def _change(path: Path, key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    seen = sight(path)
    text = _text(path)
    written = _written(path, text, section)
    name = next((given for given in written if setting_name(given) == name), name)
    if value is REMOVED and name not in written:
        raise UsageError(f"{path} does not set {key}.", f"vp2p config {key}   (says where its value comes from)")
    if value is not REMOVED:
        from_mapping(SECTIONS[section], {**written, name: value})
    new = edited(text, section, name, value)
    if new is None:
        raise UsageError(f"{key} cannot be changed in {path} without losing a part of it.", f"change {key} in it")
    write_text(path, new, seen)


def _text(path: Path) -> str:
    if not path.exists():
        return ""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8.", f"correct {path}") from error


def _written(path: Path, text: str, section: str) -> dict[str, Any]:
    """The settings of a section in the text of a file. Raises UsageError if it is no file of sections."""
    values = read_user_yaml(path, text) or {}
    settings = values.get(section) or {} if isinstance(values, dict) else None
    if not isinstance(settings, dict):
        raise UsageError(f"{path} holds no settings under {section}.", f"correct {path}")
    return settings


def _meanings(text: str, many: bool) -> list[Any]:
    """What a text on a command line may mean, the likeliest first; ``many`` where a list of words is wanted."""
    found: list[Any] = []
    try:
        read = read_yaml(text)
        found.append(text.split() if many and isinstance(read, str) else read)
    except PlainError:
        pass
    try:
        found.append(float(text))  # 1e-4, which YAML takes for text
    except ValueError:
        pass
    return [*found, text, text.split()]
