"""``vp2p export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vp2p.cli.common import Json, run_arguments, workspace
from vp2p.cli.output import output
from vp2p.text import bytes_told


def export(
    ctx: typer.Context,
    target: Annotated[Path, typer.Argument(help="A .tar, .tar.gz or .tgz file, or else a folder.", show_default=False)],
    runs: Annotated[
        list[str] | None,
        run_arguments("Runs to include, with those that they were made from. By default all."),
    ] = None,
    video: Annotated[bool, typer.Option("--video/--no-video", help="Include the video.")] = True,
    json: Json = False,
) -> None:
    """Copy the workspace into a file or folder.

    Take the result to any machine. There vp2p import makes a workspace of the file, in which the
    same commands are up to date. A folder is a workspace already.

    Examples:

      vp2p export walk.tar

      vp2p export copies/walk --no-video

      vp2p -w walk export dog.tar.gz edit/dog --no-video
    """
    from vp2p.upkeep.export import export as pack

    here = workspace(ctx)
    named = [here.find_run(run) for run in runs or ()]
    with output.progress() as progress:
        done = pack(here, target, named, video, progress)
    output.say(("✓", "green"), f" {len(done.runs)} runs, {done.files} files, {bytes_told(done.bytes)}")
    for note in done.notes:
        output.note(note)
    output.result("export", done, done.path)
