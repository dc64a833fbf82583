"""``vp2p edit``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from vp2p.cli.common import DryRun, Force, FromInvert, Json, Wait, resolve, session
from vp2p.cli.completion import edit_names, grid_axes
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.errors import UsageError
from vp2p.settings import ComputeSettings, EditSettings
from vp2p.text import quoted


@settings_options(settings=EditSettings, compute=ComputeSettings)
def edit(
    ctx: typer.Context,
    settings: dict[str, Any],
    compute: dict[str, Any],
    parent: FromInvert = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SETTING=A,B…",
            autocompletion=grid_axes,
            help="Make an edit for every combination of these values, and one sheet of all. More settings may follow.",
        ),
    ] = None,
    axes: Annotated[
        list[str] | None, typer.Argument(metavar="SETTING=A,B…", hidden=True, autocompletion=grid_axes)
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", "--as", help="The edit's name. By default its new words.", autocompletion=edit_names),
    ] = None,
    format: Annotated[
        Literal["mp4", "gif", "webp", "png"],
        typer.Option(help="Format of the edited clip. png is a folder of pictures."),
    ] = "mp4",
    full: Annotated[
        bool, typer.Option("--full", help="Also make the edit at the source's own size and rate, as vp2p full does.")
    ] = False,
    force: Force = False,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Edit the clip by changing words.

    --swap replaces a word or a phrase, and --prompt the whole sentence. --reweight makes
    a word stronger or weaker. What the unchanged words describe stays as it is.
    With alternatives, as in cat=dog|rabbit, each is an edit of its own. They are made
    side by side, in less time than one by one. Those that are there already are not
    made again. --grid does the same with the values of settings.

    Examples:

      vp2p edit --swap "cat=dog|rabbit"

      vp2p edit --swap "cat=baby elephant" --shape-freedom 0.8 --name elephant

      vp2p edit --swap cat=dog --shape-freedom 0.2 --negative-prompt "a cat"

      vp2p edit -s cat=tiger --guidance 12 --negative-prompt cat --candidates 10

      vp2p edit --swap cat=cow --cross-replace 0.2 --self-replace 0.2 --guidance 5

      vp2p edit -s cat=horse --cross-replace 0.8 --self-replace 0.6 --from quick

      vp2p edit --prompt "a red cat on the grass" --reweight red:2 --name red

      vp2p edit --prompt "a cat on the snow" --no-blend --strength 0.8

      vp2p edit --reweight "grass:0->3" --blend grass --blend-threshold 0.2

      vp2p edit --swap cat=dog --blend cat --blend-threshold 0.4 --from quick

      vp2p edit --swap cat=dog --mask-point 320,200 --mask-grow 2

      vp2p edit --swap cat=rabbit --mask-point 50%,60%@3 --segmenter none --seed 7

      vp2p edit -s cat=dog --mask-text "left cat" --segmenter sam2 --detector dino

      vp2p edit -s cat=cow --mask-text cat --segmenter sam2/ --detector dino/

      vp2p edit --swap cat=elephant --mask-text cat --mask-grow 5

      vp2p edit --swap cat=dog --mask cat --full

      vp2p edit --swap cat=rabbit --mask outline.mp4 --candidates 2 --full

      vp2p edit --swap cat=dog --reference dog.png:0.6

      vp2p edit --swap cat=fox --reference fox.png --seed 8

      vp2p edit --swap cat=duck --no-propagate --format gif

      vp2p edit --swap grass=snow --candidates 3 --format png

      vp2p edit --swap cat=pig --no-propagate --no-blend --strength 0.7

      vp2p edit --grid reweight=grass:1,2,3 cross_replace=0.2,0.4

      vp2p edit --swap cat=dog --grid shape_freedom=0.2,0.5,0.8

      vp2p edit --swap cat=dog --grid seed=1,2,3 --dry-run --json

    For experts:

      vp2p edit --swap cat=dog --window dog=0:0.4 --new-weight 2

      vp2p edit --swap cat=dog --window dog=0.2:0.8 --self-target both

      vp2p edit --reweight grass:3 --no-reweight-text --guidance-interval 0:0.8

      vp2p edit --reweight grass:0 --no-reweight-text --guide empty

      vp2p edit -p "a red cat on sand" --new-weight 2 --guidance-interval 0.2:1

      vp2p edit -s cat=dog --guide optimised --self-target temporal --from null

      vp2p edit --swap cat=dog --mask-text cat --mask-threshold 0.2 --modulate 0.5

      vp2p edit --swap cat=dog --mask-text cat --mask-threshold 0.5 --modulate 1

      vp2p edit --swap cat=dog --token-flow --merge-tokens 0.5

      vp2p edit --swap "cat=fox|cow" --token-flow --merge-tokens 0.3

      vp2p edit --swap cat=dog --blend-start 0.4 --blend-soft --self-blend

      vp2p edit -s cat=dog --blend-start 0 --blend-levels all --blend-peak clip

      vp2p edit --swap cat=cow --blend-peak clip --blend-threshold 0.2

      vp2p edit --swap cat=fox --blend-levels all --blend-soft --self-blend

      vp2p edit --swap cat=elephant --no-in-place --render 0.3

      vp2p edit --swap cat=tiger --swap grass=snow --no-per-phrase --no-in-place

      vp2p edit --swap cat=dog --swap grass=sand --no-per-phrase --no-paste

      vp2p edit --swap cat=dog --render 0.2 --no-paste
    """
    from vp2p.config.grid import read_grid
    from vp2p.prompts.alternatives import alternatives
    from vp2p.report.grid import alike, save_grid
    from vp2p.stages.dry_run import StageOutlook
    from vp2p.stages.dry_run import dry_run as look_ahead
    from vp2p.stages.edit import KeepAs, edit_all, plan_edits
    from vp2p.stages.full import full as full_stage
    from vp2p.stages.full import plan_full
    from vp2p.stages.planned import find_run

    here = session(ctx, compute, wait)
    asked = alternatives(resolve(here, "edit", settings))
    if axes and not grid:
        raise UsageError(f"{quoted(axes[0], 80)} stands alone.", f"--grid before it, or: {ctx.command_path} --help")
    wanted = read_grid(asked, [*(grid or ()), *(axes or ())], settings) if grid else None
    if wanted:
        asked = [cell.settings for cell in wanted.cells]
    if full and any(one.blend.off and not one.blend.given for one in asked):
        raise UsageError("Without a mask nothing can be laid over the source.", "leave out --no-blend, or --full")
    keep_as = KeepAs(name, format, force)
    if dry_run or full:  # a video that is gone is told of before the edit is made
        inverted = find_run(here.workspace, "invert", parent, "vp2p invert")
        plans = plan_edits(here, asked, inverted, keep_as)
        wanted_runs = [*plans, *map(plan_full, plans)] if full else plans
    if dry_run:
        stages: dict[tuple[str, str], StageOutlook] = {}
        for one in (one for planned in wanted_runs for one in look_ahead(planned, force)):
            stages.setdefault((one.stage, one.run), one)
        notes = dict.fromkeys(note for planned in plans for note in planned.notes)
        return output.outlooks("edit", [*stages.values()], [*notes])
    with output.progress() as progress:
        results = edit_all(here, asked, parent, keep_as, progress)
    for result in results:
        output.stage(result)
    runs = [here.workspace.by_name("edit", result.run) for result in results]
    sheet = save_grid(here.workspace, wanted, runs) if wanted else None
    for note in alike(runs):
        output.note(note)
    refused: list[UsageError] = []
    for name in dict.fromkeys(result.run for result in results) if full else ():
        try:
            with output.progress() as progress:
                large = full_stage(here, name, force, progress)
            output.stage(large)
        except UsageError as error:  # one edit may have no object to enlarge, and others have
            refused.append(error)
    if wanted:
        told = [{"run": result.run, "values": cell.values} for result, cell in zip(results, wanted.cells)]
        output.result("edit", {"sheet": sheet, "axes": wanted.axes, "runs": told}, sheet)
    for other in refused[:-1]:
        output.note(other.cause)
    if refused:
        raise refused[-1]
