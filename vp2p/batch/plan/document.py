"""A YAML file as plain values, with the line of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from vp2p.batch.plan.diagnostics import Diagnostics
from vp2p.errors import UsageError
from vp2p.text import quoted

_MAX_BYTES = 1 << 20
# A few bytes of aliases can stand for more values than fit in any memory.
_MAX_VALUES = 50_000
_MAX_DEPTH = 16
_MAX_INTEGER = 1 << 63
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
# What the YAML reader's own conversions raise for text that does not fit its tag.
_UNFIT = (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

At = tuple[Any, ...]


@dataclass
class Document:
    """``root`` is built of dicts, lists and scalars; places in it are tuples of keys and indices."""

    path: Path
    root: Any = None
    lines: dict[At, int] = field(default_factory=dict)

    def line(self, at: At) -> int:
        """The line, counted from 1, of a place, or of the nearest thing that holds it."""
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)


def read_document(path: Path, diagnostics: Diagnostics) -> Document:
    """The YAML file ``path``; keys that stand twice and values that cannot be read are mistakes.

    Raises:
        UsageError: the file cannot be read.
        PlanError: it is not YAML, too long, too deep, or too large once its aliases are followed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        cause = f"The plan {quoted(str(path))} cannot be read: {error.strerror}."
        raise UsageError(cause, "vp2p batch PLAN.yaml") from error
    document = Document(path)
    if len(data) > _MAX_BYTES:
        diagnostics.add(1, f"The plan has {len(data)} bytes, more than {_MAX_BYTES}.", "split it into several plans")
        diagnostics.check()
    try:
        node = yaml.compose(data, Loader=yaml.SafeLoader)
        if node is not None:
            document.root = _Builder(document, diagnostics).value(node, ())
    except RecursionError:
        diagnostics.add(1, "The plan is nested too deeply.", "write it with fewer levels")
        diagnostics.check()
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        where = f" (column {mark.column + 1})" if mark else ""
        diagnostics.add(mark.line + 1 if mark else 1, f"This is not valid YAML: {problem}{where}.", "correct the line")
        diagnostics.check()
    return document


class _Builder:
    """Turns a tree of YAML nodes into values, as the safe loader would, and notes their lines."""

    def __init__(self, document: Document, diagnostics: Diagnostics) -> None:
        self._document = document
        self._diagnostics = diagnostics
        self._scalars = SafeConstructor()
        self._count = 0

    def value(self, node: yaml.Node, at: At) -> Any:
        line = node.start_mark.line + 1
        self._document.lines.setdefault(at, line)
        self._count += 1
        if self._count > _MAX_VALUES or len(at) > _MAX_DEPTH:
            what = "nested too deeply" if len(at) > _MAX_DEPTH else f"larger than {_MAX_VALUES} values"
            self._diagnostics.add(line, f"The plan is {what}.", "use fewer aliases (*name), or split the plan")
            self._diagnostics.check()
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if node.tag not in _COLLECTIONS:
            self._diagnostics.add(line, f"A plan has no values of the kind {node.tag}.", "leave out what starts with !")
            return None
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*at, index)) for index, child in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)  # the only other kind
        return self._mapping(node, at)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        line = node.start_mark.line + 1
        try:
            value = self._scalars.construct_object(node, deep=True)
        except _UNFIT:
            hint = 'put it in quotes, "…", to have it taken as text'
            self._diagnostics.add(line, f"{node.value[:40]!r} cannot be read as {node.tag.rpartition(':')[2]}.", hint)
            return None
        if isinstance(value, int) and abs(value) >= _MAX_INTEGER:
            self._diagnostics.add(line, f"The number {node.value[:20]}… is too large.", "write a smaller number")
            return None
        return value

    def _mapping(self, node: yaml.MappingNode, at: At) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                self._diagnostics.add(line, "A key must be plain text.", "write key: value")
                continue
            key = self._scalar(key_node)
            place = (*at, key)
            if key in found:
                first = self._document.lines[place]
                self._diagnostics.add(
                    line, f"The key {key!r} is there twice.", f"keep one of it and that of line {first}"
                )
                continue
            self._document.lines[place] = line
            found[key] = self.value(value_node, place)
        return found
