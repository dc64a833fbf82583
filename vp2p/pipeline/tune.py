"""From a clip to a model that is tuned on it (Video-P2P, section 3.1)."""

from __future__ import annotations

from vp2p.method.tuning import TuningTask
from vp2p.pipeline.described import Described
from vp2p.pipeline.fit import fit
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.memory import Work
from vp2p.settings import TuneSettings


def tuning_task(model: InflatedModel, described: Described, settings: TuneSettings) -> TuningTask:
    """The tuning on a clip that the model can take, and on the prompt that describes it.

    Raises:
        Vp2pError: see :func:`vp2p.pipeline.fit.fit`.
    """
    fit(model, Work.of("tuning", described.clip.pixels, settings.gradient_checkpointing))
    latents, cond = model.encode(described.clip.pixels)[None], model.embed(described.prompt)
    return TuningTask(model.held_to(described.clip), model.latent.scheduler, latents, cond, settings)
