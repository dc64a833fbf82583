"""One setting changed in a YAML text of sections; comments, order and quotes stay as they are written."""

from __future__ import annotations

import copy
import io
import re
from collections import Counter
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import PlainScalarString
from ruamel.yaml.tokens import CommentToken

from vp2p.plain import read_yaml

# In place of a value: the setting is taken out.
REMOVED = object()
_WIDEST = 1 << 30  # no line is broken


def edited(text: str, section: str, key: str, value: Any) -> str | None:
    """``text`` with ``key`` of ``section`` set to a plain value, or taken out by :data:`REMOVED`.

    None where that would lose a comment or change another setting, as where the value comes from a
    merge. The text must hold a mapping of mappings, or nothing.

    Raises:
        PlainError: the text is no YAML, or beyond the bounds of :func:`vp2p.plain.read_yaml`.
    """
    wanted = read_yaml(text) or {}
    wanted[section] = dict(wanted.get(section) or {})
    wanted[section].pop(key, None)
    if value is not REMOVED:
        wanted[section][key] = value
    editor = _Editor(text)
    whole = editor.text().count("#") == text.count("#")
    editor.change(section, key, value)
    new = editor.text()
    found = yaml.safe_load(new)
    found[section] = found.get(section) or {}
    return new if whole and found == wanted and not _comments(text) - _comments(new) else None


def with_text(text: str, key: str, value: str) -> str:
    """``text``, a valid mapping, with another text under one of its keys.

    Raises:
        PlainError: as :func:`edited`.
    """
    read_yaml(text)
    editor = _Editor(text)
    editor.root[key] = _written(value)
    return editor.text()


class _AsWritten(VersionedResolver):
    """Takes every plain scalar for a text, so that it is written as it was: ``~``, ``010``, ``1e-4``, ``yes``."""

    @property
    def versioned_resolver(self) -> dict[str, Any]:
        return {}


class _Editor:
    """A YAML text that was checked before, as ruamel.yaml keeps it."""

    def __init__(self, text: str) -> None:
        self._breaks = "\r\n" if "\r\n" in text else "\n"
        self._before = text.replace("\r\n", "\n")
        self._yaml = _ruamel()
        self._yaml.explicit_start = re.search("^---", self._before, re.MULTILINE) is not None
        root = self._yaml.load(self._before)
        self._of_comments = not isinstance(root, CommentedMap)
        self.root = CommentedMap() if self._of_comments else root
        self._keep_indents()

    def text(self) -> str:
        """All of it, as it is by now."""
        stream = io.StringIO()
        if self._of_comments and self._before.strip():
            stream.write(self._before.rstrip("\n") + "\n")
        if self.root:
            self._yaml.dump(self.root, stream)
        return stream.getvalue().replace("\n", self._breaks)

    def change(self, section: str, key: str, value: Any) -> None:
        """Set a setting, or remove it."""
        settings, key = self._section(section), _written(key)
        names = list(settings)
        if value is REMOVED and key not in names:  # it comes from a merge
            return
        if value is REMOVED:
            comment = _take_comment(settings, key)
            at = names.index(key)
            del settings[key]
            if at:
                _put_comment(*_behind(settings, names[at - 1]), comment)
                return
            if not settings:
                self.root[section] = _EMPTY
                comment = self._take_comment_above(section) + comment
            _put_comment(self.root, section, comment)
            return
        if key in names:
            comment = _take_comment(settings, key)
        else:
            comment = _take_comment(settings, names[-1]) if names else _take_comment(self.root, section, inside=False)
        settings[key] = _written(value)
        _put_comment(*_behind(settings, key), comment)

    def _section(self, name: str) -> CommentedMap:
        """The settings of a section, which no alias shares with another."""
        found = self.root.get(name)
        if not isinstance(found, CommentedMap):
            found = self.root[name] = CommentedMap()
        elif found.anchor.value is not None:
            found = self.root[name] = copy.deepcopy(found)
            found.yaml_set_anchor(None)
        return found

    def _take_comment_above(self, section: str) -> str:
        """Takes the comment lines between the key of a section and its first setting away from there."""
        slots = self.root.ca.items.get(section)
        if slots is None or slots[3] is None:
            return ""
        above, slots[3] = slots[3], None
        return "".join(" " * one.start_mark.column + one.value for one in above)

    def _keep_indents(self) -> None:
        """Indent mappings and lists as the text does, by the first of each that stands in a section."""
        for settings in self.root.values():
            if not isinstance(settings, CommentedMap) or settings.fa.flow_style() or not settings:
                continue
            indent = settings.lc.key(next(iter(settings)))[1]
            self._yaml.map_indent = indent or None
            for name, value in settings.items():
                if isinstance(value, CommentedSeq) and value and not value.fa.flow_style():
                    inner = value.lc.item(0)[1] - settings.lc.key(name)[1]
                    self._yaml.sequence_indent, self._yaml.sequence_dash_offset = inner, max(0, inner - 2)
                    return


def _ruamel() -> YAML:
    reader = YAML()
    reader.Resolver = _AsWritten
    reader.preserve_quotes = True
    reader.width = _WIDEST
    return reader


def _written(value: Any) -> Any:
    """A plain value as YAML writes it on one line, anywhere."""
    flow = yaml.safe_dump([value], default_flow_style=True, width=float("inf"), allow_unicode=True)
    found = _ruamel().load(flow)[0]
    # A plain text would take over the quotes of the value that it replaces.
    return PlainScalarString(found) if type(found) is str else found


_EMPTY = _ruamel().load("empty:")["empty"]


def _behind(holder: Any, key: Any) -> tuple[Any, Any]:
    """Where ruamel.yaml keeps the comments between an entry and the next one: at the innermost entry it ends with."""
    value = holder[key]
    if isinstance(value, (CommentedMap, CommentedSeq)) and value and not value.fa.flow_style():
        return _behind(value, list(value)[-1] if isinstance(value, CommentedMap) else len(value) - 1)
    return holder, key


def _take_comment(holder: Any, key: Any, inside: bool = True) -> str:
    """Takes the comment lines below an entry away from it; what stands on its own line stays."""
    holder, key = _behind(holder, key) if inside else (holder, key)
    slots, at = holder.ca.items.get(key), _slot(holder)
    if slots is None or slots[at] is None:
        return ""
    own, _, below = slots[at].value.partition("\n")
    slots[at] = CommentToken(own + "\n", slots[at].start_mark, None) if own else None
    if not any(slots):
        del holder.ca.items[key]
    return str(below)


def _put_comment(holder: Any, key: Any, below: str) -> None:
    """Puts comment lines below an entry, or below the key of a section."""
    if below:
        slots, at = holder.ca.items.setdefault(key, [None] * 4), _slot(holder)
        own, mark = (slots[at].value, slots[at].start_mark) if slots[at] else ("\n", CommentMark(0))
        slots[at] = CommentToken(own + below, mark, None)


def _slot(holder: Any) -> int:
    return 2 if isinstance(holder, CommentedMap) else 0


def _comments(text: str) -> Counter[str]:
    """The lines that are comments alone."""
    return Counter(line.strip() for line in text.splitlines() if line.lstrip().startswith("#"))
