"""Records as a stranger may write them: each value in turn by one that nobody expects, and families that cannot be."""

from __future__ import annotations

import copy
import json
from functools import partial
from typing import Any, Callable, Iterator

import yaml

from tests.crash.nasty import VALUES
from tests.crash.seals import Files

_OUTSIDE = {"invert": "/etc", "source": ".."}
Rewrite = tuple[str, Callable[[Files], Files]]
_GONE = object()  # in place of a value that is left out
_ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{','.join([f'*{chr(97 + at)}'] * 9)}]\n" for at in range(9)
)
_NOT_RECORDS = {
    "empty": b"",
    "a list": b"[]",
    "a text": b'"x"',
    "no text": b"\x80\xff\xfe\x00",
    "many digits": b'{"format": ' + b"9" * 6000 + b"}",
    "deep": b"[" * 100_000,
    "deep and closed": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "aliases": _ALIASES.encode(),
    "aliases where a value is": (_ALIASES + "tune: *j\nclip: *j\nsettings: *j\nparents: *j\nprompt: *j\n").encode(),
    "an alias of itself": b"&a [*a]",
    "itself inside": b"&a {tune: *a, settings: *a, parents: *a}",
    "merged": b"<<: &a {b: 1}\n<<: *a\n? [1]\n: 2\n",
    "a tag of Python": b"!!python/object/apply:os.system [id]",
    "twice": b"format: 1\nformat: 1\nprompt: a\nprompt: b\n",
    "dates": b"format: 2001-01-01\nprompt: 2001-01-01\nvideo: 2001-99-99\n",
    "a set": b"!!set {a, b}\n",
    "binary": b"!!binary zzz\n",
    "long": b"prompt: " + b"x" * 3_000_000,
}


def rewrites(files: Files) -> Iterator[Rewrite]:
    """Every rewrite of the records among ``files``, the families first."""
    yield from _families(files)
    for place in _records(files):
        for name, data in _NOT_RECORDS.items():
            yield f"{place} {name}", lambda files, place=place, data=data: files | {place: data}
        for path in _paths(_forms(place)[0](files[place])):
            for value in (*VALUES, _GONE):
                told = "gone" if value is _GONE else f"{value!r:.40}"
                yield f"{place} {'.'.join(map(str, path))} = {told}", partial(_with, place, path, value)


def _with(place: str, path: tuple[Any, ...], value: Any, files: Files) -> Files:
    """The files with one value of one record in place of what was there."""
    read, write = _forms(place)
    return files | {place: write(_put(read(files[place]), path, value))}


def _records(files: Files) -> list[str]:
    return [place for place in files if place.endswith((".json", ".yaml", ".jsonl")) or place.startswith("tags/")]


def _forms(place: str) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    if place.endswith(".jsonl"):
        return lambda data: [json.loads(line) for line in data.splitlines()], lambda value: b"\n".join(
            map(_json, value)
        )
    if place.endswith(".json"):
        return json.loads, _json
    return yaml.safe_load, lambda value: yaml.safe_dump(value, sort_keys=False).encode("utf-8", "surrogatepass")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("ascii")


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside, an element of each list."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*above, key)
        yield from _paths(one, (*above, key))


def _put(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    at = record
    for key in path[:-1]:
        at = at[key]
    if value is _GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = copy.deepcopy(value)
    return record


def _families(files: Files) -> Iterator[Rewrite]:
    """Parents that cannot be, and runs that are not what their folder says."""
    manifests = [place for place in files if place.endswith("/manifest.json")]
    ids = {place: json.loads(files[place]) for place in manifests}
    for place, record in ids.items():
        stage, name = place.split("/")[:2]
        own = {"name": name, "identity": record["identity"]}
        for told, parents in {
            "is its own parent": {stage: own},
            "is made from itself and nothing else": {one: own for one in ("source", "tune", "invert", "edit")},
            "has a parent that is gone": {"tune": {"name": "0" * 12, "identity": "0" * 64}},
            "has a parent of no stage": {"frobnicate": own},
            "has a parent upward": {"tune": {"name": "../..", "identity": None}},
            "has a parent outside": {
                "invert": {"name": "/etc", "identity": None},
                "source": {"name": "..", "identity": None},
            },
            "has a parent that is a stage": {"../outside": {"name": "dog", "identity": None}},
            "has a child for a parent": {"edit": {"name": "dog", "identity": None}},
            "has an empty parent": {"tune": {"name": "", "identity": ""}},
            "has a long parent": {"tune": {"name": "x" * 5000, "identity": None}},
            "has a parent with a nul": {"tune": {"name": "a\0b", "identity": None}},
            "has a coloured parent": {"tune": {"name": "\x1b[31mx\u202e", "identity": None}},
            "has no parents": {},
        }.items():
            yield f"{place} {told}", _all_say(place, {"parents": parents})
        for told, other in {
            "is of another stage": {"stage": "tune" if stage != "tune" else "edit"},
            "is of no stage": {"stage": "../outside"},
            "has another's identity": {"identity": next(one["identity"] for at, one in ids.items() if at != place)},
            "has another name": {"name": "../../x"},
            "is of the year 9999": {"created": "9999-99-99T99:99:99"},
            "has a coloured time": {"created": "\x1b[2J\u202e"},
            "lists what is outside": {"artifacts": {"../../../outside/secret": {"sha256": "0" * 64, "bytes": 9}}},
            "lists itself": {"artifacts": {"manifest.json": {"sha256": "0" * 64, "bytes": 1}}},
            "lists nothing": {"artifacts": {}},
            "has no settings": {"settings": {}},
            "is of format 0": {"format": 0},
            "is of format 1": {"format": 1},
            "is of format 99": {"format": 99},
        }.items():
            yield f"{place} {told}", _all_say(place, other)
    ring = [place for place in manifests if place.startswith(("tune/", "invert/", "edit/"))][:3]

    def cycle(files: Files) -> Files:
        for at, place in enumerate(ring):
            stage, name = ring[at - 1].split("/")[:2]
            files = _all_say(place, {"parents": {stage: {"name": name, "identity": None}}})(files)
        return files

    yield "three runs are made from each other", cycle


def _all_say(place: str, news: dict[str, Any]) -> Callable[[Files], Files]:
    """Both records of a run with these values."""

    def rewrite(files: Files) -> Files:
        record = {**json.loads(files[place]), **news}
        other = place.replace("manifest.json", "settings.yaml")
        settings = {
            **yaml.safe_load(files[other]),
            **{key: news[key] for key in news if key not in ("artifacts", "format")},
        }
        return files | {place: _json(record), other: yaml.safe_dump(settings, sort_keys=False).encode()}

    return rewrite
