"""``vp2p models``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vp2p.cli.common import Json
from vp2p.cli.completion import model_folders
from vp2p.cli.completion import models as known_models
from vp2p.cli.output import output
from vp2p.text import bytes_told, one_line, shorten

if TYPE_CHECKING:
    from vp2p.pipeline.description import Description


def models(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A model to check and describe, or a folder that holds several. By default all that are at hand.",
            show_default=False,
            autocompletion=known_models,
        ),
    ] = None,
    model_config: Annotated[
        str | None,
        typer.Option(
            help="A folder with the configurations of a one-file checkpoint, as for vp2p init.",
            show_default=False,
            autocompletion=model_folders,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the models that are at hand, or check one and say what it is.

    A model is loaded part by part. Then you see its kind, its sizes, its licence, and the memory that it needs here.
    Nothing is downloaded.

    Examples:

      vp2p models

      vp2p models toon.safetensors

      vp2p models tiny.safetensors --model-config tiny/

      vp2p models own.safetensors --model-config base/
    """
    from vp2p.errors import UsageError
    from vp2p.models.at_hand import is_model, models_at_hand, models_in
    from vp2p.models.sources import MODEL

    if model is None:
        if model_config is not None:
            raise UsageError("--model-config is for a model.", "vp2p models FILE --model-config FOLDER")
        found = models_at_hand()
    else:
        folder = MODEL.path(model)
        found = models_in(folder) if model and folder.is_dir() and not is_model(folder) else []
        if not found:
            return _describe(model, model_config)
    output.lines(
        f"{one_line(one.name)}\t{one.where}\t{bytes_told(one.bytes) if one.usable else '-'}\t{one_line(one.kind)}"
        for one in found
    )
    output.say(f"{sum(one.usable for one in found)} of these can edit; more of one: vp2p models MODEL")
    output.result("models", {"models": found})


def _describe(model: str, config: str | None) -> None:
    from vp2p.errors import ModelError
    from vp2p.models.opening import open_model
    from vp2p.settings import ModelSettings

    try:
        opened = open_model(ModelSettings(model=model, model_config=config), download=False)
        from vp2p.pipeline.description import describe

        found = describe(opened)
    except ModelError as error:  # whose hint is for commands with --model
        hint = error.hint if " and --" in error.hint else error.hint.replace("--model ", "vp2p models ")
        raise ModelError(error.cause, hint) from error
    output.say(("✓", "green"), f" {one_line(model)} is whole")
    output.lines(f"{name:<10}{value}" for name, value in _told(found).items())
    for note in found.notes:
        output.note(note)
    output.result("models", found)


def _told(found: Description) -> dict[str, str]:
    """What people read of a model, by its heading."""
    parts = (f"{name.replace('_', ' ')} {count / 1e6:,.1f} M" for name, count in found.parameters.items())
    here = f", of {bytes_told(found.available)}" if found.available else ""
    clip = f"{found.frames} frames of {found.size[0]}x{found.size[1]}, {found.dtype} on {found.device}{here}"
    return {
        "kind": found.kind,
        "predicts": "the noise (epsilon)" if found.prediction == "epsilon" else "v (v_prediction)",
        "reads": f"pictures of {found.size[0]}x{found.size[1]} pixels, prompts of {found.tokens} tokens",
        "holds": f"{', '.join(parts)} parameters, in {bytes_told(found.bytes)}",
        "licence": shorten(found.licence, 80).strip("'") if found.licence else "no file beside it",
        "tuning": f"needs about {_low(found.memory.tune, found.memory.tune_low)} ({clip})",
        "editing": f"needs about {_low(found.memory.edit, found.memory.edit_low)}",
    }


def _low(plain: int, low: int) -> str:
    return f"{bytes_told(plain)}, or {bytes_told(low)} with --memory low"
