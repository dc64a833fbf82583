"""What a Python program edits clips with: a model, and its verbs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Mapping

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vp2p.defaults import for_model
from vp2p.errors import UsageError
from vp2p.method.inversion.protocol import InversionStep
from vp2p.method.tuning import Tuning, tune
from vp2p.models.finders import Finders
from vp2p.models.loading import load_model
from vp2p.pipeline.attention import word_attention
from vp2p.pipeline.described import Described
from vp2p.pipeline.edit import Asked, Edit, edit_all
from vp2p.pipeline.effect import check_guide, check_merging, followed, nothing_changed, undrawn
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.inversion import Inversion
from vp2p.pipeline.invert import invert
from vp2p.pipeline.mask import Mask, Wanted, find_mask, marks_of
from vp2p.pipeline.pairs import SEVERAL, pairs
from vp2p.pipeline.reference import find_reference
from vp2p.pipeline.seen import WordAttention
from vp2p.pipeline.tune import tuning_task
from vp2p.pipeline.unread import EditCase, given, unread_by_edit, unread_by_mask, without_effect
from vp2p.progress import Progress, silent
from vp2p.prompts.alternatives import alternatives, single
from vp2p.prompts.plan import EditPlan
from vp2p.prompts.weight import weight_notes
from vp2p.schema import from_mapping
from vp2p.settings import AttentionSettings, EditSettings, MaskSettings, ModelSettings
from vp2p.video.clip import Clip


@dataclass(frozen=True)
class Tuned:
    """The tensors that tuning trained, by their names in the UNet, and the loss of each step."""

    tensors: Mapping[str, Tensor]
    losses: tuple[float, ...] = ()

    def save(self, path: Path | str) -> None:
        """Writes the tensors as safetensors, which :meth:`VideoModel.load_tuned` reads."""
        save_file({name: tensor.cpu().contiguous() for name, tensor in self.tensors.items()}, str(path))


class VideoModel(InflatedModel):
    """A text-to-set model: it tunes itself on a clip, inverts clips and edits inversions.

    Two models share nothing. Nothing is printed or written. Every verb calls ``on_step(what, done, total, metric)``
    after each step; what it raises ends the work, and leaves the model as it was. Options are those of the command
    of the same name, with ``_`` for ``-``; the defaults are what the model's card recommends, else those of the
    command line.
    """

    def tune(self, clip: Clip, prompt: str, *, on_step: Progress = silent, **options: Any) -> Tuned:
        """Tunes the untuned model on a clip (Video-P2P, section 3.1); the model then holds the tuned weights.

        Args:
            prompt: what the clip shows.
            options: of ``vp2p tune``, such as ``steps=200``; see :class:`vp2p.settings.TuneSettings`.

        Raises:
            UsageError: an unknown option, a wrong value, or a size that the model cannot take.
            PromptError: the prompt is too long.
        """
        settings = for_model(self.latent.folder, "tune", options)
        parameters = self.t2s.tuned_parameters(norm_temp=True)
        before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
        self.untune()
        losses: list[float] = []

        def told(state: Tuning, loss: float) -> None:
            losses.append(loss)
            on_step("tune", state.step, settings.most, f"loss {loss:.4f}")

        try:
            task = tuning_task(self, Described(self.fitted(clip), prompt), settings)
            state = tune(task, Tuning.start(self.t2s, settings), told)
        except BaseException:
            self.t2s.load_tuned(before)
            raise
        del before
        return Tuned({name: one.clone() for name, one in state.tuned().items()}, tuple(losses))

    def load_tuned(self, tuned: Tuned | Path | str) -> None:
        """Puts tuned weights into the model, from memory or from a file.

        Raises:
            ArtifactError: they are of another model.
        """
        tensors = tuned.tensors if isinstance(tuned, Tuned) else load_file(str(tuned))
        self.untune()
        self.t2s.load_tuned(dict(tensors))

    def invert(self, clip: Clip, prompt: str, *, on_step: Progress = silent, **options: Any) -> Inversion:
        """Finds the way from a clip to noise and back (Video-P2P, section 3.2).

        Args:
            prompt: what the clip shows.
            options: of ``vp2p invert``, such as ``method="null-text"``; see :class:`vp2p.settings.InvertSettings`.

        Raises:
            UsageError, PromptError: as for :meth:`tune`.
        """
        settings = for_model(self.latent.folder, "invert", options)

        def told(step: InversionStep) -> None:
            on_step(step.phase, step.done, step.total, step.metric)

        return invert(self, Described(self.fitted(clip), prompt), settings, told)

    def edit(
        self,
        inversion: Inversion,
        *,
        swap: Mapping[str, str] | Iterable[str] = (),
        mask: np.ndarray | Mask | None = None,
        on_step: Progress = silent,
        **options: Any,
    ) -> Edit:
        """Edits an inverted clip by its words (Video-P2P, Algorithm 1).

        Args:
            swap: words and what takes their place: ``{"cat": "dog"}``, or ``["cat=dog"]``.
            mask: (F, H, W) at the size of ``inversion.clip``, not zero where the edit may act, or what :meth:`mask`
                found; by default that follows from the attention to the changed words.
            options: of ``vp2p edit``, such as ``prompt="a dog on the grass"``, ``reweight={"red": 2}``,
                ``reweight={"red": (0, 3)}``, ``window={"dog": (0.1, 0.8)}`` or ``reference="dog.png:0.6"``; see
                :class:`vp2p.settings.EditSettings`.

        Raises:
            UsageError: an unknown option, a wrong value, a mask of another shape, or guidance by optimised embeddings
                that the inversion has not.
            PromptError: no edit is named, or a word is not in the prompt.
        """
        single(for_model(self.latent.folder, "edit", pairs({**options, "swap": swap})), SEVERAL)
        return self.edit_all(inversion, [{"swap": swap}], mask=mask, on_step=on_step, **options)[0]

    def edit_all(
        self,
        inversion: Inversion,
        edits: Iterable[Mapping[str, Any]],
        *,
        mask: np.ndarray | Mask | None = None,
        on_step: Progress = silent,
        **options: Any,
    ) -> list[Edit]:
        """Edits an inverted clip in several ways at once: the same as one after the other, in less time.

        Args:
            edits: of each edit the options that are its own, such as ``{"swap": {"cat": "dog"}}``. One with
                alternatives, such as ``{"swap": {"cat": ("dog", "fox")}}``, stands for an edit for each.
            mask, options: of all edits, as for :meth:`edit`.

        Raises:
            UsageError, PromptError: as for :meth:`edit`; then none is made.
        """
        shared = {"mask": "an array"} if mask is not None else {}
        user_mask = None if mask is None else _mask(mask, inversion.clip)
        each = (for_model(self.latent.folder, "edit", pairs({**options, **own}) | shared) for own in edits)
        wanted = [settings for one in each for settings in alternatives(one)]
        plans: list[EditPlan] = []
        for settings in wanted:  # before any is made
            check_guide(settings, inversion.settings)
            check_merging(settings, self._modes[1])
            find_reference(settings.words.reference, self.latent.folder)
            plans.append(self.plan(inversion.prompt, settings, inversion.settings.steps))
        described = Described(inversion.clip, inversion.prompt)
        found = {one: self._find(described, one, on_step) for settings in wanted if (one := settings.blend.found).asked}
        masks = [found.get(settings.blend.found) for settings in wanted]
        asked = [
            Asked(one, user_mask if mask is None else _mask(mask, inversion.clip)) for one, mask in zip(wanted, masks)
        ]
        made = dict(edit_all(self, inversion, asked, on_step))
        usual, long = for_model(self.latent.folder, "edit", {}), len(inversion.clip.pixels) > self.t2s.window_frames
        cases = (EditCase(settings, plan, inversion.settings, long) for settings, plan in zip(wanted, plans))
        return [
            _noted(made[place], case, usual, () if mask is None else mask.notes)
            for place, (case, mask) in enumerate(zip(cases, masks))
        ]

    def mask(self, clip: Clip, prompt: str, *, on_step: Progress = silent, **options: Any) -> Mask:
        """Finds a mask that nobody drew, to be given to :meth:`edit` as ``mask``.

        Args:
            options: of ``vp2p mask``: ``mask_text="the cat"``, or ``mask_point=[(120, 80)]`` in pixels of ``clip``, and
                those of :class:`vp2p.settings.MaskSettings` that say what finds it. ``(120, 80, 3)`` is in the third
                frame.

        Raises:
            UsageError: a wrong option, a point outside of the clip, or nothing is found.
            PromptError: without networks, words that are not in the prompt.
            ModelError: a network that is named cannot be had.
        """
        settings = from_mapping(MaskSettings, pairs(options))
        idle = without_effect(given(settings, MaskSettings()), unread_by_mask(settings))
        found = self._find(Described(clip, prompt), settings, on_step)
        return dataclasses.replace(found, notes=(*found.notes, *idle))

    def _find(self, described: Described, settings: MaskSettings, on_step: Progress) -> Mask:
        clip = described.clip
        fitted = self.fitted(clip)
        marks = marks_of(settings.placed, dataclasses.replace(fitted, fit=clip.fit), clip.pixels.shape[2:0:-1])
        wanted = Wanted(settings, marks, Finders.of(settings))
        return find_mask(lambda: self, Described(fitted, described.prompt), wanted, on_step)

    def attention(
        self, clip: Clip, prompt: str, *words: str, on_step: Progress = silent, **options: Any
    ) -> WordAttention:
        """Where the model sees words of a prompt in a clip, before anything is edited.

        Args:
            words: by default all that name something.
            options: of ``vp2p attention``; see :class:`vp2p.settings.AttentionSettings`.

        Raises:
            UsageError, PromptError: a wrong option; there is no such word.
        """
        settings = from_mapping(AttentionSettings, {**options, "words": words})
        return word_attention(self, Described(self.fitted(clip), prompt), settings, on_step)


def load(model: str = "sprites", **options: Any) -> VideoModel:
    """Loads a model.

    Args:
        model: ``sprites``, the bundled one; a folder in diffusers' format; a checkpoint in one safetensors file; a hub
            id; or an alias (sd15, sd21, sdxl).
        options: of :class:`vp2p.settings.ModelSettings`, such as ``device="cuda"`` or ``dtype="fp16"``.

    Raises:
        ModelError: there is no such model, or it cannot be inflated.
        UsageError: an unknown option, or the device is absent.
    """
    settings = from_mapping(ModelSettings, {**options, "model": str(model)})
    modes = settings.group_norm, settings.attention, settings.memory, settings.window_frames
    return VideoModel(load_model(settings), *modes)


def _noted(edit: Edit, case: EditCase, usual: EditSettings, notes: tuple[str, ...]) -> Edit:
    named, unread = given(case.settings, usual), unread_by_edit(case)
    read = {name: value for name, value in named.items() if name not in unread}
    before = (*weight_notes(case.settings.words.reweight), *without_effect(named, unread))
    after = (*nothing_changed(edit, case.settings), *undrawn(edit, read), *followed(edit))
    return dataclasses.replace(edit, notes=(*notes, *before, *after))


def _mask(mask: np.ndarray | Mask, clip: Clip) -> Tensor:
    """(F, H, W) float32, 1 where the edit may act. Raises UsageError for another shape."""
    wanted = clip.pixels.shape[:3]
    mask = np.asarray(mask)
    if mask.shape != wanted:
        raise UsageError(
            f"The mask has the shape {mask.shape}, but the inverted clip {wanted}.",
            "give a mask of the size of inversion.clip.pixels, one plane a frame",
        )
    return torch.from_numpy(mask != 0).float()
