"""What a step of each stage costs: seconds, share of the matrix rate, and peak memory.

``python -m tests.speed --model sd15 --device cuda --dtype bf16 --side 512 --frames 8 24 --out speed.json``
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any, Callable, Iterator

import torch

from tests.speed.against import pairs
from tests.speed.jobs import JOBS, job
from tests.speed.measuring import Meter, Row, Work, waits
from tests.speed.models import model_named
from tests.speed.stages import Stages

_UPDATES = (2, 6)  # of the null embedding; what the more cost is their difference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("sprites", "sd15"), default="sprites")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="fp32")
    parser.add_argument("--side", type=int, default=128, help="of the clip, in pixels")
    parser.add_argument("--frames", type=int, nargs="+", default=[8])
    parser.add_argument("--steps", type=int, default=4, help="how many steps of tuning are timed together")
    parser.add_argument("--stages", nargs="+", help="only those whose name begins so")
    parser.add_argument(
        "--against", type=int, default=0, metavar="N", help="compare with the straightforward form, N times"
    )
    parser.add_argument("--jobs", nargs="*", choices=JOBS, default=(), help="whole jobs after the stages")
    parser.add_argument("--memory", choices=("high", "low"), default="high")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if given.device == "cpu":
        torch.set_num_threads(1)
    meter = Meter(given.device)
    found: dict[str, Any] = {"machine": machine(given.device), **{k: str(v) for k, v in vars(given).items()}}
    with tempfile.TemporaryDirectory() as folder:
        model = model_named(given.model, given.device, given.dtype, Path(folder))
        model.memory = given.memory
        model.save_memory(given.memory == "low")
        rate = found["matrix teraflops a second"] = meter.matrix_rate(model.latent.dtype)
        print(f"{found['machine']}: {rate:.3g} TFLOP/s", flush=True)
        for frames in given.frames:
            stages = Stages(model, frames, given.side)
            found[f"{frames} frames"] = []
            for row in chain(rows(stages, meter, given), *(job(name, stages, meter) for name in given.jobs)):
                found[f"{frames} frames"].append(dataclasses.asdict(row))
                given.out.write_text(json.dumps(found, indent=1))
                counted = f"{row.teraflops:.3g} TFLOP, {row.teraflops / row.seconds / rate:.0%} of the matrix rate, "
                print(
                    f"{frames} frames, {row.stage}: {row.seconds:.4g} s, {counted if row.teraflops else ''}"
                    f"{row.memory / 2**30:.2f} GiB",
                    flush=True,
                )
            for one in compared(stages, meter, given.against) if given.against else ():
                found[f"{frames} frames"].append(one)
                given.out.write_text(json.dumps(found, indent=1))
                print(
                    f"{frames} frames, {one['step']}: {one['seconds']:.4g} s, {one['ratio']:.2f} of the straightforward"
                    f" {one['straightforward']:.4g}; peak {one['memory'] / 2**30:.2f} GiB, {one['memory ratio']:.2f}",
                    flush=True,
                )
            if meter.on_gpu:
                for name, work, steps in (
                    ("tuning", stages.tuning(4), 4),
                    ("inversion", stages.inverting(4), 4),
                    ("edit", stages.editing(1), stages.steps),
                ):
                    work()
                    print(f"{frames} frames, {name}: waits {waits(work) / steps:.1f} times a step", flush=True)


def rows(stages: Stages, meter: Meter, given: argparse.Namespace) -> Iterator[Row]:
    """One row after another; those that are not asked for are left out."""
    n = given.steps

    def wanted(name: str) -> bool:
        return not given.stages or any(name.startswith(one) for one in given.stages)

    if wanted("encode"):
        yield meter.row("encode the clip", stages.encode())
    if wanted("tuning"):
        yield meter.row("tuning step", stages.tuning(n), per=n)
        yield meter.row("tuning step, checkpointed", stages.tuning(n, gradient_checkpointing=True), per=n)
    if wanted("inversion"):
        yield meter.row("inversion step", stages.inverting(n), per=n)
    if wanted("null-text"):
        few, many = (meter.row("", stages.null_text(updates)) for updates in _UPDATES)
        more = _UPDATES[1] - _UPDATES[0]
        seconds, work = (many.seconds - few.seconds) / more, (many.teraflops - few.teraflops) / more
        yield Row("null-text inner iteration", seconds, work, many.memory)
    if wanted("edit"):
        for targets in (1, 3):
            name = f"edit step, {targets} in a pass" if targets > 1 else "edit step"
            yield meter.row(name, stages.editing(targets), times=1, per=stages.steps)
        yield meter.row("edit step, without a blend mask", stages.editing(1, no_blend=True), times=1, per=stages.steps)
        work = stages.editing(1, merge_tokens=0.5)
        yield meter.row("edit step, tokens merged by half", work, times=1, per=stages.steps)
    if wanted("decode"):
        yield meter.row("decode the clip", stages.decode())
    if wanted("whole"):
        yield meter.row("whole edit, with compositing", stages.whole_edit(), times=1)


def compared(stages: Stages, meter: Meter, times: int) -> Iterator[dict[str, Any]]:
    """The package's steps beside the straightforward ones, in turn."""
    for pair in pairs(stages):
        ours, straightforward = [], []
        for _ in range(times):
            seconds, memory = _second_run(meter, pair.ours)
            seconds -= meter.seconds(pair.before()) if pair.before else 0.0
            ours.append((seconds / pair.per, memory))
            stages.model.save_memory(False)  # the straightforward form never does
            straightforward.append(_second_run(meter, pair.straightforward))
        (mine, my_peak), (theirs, their_peak) = (
            (statistics.median(one[0] for one in runs), max(one[1] for one in runs)) for runs in (ours, straightforward)
        )
        yield {
            "step": pair.name, "seconds": mine, "straightforward": theirs, "ratio": mine / theirs,
            "memory": my_peak, "straightforward memory": their_peak, "memory ratio": my_peak / their_peak,
        }  # fmt: skip


def _second_run(meter: Meter, make: Callable[[], Work]) -> tuple[float, int]:
    """The seconds and the peak of a work's second run, once its optimiser has its state; then all of it goes."""
    work = make()
    work()
    return meter.measured(work)


def machine(device: str) -> str:
    """What computes."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return models[0].split(":")[1].strip() if models else "CPU"


if __name__ == "__main__":
    main()
