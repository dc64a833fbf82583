"""One setting changed in a YAML text of sections; comments, order and all else stay as they are written."""

from __future__ import annotations

from typing import Any

import yaml

# In place of a value: the setting is taken out.
REMOVED = object()


def edited(text: str, section: str, key: str, value: Any) -> str | None:
    """``text`` with ``key`` of ``section`` set to a plain value, or taken out by :data:`REMOVED`.

    None where the text is written in a way that cannot be changed line by line, such as all of it
    in braces. The text must be valid, and hold a mapping of mappings.
    """
    new = _edited(text, section, key, value)
    wanted = yaml.safe_load(text) or {}
    wanted[section] = dict(wanted.get(section) or {})
    wanted[section].pop(key, None)
    if value is not REMOVED:
        wanted[section][key] = value
    try:
        found = yaml.safe_load(new)
        found[section] = found[section] or {}
    except (yaml.YAMLError, TypeError, KeyError):
        return None
    return new if found == wanted else None


def with_text(text: str, key: str, value: str) -> str:
    """``text``, a valid mapping, with another text under one of its keys; written anew where no line allows it."""
    wanted = yaml.safe_load(text) | {key: value}
    _, old = _entry(yaml.compose(text, Loader=yaml.SafeLoader), key)
    new = text[: old.start_mark.index] + _flow(value) + text[old.end_mark.index :]
    try:
        if yaml.safe_load(new) == wanted:
            return new
    except yaml.YAMLError:
        pass
    return yaml.safe_dump(wanted, sort_keys=False)


def _edited(text: str, section: str, key: str, value: Any) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    line = "" if value is REMOVED else f"{_flow(key)}: {_flow(value)}"
    block = _entry(root, section)
    if block is None:
        return f"{_ended(text)}{section}:\n  {line}\n"
    _, settings = block
    entry = _entry(settings, key)
    if entry is not None and value is REMOVED:
        start, end = entry[0].start_mark, _last(entry[1])
        return text[: start.index - start.column] + text[_line_end(text, end.index) :]
    if entry is not None:
        start, end = _start(*entry), _last(entry[1]).index
        return f"{text[:start]}{' ' * text[:start].endswith(':')}{_flow(value)}{text[end:]}"
    if not settings.value:  # nothing, or empty braces
        start, end = _start(*block), settings.end_mark.index
        rest = text[end : _line_end(text, end)].strip()
        return f"{text[:start].rstrip()}{' ' * bool(rest)}{rest}\n  {line}\n{text[_line_end(text, end) :]}"
    first, last = settings.value[0][0].start_mark, _last(settings)
    at = _line_end(text, last.index)
    return f"{_ended(text[:at])}{' ' * first.column}{line}\n{text[at:]}"


def _entry(mapping: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    entries = mapping.value if isinstance(mapping, yaml.MappingNode) else []
    return next(((name, value) for name, value in entries if name.value == key), None)


def _start(key: yaml.Node, value: yaml.Node) -> int:
    """Where the text of a value starts; that of a block starts at its key's colon."""
    in_line = isinstance(value, yaml.ScalarNode) or value.flow_style
    return value.start_mark.index if in_line and value.start_mark.line == key.end_mark.line else key.end_mark.index + 1


def _last(node: yaml.Node) -> yaml.Mark:
    """Where the text of a node ends; a block's own mark lies behind the blank lines and comments after it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last(last[1] if isinstance(last, tuple) else last)
    return node.end_mark


def _line_end(text: str, at: int) -> int:
    """The start of the line after the one that holds ``at``."""
    return text.find("\n", at) + 1 or len(text)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _flow(value: Any) -> str:
    """A value on one line, as it is written anywhere in YAML."""
    return yaml.safe_dump([value], default_flow_style=True, width=float("inf"), allow_unicode=True).strip()[1:-1]
