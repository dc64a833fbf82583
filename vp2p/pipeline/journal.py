"""What the passes of edits of a long clip have come to, so that edits that were broken off go on from there."""

from __future__ import annotations

import dataclasses
from typing import Callable, Mapping, Sequence

import torch
from torch import Tensor

from vp2p.method.attention.protocol import AttentionControl, Layout
from vp2p.method.branches import Target
from vp2p.method.editing import Edited
from vp2p.method.editing import edit as edit_latents
from vp2p.pipeline.job import EditJob
from vp2p.t2s.windows import WindowLog

State = Mapping[str, Tensor]

_CONTROL, _WINDOWS, _CARRIED, _FINISHED = "control.", "windows", "carried.", "finished"


class Journal:
    """The passes of edits that are made side by side, in their order. What is ``found`` of them is not done again.

    Args:
        on_state: called after each step, and each window of a step, with what makes the state to go on from.
        found: such a state.
    """

    def __init__(self, on_state: Callable[[Callable[[], State]], None], found: State | None = None) -> None:
        self._on_state, self._found = on_state, dict(found or {})
        self._finished: dict[str, Tensor] = {}
        self._count = 0

    def denoised(self, job: EditJob, targets: Sequence[Target], on_step: Callable[[Edited], None]) -> Edited:
        """As :func:`vp2p.method.editing.edit`: the state after the last step."""
        found = {name: one.to(job.model.device) for name, one in _under(f"{self._count}.", self._found).items()}
        if not found or found["targets"].shape != (len(targets), *job.branches.x.shape):
            self._found = found = {}  # passes that follow are made of this one
        edited = _edited(found, len(targets)) if found else None
        if edited is None or _FINISHED not in found:
            edited = self._go_on(job, targets, on_step, (edited, found))
        self._finished |= _with(f"{self._count}.", {**_tensors(edited), _FINISHED: torch.ones(())})
        self._count += 1
        self._on_state(lambda: self._finished)
        return edited

    def _go_on(
        self,
        job: EditJob,
        targets: Sequence[Target],
        on_step: Callable[[Edited], None],
        known: tuple[Edited | None, State],
    ) -> Edited:
        """Takes the steps that are left of a pass, of which something is ``known``, as an edit and as tensors."""
        (edited, found), branches, made = known, job.branches, []
        if edited is None:
            starts = torch.stack([branches.x if target.start is None else target.start for target in targets])
            edited = Edited(branches.schedule.steps - branches.start, branches.x, starts, (None,) * len(targets))
        else:
            start = branches.schedule.steps - edited.step
            branches = dataclasses.replace(branches, start=start, x=edited.source)
            targets = [dataclasses.replace(one, start=at) for one, at in zip(targets, edited.targets)]
        last, before = [edited], edited

        def control(layout: Layout, targets: Sequence[Target]) -> AttentionControl:
            made.append(job.control(layout, targets))
            if found:
                made[0].restore(before.masks, _under(_CONTROL, found))
            return made[0]

        def offer(windows: Sequence[Tensor]) -> None:
            now, read, finished, prefix = last[0], made[0].state(), dict(self._finished), f"{self._count}."
            carried = dict(log.carried)
            self._on_state(
                lambda: {
                    **finished,
                    **_with(prefix, _tensors(now)),
                    **_with(prefix + _CONTROL, read),
                    **({prefix + _WINDOWS: torch.stack(list(windows))} if windows else {}),
                    **(_with(prefix + _CARRIED, carried) if windows else {}),
                }
            )

        def told(state: Edited) -> None:
            last[0] = state
            on_step(state)
            if state.step < branches.schedule.steps:
                offer(())

        windows = iter(found[_WINDOWS]) if _WINDOWS in found else None
        job.t2s.window_log = log = WindowLog(offer, windows, _under(_CARRIED, found))
        try:
            return edit_latents(job.t2s, branches, targets, told, control)
        finally:
            job.t2s.window_log = None


def _tensors(edited: Edited) -> dict[str, Tensor]:
    kept = {"step": torch.tensor(edited.step), "source": edited.source, "targets": edited.targets}
    for name, parts in (("mask", edited.masks), ("attention", edited.attention)):
        kept |= {f"{name}.{place}": one for place, one in enumerate(parts) if one is not None}
    return kept


def _edited(found: State, count: int) -> Edited:
    masks, attention = (tuple(found.get(f"{name}.{place}") for place in range(count)) for name in ("mask", "attention"))
    return Edited(int(found["step"]), found["source"], found["targets"], masks, attention)


def _with(prefix: str, tensors: State) -> dict[str, Tensor]:
    return {prefix + name: one for name, one in tensors.items()}


def _under(prefix: str, tensors: State) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
