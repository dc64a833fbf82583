"""``vp2p demo``: the main job on a drawn clip, by the very stages that the commands run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from vp2p.atomic import make_folder, sight
from vp2p.config.initial import suited
from vp2p.defaults import for_model
from vp2p.errors import UsageError
from vp2p.progress import Progress, silent
from vp2p.settings import ClipSettings, EditSettings, ModelSettings
from vp2p.stages.edit import KeepAs, edit_all
from vp2p.stages.edited import every_frame
from vp2p.stages.init import init
from vp2p.stages.invert import invert
from vp2p.stages.planned import find_run
from vp2p.stages.redo import redo
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames
from vp2p.stages.tune import tune
from vp2p.text import typed
from vp2p.workspace import Workspace, WorkspaceConfig
from vp2p.workspace.atomic import write_bytes, writing

if TYPE_CHECKING:
    from vp2p.sprites.scenes import Scene

OBJECT, PLACE, SEED, FRAMES = "cat", "grass", 4, 8
EDITS = {
    "dog": EditSettings.of(swap=("cat=dog",)),
    "red": EditSettings.of(prompt="a red cat on the grass", reweight=("red:2",)),
    "sand": EditSettings.of(swap=("grass=sand",)),
}


@dataclass(frozen=True)
class DemoResult:
    """The edited clips, a contact sheet of all of them, and what to try next."""

    clips: tuple[Path, ...]
    sheet: Path
    next: tuple[str, ...]


def demo(folder: Path, progress: Progress = silent) -> DemoResult:
    """Draws a clip into ``folder``, tunes, inverts and edits it; rerunning goes on where it stopped.

    Raises:
        Vp2pError: see the stages.
        Interrupted: a signal came.
    """
    from vp2p.sprites.scenes import Scene
    from vp2p.video.sheet import contact_sheet

    scene = Scene(OBJECT, PLACE, path="slide", seed=SEED)
    folder = folder.absolute()
    walk, sheet = folder / "walk", folder / "sheet.png"
    seen = sight(sheet)
    if not (walk / "vp2p.yaml").exists():
        video = folder / "cat.mp4"
        if seen is not None:
            raise UsageError(f"{sheet} exists already.", "vp2p demo another-folder")
        with writing(folder):
            make_folder(folder)
        _draw(scene, video)
        init(walk, WorkspaceConfig(scene.prompt, str(video), ClipSettings(FRAMES), suited(ModelSettings())))
    session = Session(Workspace.find(explicit=walk, redo=redo))
    tune(session, for_model(session.folder, "tune", {}), progress=progress)
    invert(session, for_model(session.folder, "invert", {}), progress=progress)
    names = [KeepAs(name) for name in EDITS]
    results = edit_all(session, [*EDITS.values()], keep_as=names, progress=progress)

    clip = find_run(session.workspace, "source", None, "vp2p demo")
    rows = [(scene.prompt, load_frames(clip.run).pixels)]
    rows += [(result.facts["prompt"], every_frame(result.artifact)) for result in results]
    contact_sheet(rows, sheet, seen)
    tries = ("edit --swap cat=rabbit", 'edit --prompt "a striped cat on the grass"', "status")
    return DemoResult(
        tuple(result.artifact for result in results),
        sheet,
        tuple(f"vp2p -w {typed(str(walk))} {words}" for words in tries),
    )


def _draw(scene: Scene, path: Path) -> None:
    """Draws the clip, unless a demo that was stopped has. Raises UsageError if another file has its name."""
    from vp2p.video.writing import write_video

    with tempfile.TemporaryDirectory() as scratch:
        drawn = Path(scratch) / path.name
        write_video(drawn, scene.render(FRAMES), Fraction(4))
        data = drawn.read_bytes()
    if sight(path) is None:
        write_bytes(path, data, seen=None)
    elif not path.is_file() or path.read_bytes() != data:
        raise UsageError(f"{path} exists already.", "vp2p demo another-folder")
