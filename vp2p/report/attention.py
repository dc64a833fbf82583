"""The maps of words that ``vp2p attention`` kept."""

from __future__ import annotations

from vp2p.report.content import Attention, Maps
from vp2p.stages.attention import MAPS
from vp2p.stages.planned import finished_plan
from vp2p.workspace import RunFolder, Workspace, load_tensors
from vp2p.workspace.tensors import load_metadata


def attention_of(workspace: Workspace) -> tuple[Attention, ...]:
    """The words' maps of every finished attention run, in order of creation.

    Raises:
        ArtifactError: a run's files are missing or damaged.
    """
    return tuple(_attention(workspace, run) for run in workspace.runs("attention") if run.finished)


def _attention(workspace: Workspace, run: RunFolder) -> Attention:
    run.verify()
    plan = finished_plan(workspace, run)
    path = run.path(MAPS)
    values = load_tensors(path, run.rebuild)["maps"].float().numpy()
    kept = load_metadata(path, run.rebuild)
    tuned = plan.parents.get("tune")
    model = f"the model of {tuned.key}" if tuned else "the model, not tuned"
    words = tuple(
        Maps(
            one["word"],
            "attention",
            maps / max(float(maps.max()), 1e-12),
            f"spread over {one['spread']:.0%} of the picture",
        )
        for one, maps in zip(kept["words"], values)
    )
    note = f"By {model}, for “{kept['prompt']}”: {kept['steps']}. The brightest place of each word is its own peak."
    return Attention(run.key, plan.parent("source").key, words, note)
