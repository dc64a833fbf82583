"""``python -m tests.crash``: makes the trials of some campaigns, all of them or a share, and prints what came of it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
import tempfile
from pathlib import Path

from tests.crash import damaged, faults, hostile, words, writers
from tests.crash.drive import Campaign, Outcome, drive
from tests.crash.ground import make_ground

CAMPAIGNS: dict[str, Campaign] = {
    "hostile": hostile.campaign,
    "damaged": damaged.campaign,
    "writers": writers.campaign,
    "words": words.campaign,
    "faults": faults.campaign,
    "kills": faults.kills,
}


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    asked.add_argument("--campaign", action="append", choices=CAMPAIGNS, help="may be repeated; by default all")
    asked.add_argument("--trials", type=int, help="at most so many of each, drawn by the seed; by default all")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--processes", type=int, default=1)
    asked.add_argument("--json", action="store_true", help="print JSON, not a table")
    options = asked.parse_args()
    logging.disable()
    found: list[Outcome] = []
    with tempfile.TemporaryDirectory() as scratch:
        ground = make_ground(Path(scratch) / "ground")
        for name in options.campaign or CAMPAIGNS:
            found.append(drive(name, CAMPAIGNS[name], ground, options.trials, options.seed, options.processes))
            if not options.json:
                one = found[-1]
                print(
                    f"| {name} | {one.there:,} | {one.trials:,} | {len(one.failures)} | {one.seconds:.0f} s |",
                    flush=True,
                )
    if options.json:
        print(json.dumps([dataclasses.asdict(one) for one in found]))
    sys.exit(any(one.failures for one in found))


if __name__ == "__main__":
    main()
