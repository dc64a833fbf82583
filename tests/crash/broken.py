"""``python -m tests.crash.broken``: breaks the long commands off in every way, and prints what came of it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
import tempfile
from itertools import chain
from pathlib import Path

from tests.crash.campaigns import Figures, Share, at_points, at_random, short_of_memory, unbroken
from tests.crash.commands import COMMANDS
from tests.crash.trials import prepare


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.crash.broken", description=__doc__)
    asked.add_argument("commands", nargs="*", choices=[[], *COMMANDS], metavar="command", help="by default all")
    asked.add_argument("--thorough", action="store_true", help="all ways at every write point")
    asked.add_argument("--every", type=int, default=1, help="break at every so manieth write point alone")
    asked.add_argument("--random-kills", type=int, default=20, help="random instants for SIGKILL, a command")
    asked.add_argument("--random-signals", type=int, default=4, help="random instants, a command and signal")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--json", action="store_true", help="print JSON, not a table")
    options = asked.parse_args()
    logging.disable()
    share = Share(options.thorough, options.every, options.seed)
    figures: list[Figures] = []
    with tempfile.TemporaryDirectory() as scratch:
        clip = Path(scratch) / "cat.mp4"
        prepare(clip)
        for one in unbroken(Path(scratch), clip, options.commands or list(COMMANDS)):
            print(f"{one.name}: {len(one.points)} write points, {one.seconds:.2f} s", file=sys.stderr)
            for found in chain(
                at_points(one, Path(scratch), share),
                at_random(one, Path(scratch), options.random_kills, options.random_signals, options.seed),
                (short_of_memory(one, Path(scratch), share),),
            ):
                print(*found.failures, f"{one.name} {found.way}: {found.trials}", sep="\n", file=sys.stderr, flush=True)
                figures.append(found)
    if options.json:
        print(json.dumps([dataclasses.asdict(one) for one in figures]))
    else:
        for one in figures:
            print(f"| {one.command} | {one.way} | {one.trials} | {len(one.failures)} |")
    sys.exit(any(one.failures for one in figures))


if __name__ == "__main__":
    main()
