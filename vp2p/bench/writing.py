"""What a bench leaves: results.json, table.md and page.html."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence
from urllib.parse import quote

from vp2p.bench.cases import Case
from vp2p.bench.files import strip_path
from vp2p.bench.methods import Method
from vp2p.bench.results import Result
from vp2p.bench.summary import Row, claims, rows
from vp2p.version import __version__
from vp2p.workspace.atomic import write_json, write_text

_SPLITS = (("train", "train"), ("held-out", "held-out"), ("all", None))
_COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("took", lambda row: _percent(row.scores["took"])),
    ("kept, dB", lambda row: _number(row.scores["kept"], 2)),
    ("true, dB", lambda row: _number(row.scores["true"], 2)),
    ("distance", lambda row: _number(row.scores["distance"], 4)),
    ("steady", lambda row: _number(row.scores["steady"], 2)),
    ("rebuilt, dB", lambda row: _number(row.scores["rebuilt"], 2)),
)


def write_results(out: Path, results: Sequence[Result], cases: Mapping[str, Case], methods: Sequence[Method]) -> None:
    """Writes all three files into ``out``, each whole or not at all. Raises ArtifactError if the disk refuses."""
    record = {
        "format": 1,
        "vp2p": __version__,
        "cases": {case.id: _told(case) for case in cases.values()},
        "methods": {method.name: method.recorded() for method in methods},
        "results": [asdict(result) for result in results],
        "summary": {name: [asdict(row) for row in rows(results, cases, split)] for name, split in _SPLITS},
        "claims": [_plain(asdict(claim)) for claim in claims(results)],
    }
    write_json(out / "results.json", record)
    write_text(out / "table.md", table(results, cases))
    write_text(out / "page.html", page(out, results, cases))


def table(results: Sequence[Result], cases: Mapping[str, Case]) -> str:
    """The summary in Markdown: a table for each split, how often each kind took, and the paper's claims."""
    lines = ["# SpriteBench", ""]
    for name, split in _SPLITS:
        found = rows(results, cases, split)
        if found:
            lines += [f"## {name}", "", *_scores_table(found), "", *_kinds_table(found), ""]
    compared = claims(results)
    if compared:
        lines += ["## What the paper claims", "", "| claim | better by | standard error | cases |", "|---|---|---|---|"]
        lines += [f"| {c.claim} | {c.better:.3f} | {_number(c.error, 3)} | {c.cases} |" for c in compared]
    return "\n".join(lines).rstrip() + "\n"


def page(out: Path, results: Sequence[Result], cases: Mapping[str, Case]) -> str:
    """An HTML page: the tables' figures, and for each case the frames of the clip, the ideal and each method's."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vp2p.bench", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    sheets = [
        {"case": case, "new": _asked(case), "strips": _strips(out, case, results)}
        for case in cases.values()
        if any(result.case == case.id for result in results)
    ]
    splits = [(name, rows(results, cases, split)) for name, split in _SPLITS]
    return environment.get_template("page.html").render(
        columns=_COLUMNS, splits=[(name, found) for name, found in splits if found], sheets=sheets, version=__version__
    )


def _strips(out: Path, case: Case, results: Sequence[Result]) -> list[dict[str, Any]]:
    mine = [result for result in results if result.case == case.id]
    named = [("clip", None), ("ideal", None)] if case.ideal else [("clip", None)]
    strips = []
    for name, scores in [*named, *((result.method, result.scores) for result in mine)]:
        path = strip_path(out, case.id, name).relative_to(out)
        strips.append({"name": name, "src": quote(path.as_posix()), "told": _line(scores) if scores else ""})
    return strips


def _line(scores: Any) -> str:
    """The scores of one clip in a line."""
    row = Row("", 1, asdict(scores), {})
    return " · ".join(f"{name} {text}" for name, show in _COLUMNS if (text := show(row)) != "–")


def _told(case: Case) -> dict[str, Any]:
    scene = case.scene
    return {
        "kind": case.kind, "split": case.split, "prompt": scene.prompt, "asked": _asked(case),
        "path": scene.path, "seed": scene.seed,
    }  # fmt: skip


def _asked(case: Case) -> str:
    return case.ideal.prompt if case.ideal else f"{case.scene.prompt}, {case.edit.words.reweight[0]}"


def _scores_table(found: Sequence[Row]) -> list[str]:
    head = ["method", "cases", *(name for name, _ in _COLUMNS)]
    body = [[row.method, str(row.cases), *(show(row) for _, show in _COLUMNS)] for row in found]
    return _markdown(head, body)


def _kinds_table(found: Sequence[Row]) -> list[str]:
    kinds = list(dict.fromkeys(kind for row in found for kind in row.took_by_kind))
    body = [[row.method, *(_percent(row.took_by_kind.get(kind)) for kind in kinds)] for row in found]
    return _markdown(["took", *kinds], body)


def _markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body)]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}%"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """NaN, which JSON has not, as None."""
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in values.items()}
