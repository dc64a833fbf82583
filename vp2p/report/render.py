"""A report as one HTML page: template, style and script of ``page/``, all inside it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from vp2p.metrics.table import METRICS
from vp2p.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, chart
from vp2p.report.content import Content
from vp2p.report.media import Media
from vp2p.report.motion import CERTAINTY
from vp2p.report.movie import movie
from vp2p.report.runs import each
from vp2p.report.strip import strips
from vp2p.version import __version__

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

    from vp2p.metrics.metric import Figure

GENERATOR = "vp2p report"
_SCRIPTS = ("theme.js", "clock.js", "players.js", "wipe.js", "controls.js")


def render(content: Content, media: Media) -> str:
    """The report of one workspace; pictures and clips go through ``media``.

    Raises:
        VideoError: a clip cannot be encoded.
    """
    return page(
        "report.html",
        _SCRIPTS,
        content=content,
        movie=movie(content, media),
        charts={run.key: [chart(curve) for curve in run.curves] for run in each(content.runs)},
        box={"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        metrics=_metrics(content),
        strips=strips(content, media),
        certainty=CERTAINTY,
    )


def _metrics(content: Content) -> list[Figure]:
    """The metrics that an edit has a figure of."""
    had = {measure.name for edit in content.edits for measure in edit.measures}
    return [metric for name, metric in METRICS.items() if name in had]


def page(template: str, scripts: tuple[str, ...], **values: Any) -> str:
    """A page of a template of ``page/``, with the style and these scripts inside it.

    The page allows no script but this very one, and nothing from elsewhere.
    """
    environment, loader = _environment()
    read = loader.get_source
    script = "\n".join(read(environment, name)[0] for name in scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return environment.get_template(template).render(
        generator=GENERATOR,
        version=__version__,
        style=loader.get_source(environment, "style.css")[0],
        script=script,
        script_digest=digest,
        **values,
    )


@cache
def _environment() -> tuple[Environment, BaseLoader]:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("vp2p.report", "page")
    environment = Environment(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment, loader
