"""``vp2p draw``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vp2p.cli.common import Json
from vp2p.cli.completion import numbers, scenes
from vp2p.cli.output import output
from vp2p.limits import Limits


def draw(
    sentence: Annotated[
        str, typer.Argument(help='Such as "a striped red cat on the grass".', show_default=False, autocompletion=scenes)
    ],
    video: Annotated[
        Path, typer.Argument(help="The MP4, GIF or WebP file, or the folder, to write.", show_default=False)
    ],
    frames: Annotated[
        int, typer.Option(min=1, max=1000, help="How many frames.", autocompletion=numbers(Limits(1, 1000), 8))
    ] = 8,
    fps: Annotated[
        float,
        typer.Option(
            min=0.1, max=60, help="Frames a second.", autocompletion=numbers(Limits(0.1, 60), 4.0, whole=False)
        ),
    ] = 4.0,
    path: Annotated[
        Literal["still", "slide", "bounce", "turn", "grow", "leave"], typer.Option(help="How the object moves.")
    ] = "slide",
    seed: Annotated[
        int, typer.Option(min=0, help="Decides the pose and the ground.", autocompletion=numbers(Limits(0), 0))
    ] = 0,
    json: Json = False,
) -> None:
    """Draw a small clip to try things on.

    The clip is of the kind that the bundled model knows.

    Examples:

      vp2p draw "a cat on the grass" cat.mp4

      vp2p draw "a spotted blue fish on the sand" fish.gif --path bounce --seed 3

      vp2p draw "a striped dog on the snow" d.webp --path turn --frames 9 --fps 3

      vp2p draw "a neon sign of a car on the road" c/ --frames 4 --fps 2 --seed 7
    """
    from fractions import Fraction

    from vp2p.atomic import sight
    from vp2p.sprites.sentences import read_scene
    from vp2p.video.writing import write_video

    seen = sight(video)
    scene = read_scene(sentence, path, seed)
    rate = Fraction(fps).limit_denominator(1000)
    notes = write_video(video, scene.render(frames), rate, seen=seen)
    for note in notes:
        output.note(note)
    output.result("draw", {"video": video, "prompt": scene.prompt}, video)
