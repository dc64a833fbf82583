"""SpriteBench from the command line: ``python -m vp2p.bench --out bench --cases 'object-0*' --jobs 2``.

Running it again does what is left. It writes results.json, table.md and page.html into the folder.

``python -m vp2p.bench propagate --data DIR --out FILE.json`` propagates true key frames, without a model.
With ``--without PART`` both leave a part of compositing out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Sequence

from vp2p import printing
from vp2p.bench.cases import FRAMES
from vp2p.bench.files import file_name
from vp2p.bench.known_clips import drawn_clips, known_clips
from vp2p.bench.methods import METHODS, read_method
from vp2p.bench.parts import PARTS, without
from vp2p.bench.propagation import score_between, score_clip
from vp2p.bench.results import Result, ScoreFile
from vp2p.bench.selecting import select
from vp2p.bench.spreading import Bench, work
from vp2p.bench.working import Failed
from vp2p.bench.writing import write_results
from vp2p.errors import UsageError, Vp2pError
from vp2p.stages.saving import Interrupted
from vp2p.text import one_line
from vp2p.workspace.atomic import write_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a bench; returns 0, 3 if some of it failed, or 130 if it was interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] == ["propagate"]:
            return _propagate(_propagate_parser().parse_args(words[1:]))
        return _bench(_parser().parse_args(words))
    except Vp2pError as error:
        printing.say(f"error: {one_line(error.cause)}")
        printing.say(f"hint: {error.hint}")
        return error.exit_code
    except (Interrupted, KeyboardInterrupt):
        printing.say("interrupted; the same command goes on")
        return 130


def _bench(given: argparse.Namespace) -> int:
    cases, methods = select(given.cases), [read_method(text, given.set) for text in given.methods]
    if given.jobs < 1:
        raise UsageError(f"--jobs is {given.jobs}, but must be 1 or more.", "give --jobs 1 or more")
    if given.out.exists() and not given.out.is_dir():
        raise UsageError(f"{given.out} is not a folder.", "give --out a folder, or a name that is free")
    # No setting says what was left out, so such results have a folder of their own.
    out = given.out / f"without-{'-'.join(given.without)}" if given.without else given.out
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for found in work(Bench(out, methods, given.without), list(cases.values()), given.jobs):
        printing.say(_line(found))
        failed += isinstance(found, Failed)
    results = ScoreFile(out / "scores.jsonl").of(cases, [method.name for method in methods])
    write_results(out, results, cases, methods)
    printing.place(out / "table.md")
    return 3 if failed else 0


def _propagate(given: argparse.Namespace) -> int:
    if given.keys < 1:
        raise UsageError(f"--keys is {given.keys}, but must be 1 or more.", "give --keys 1 or more")
    if given.between == 1 or given.between < 0:
        raise UsageError(f"--between is {given.between}, but must be 2 or more.", "give --between 4, or leave it out")
    frames = (FRAMES - 1) * given.between + 1 if given.between else FRAMES
    scores: dict[str, Any] = {}
    failed = 0
    for name, read in drawn_clips(given.cases, frames) if given.cases else known_clips(given.data):
        try:
            sheets = None if given.sheets is None else given.sheets / file_name(name)
            with without(given.without):
                if given.between:
                    scores[name] = score_between(read(), given.between, sheets)
                else:
                    scores[name] = score_clip(read(), given.keys, sheets)
        except Vp2pError as error:
            printing.say(f"{name} failed: {one_line(error.cause)}\nhint: {error.hint}")
            failed += 1
        else:
            printing.say(f"{name}: " + ", ".join(f"{edit} {one['inside_db']} dB" for edit, one in scores[name].items()))
    if not scores and not failed:
        raise UsageError(
            f"{' '.join(given.cases) if given.cases else given.data} holds no clip with a known object.",
            "give cases with an edited object; or folders with source/ and mask.npz, "
            "or videos or folders of pictures beside NAME-mask.mp4 or the like",
        )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(given.out, {"clips": scores})
    printing.place(given.out)
    return 3 if failed else 0


def _propagate_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vp2p.bench propagate",
        description="Propagate the true key frame of known edits, and clips' own key frames: PSNR inside the object.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="folder of clips with masks, and true edits if known")
    what.add_argument("--cases", nargs="+", metavar="CASE", help="or cases of SpriteBench, such as bending/train")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON file of the figures")
    parser.add_argument("--keys", type=int, default=1, help="how many true key frames are given")
    parser.add_argument(
        "--between", type=int, default=0, metavar="N",
        help="give each N-th frame's true edit instead, and score the frames between; "
        f"cases are drawn into {FRAMES - 1} N + 1 frames",
    )  # fmt: skip
    parser.add_argument("--sheets", type=Path, metavar="DIR", help="also write pictures of each clip into this folder")
    _add_without(parser)
    return parser


def _add_without(parser: argparse.ArgumentParser) -> None:
    told = "; ".join(f"{name}: {part.meaning}" for name, part in PARTS.items())
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        choices=PARTS,
        metavar="PART",
        help=f"leave parts of compositing out. {told}",
    )


def _line(found: Result | Failed) -> str:
    if isinstance(found, Failed):
        return f"{found.case} {found.method} failed: {found.cause}\nhint: {found.hint}"
    scores = found.scores
    kept = "" if scores.kept is None else f", kept {scores.kept:.2f} dB"
    true = "" if scores.true is None else f", true {scores.true:.2f} dB"
    return f"{found.case} {found.method}: took {100 * scores.took:.0f}%{kept}{true}, steady {scores.steady:.2f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vp2p.bench", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench"), help="folder of the results and of all work")
    parser.add_argument(
        "--methods", nargs="+", default=list(METHODS), metavar="METHOD",
        help="which methods, settings changed where you like: direct,edit.cross_replace=0.6; known: "
        + ", ".join(METHODS),
    )  # fmt: skip
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="SETTING",
        help="other defaults, such as tune.steps=30, for what a method does not say itself",
    )  # fmt: skip
    parser.add_argument(
        "--cases", nargs="+", default=[], metavar="CASE", help="ids, patterns such as 'object-0*', train or held-out"
    )
    parser.add_argument("--jobs", type=int, default=1, help="cases at once, each in a process with a model of its own")
    _add_without(parser)
    return parser


if __name__ == "__main__":
    with printing.opened() as ended:
        code = ended(main())
    sys.exit(code)
