"""``vp2p eval``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from vp2p.cli.common import Json, session
from vp2p.cli.completion import clip_models, clips, runs
from vp2p.cli.output import output
from vp2p.printing import is_terminal, text

if TYPE_CHECKING:
    from vp2p.metrics.metric import Figure
    from vp2p.stages.evaluate import Evaluation


def eval_(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="EDIT", help="Edits to measure. By default all.", autocompletion=runs("edit")),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="A video or pictures, white where the edit may act, in place of the edit's own mask.",
            autocompletion=clips,
        ),
    ] = None,
    clip_model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A CLIP model's folder or hub id, for the metrics that need one.",
            autocompletion=clip_models,
        ),
    ] = None,
    lpips: Annotated[bool, typer.Option("--lpips", help="Also measure LPIPS. Needs vp2p\\[lpips].")] = False,
    json: Json = False,
) -> None:
    """Measure how good edits are.

    The part that should stay is compared with the source. --clip-model also measures how
    well the edit fits its prompt. Arrows say which way is better. Brackets hold the
    source's own value.

    Examples:

      vp2p eval

      vp2p eval dog red --clip-model openai/clip-vit-large-patch14

      vp2p eval dog --mask outline.mp4 --lpips

      vp2p eval --mask masks/ --clip-model clip/ --lpips
    """
    from vp2p.stages.evaluate import FOLDER, EvalOptions, evaluate

    here = session(ctx, {})
    with output.progress() as progress:
        found = evaluate(here, names or (), EvalOptions(mask, clip_model, lpips), progress)
    if is_terminal():
        output.show(_table(found))
    else:
        output.lines(
            "\t".join((one.edit, name, _text(value), _text(one.source.get(name))))
            for one in found
            for name, value in one.scores.items()
        )
    kept = here.workspace.folder / FOLDER
    output.say((f"kept in {kept}; what each says and what not: docs/metrics.md", "dim"))
    output.result("eval", {"edits": found, "folder": kept})


def _table(found: tuple[Evaluation, ...]) -> Table:
    from vp2p.metrics.table import METRICS

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("edit")
    shown = [metric for metric in METRICS.values() if any(metric.name in one.scores for one in found)]
    for metric in shown:
        table.add_column(text(metric.heading), justify="right")
    for one in found:
        table.add_row(text(one.edit), *(_cell(one, metric) for metric in shown))
    return table


def _cell(one: Evaluation, metric: Figure) -> Text:
    value, source = one.scores.get(metric.name), one.source.get(metric.name)
    beside = f" ({metric.text(source)})" if value is not None and source is not None else ""
    return text(metric.text(value), (beside, "dim"))


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
