"""One case by one method: a workspace driven through the stages, so that what is finished is not done again."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Callable

import numpy as np

from vp2p.batch.pool import Pool
from vp2p.bench.cases import FRAMES, Case
from vp2p.bench.files import file_name
from vp2p.bench.methods import Method
from vp2p.bench.truth import Truth
from vp2p.schema import to_mapping
from vp2p.settings import ClipSettings, ModelSettings
from vp2p.sprites.scenes import Scene
from vp2p.stages.edit import edit
from vp2p.stages.init import init
from vp2p.stages.invert import invert
from vp2p.stages.kept import kept_frames
from vp2p.stages.redo import redo
from vp2p.stages.session import Session
from vp2p.stages.tune import tune
from vp2p.video.writing import write_video
from vp2p.workspace import Workspace, WorkspaceConfig

_RATE = Fraction(4)


@dataclass(frozen=True)
class Outcome:
    """What a method made of a case, read only when asked for.

    ``identity`` stands for all that it depends on. ``clips`` gives the edited clip and the source
    branch's, uint8 (F, S, S, 3), the latter None for a ceiling; ``by_vae`` a clip as the VAE alone of
    the model with fingerprint ``model`` returns it.
    """

    identity: str
    model: str
    clips: Callable[[], tuple[np.ndarray, np.ndarray | None]]
    by_vae: Callable[[np.ndarray], np.ndarray]


def run(folder: Path, pool: Pool, case: Case, truth: Truth, method: Method) -> Outcome:
    """Does what is left of a case by a method, in workspaces under ``folder``.

    Raises:
        Vp2pError: see the stages.
        Interrupted: a signal came; checkpoints are saved.
    """
    session = _session(folder, pool, case, truth, method)
    fingerprint = session.model_identity["fingerprint"]

    def by_vae(frames: np.ndarray) -> np.ndarray:
        return session.model.decode(session.model.encode(frames))

    if method.of == "vae":
        _, ideal = _ideal(case, truth)
        return Outcome(fingerprint, fingerprint, lambda: (by_vae(ideal), None), by_vae)
    tuned = tune(session, method.tune)
    inverted = invert(session, method.invert, tuned.run)
    # The ideal clip's own prompt as the edit leaves the source branch, which is what is scored.
    asked = method.edit(to_mapping(case.edit) if method.of == "edit" else {"prompt": session.workspace.config.prompt})
    made = edit(session, asked, inverted.run)
    found = session.workspace.by_name("edit", made.run)

    def clips() -> tuple[np.ndarray, np.ndarray | None]:
        source, edited = kept_frames(session.model, found)
        return (source, None) if method.of == "inverted" else (edited, source)

    return Outcome(found.identity, fingerprint, clips, by_vae)


def _session(folder: Path, pool: Pool, case: Case, truth: Truth, method: Method) -> Session:
    """The workspace of the case's clip, or of its ideal one, with the method's model."""
    clip = "clip" if method.of == "edit" else "ideal"
    usual, model = to_mapping(ModelSettings()), method.model
    unusual = [f"{key}={value}" for key, value in to_mapping(model).items() if value != usual[key]]
    place = folder / case.id / file_name(",".join((clip, *unusual)))
    if not (place / "vp2p.yaml").exists():
        video = folder / case.id / f"{clip}-frames"
        video.parent.mkdir(parents=True, exist_ok=True)
        scene, frames = (case.scene, truth.clip) if clip == "clip" else _ideal(case, truth)
        write_video(video, frames, _RATE, format="png")
        init(place, WorkspaceConfig(scene.prompt, str(video), ClipSettings(FRAMES, size="keep"), model), pool.session)
    return pool.session(Workspace.find(explicit=place, redo=redo))


def _ideal(case: Case, truth: Truth) -> tuple[Scene, np.ndarray]:
    """The ideal scene and its frames. Raises ValueError where there is none: such a case has no ceiling."""
    if case.ideal is None or truth.ideal is None:
        raise ValueError(f"The case {case.id} has no ideal edit.")
    return case.ideal, truth.ideal
