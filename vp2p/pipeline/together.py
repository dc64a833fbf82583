"""Edits side by side: what each asks to have denoised is denoised in one pass with what the others ask."""

from __future__ import annotations

from typing import Any, Generator, Iterator, Sequence, TypeVar

import torch

from vp2p.errors import is_out_of_memory
from vp2p.method.branches import Target
from vp2p.method.editing import Edited
from vp2p.method.editing import edit as edit_latents
from vp2p.pipeline.job import EditJob, Request
from vp2p.pipeline.journal import Journal
from vp2p.progress import Progress

# Targets of whole clips in one pass. Each takes two branches beside the one source, so four take 3/4 of the time
# of four passes in three times the memory; eight would take 0.71 of it in nearly six times the memory.
MOST = 4

Result = TypeVar("Result")
Asking = Generator[Request, Edited, Result]
"""Work that asks for passes by ``yield``, is given the latents after the last step, and returns a result."""


def together(
    works: Sequence[Asking[Result]], on_step: Progress, journal: Journal | None = None
) -> Iterator[tuple[int, Result]]:
    """Does works of one inversion side by side.

    Args:
        journal: keeps their passes, and knows some of them.

    Yields:
        The place of each work and its result, as soon as that one ends.
    """
    answers: dict[int, Edited | None] = dict.fromkeys(range(len(works)))
    while answers:
        asked: dict[int, Request] = {}
        for place, answer in answers.items():
            try:
                # A generator that has not begun takes nothing but None, as its types cannot say.
                asked[place] = works[place].send(answer)  # type: ignore[arg-type]
            except StopIteration as ended:
                yield place, ended.value
        answers = dict(sorted(_answers(asked, on_step, journal)))


def _answers(asked: dict[int, Request], on_step: Progress, journal: Journal | None) -> Iterator[tuple[int, Edited]]:
    """What each work asked for; requests with the same source share its passes."""
    groups: dict[Any, list[int]] = {}
    for place, request in asked.items():
        groups.setdefault(request.job.source_key, []).append(place)
    for places in groups.values():
        requests = [asked[place] for place in places]
        targets = [target for request in requests for target in request.targets]
        words = ", ".join(dict.fromkeys(" ".join(target.plan.changed_words) for target in targets))
        what = f"{requests[0].what} {words}".strip()
        edited = _denoised(requests[0].job, targets, what, on_step, journal)
        first = 0
        for place, request in zip(places, requests):
            yield place, edited.of_targets(first, len(request.targets))
            first += len(request.targets)


def _denoised(job: EditJob, targets: Sequence[Target], what: str, on_step: Progress, journal: Journal | None) -> Edited:
    """Some targets after the last step (Algorithm 1), in as few passes as memory allows."""
    window = job.model.t2s.window_frames
    whole, asked = (min(window, len(frames)) for frames in (job.inversion.clip.pixels, job.branches.x))
    most, done = min(MOST, job.model.most_targets) * whole // asked, 0
    parts: list[Edited] = []
    while done < len(targets):
        chosen = targets[done : done + most]
        part = f" ({done + 1}–{done + len(chosen)} of {len(targets)})" if len(chosen) < len(targets) else ""
        try:
            parts.append(_one_pass(job, chosen, what + part, on_step, journal))
        except Exception as error:
            if len(chosen) == 1 or not is_out_of_memory(error):
                raise
            most = len(chosen) // 2
            continue
        done += len(chosen)
    masks = tuple(mask for part in parts for mask in part.masks)
    attention = tuple(one for part in parts for one in part.attention)
    return Edited(parts[0].step, parts[0].source, torch.cat([part.targets for part in parts]), masks, attention)


def _one_pass(job: EditJob, targets: Sequence[Target], what: str, on_step: Progress, journal: Journal | None) -> Edited:
    steps = job.branches.schedule.steps

    def told(state: Edited) -> None:
        on_step(what, state.step, steps)

    if journal is not None:
        return journal.denoised(job, targets, told)
    return edit_latents(job.t2s, job.branches, targets, told, job.control)
