"""What one edit does to the prompt's words, worked out before any step is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from vp2p.errors import PromptError
from vp2p.models.text import check_length
from vp2p.prompts.align import Alignment, TokenMap, align, token_map
from vp2p.prompts.blend_words import blend_tokens, changed_words
from vp2p.prompts.swap import Swapped, swapped_prompt
from vp2p.prompts.unspaced import parted
from vp2p.prompts.weights import WordWeights, time_windows, word_weights, word_windows
from vp2p.prompts.words import TokenizedPrompt, split_prompt
from vp2p.settings import EditSettings

if TYPE_CHECKING:
    from transformers import CLIPTokenizer


@dataclass(frozen=True)
class EditPlan:
    """One edit over L padded tokens and T steps.

    ``weights`` say what each target token's map is multiplied by. ``windows`` is (T+1, L), 1 where a
    target token is controlled at a step. ``blend`` holds the source's and the target's
    token positions whose maps outline the edit; None lets the edit act everywhere, and two empty
    tuples nowhere. ``swaps`` are those that were asked for, in their order.
    """

    source: TokenizedPrompt
    target: TokenizedPrompt
    alignment: Alignment
    tokens: TokenMap
    weights: WordWeights
    windows: Tensor
    blend: tuple[tuple[int, ...], tuple[int, ...]] | None
    swaps: tuple[Swapped, ...] = ()

    @property
    def kind(self) -> str:
        """``same``, ``reweight``, ``swap`` or ``refine``."""
        if self.alignment.kind == "same" and bool((self.weights.table != 1).any()):
            return "reweight"
        return self.alignment.kind

    @property
    def changed_words(self) -> tuple[str, ...]:
        """The target's words that are new; those without a space between them are one."""
        found: list[tuple[str, int]] = []
        for word in changed_words(self.target, self.alignment, target=True):
            joins = bool(found) and found[-1][1] == word.start
            found.append((found.pop()[0] + word.text if joins else word.text, word.end))
        return tuple(text for text, _ in found)

    @property
    def changed_signs(self) -> str:
        """What the target has that is new and no word, such as "&"."""
        spans = [self.target.offsets[at] for tokens in self.alignment.added for at in tokens]
        return " ".join(dict.fromkeys(self.target.prompt[start:end] for start, end in spans)).strip()

    @property
    def replaces(self) -> bool:
        """Whether words stand for others, rather than beside them."""
        return bool(self.alignment.replaced)

    def at(self, step: int) -> TokenMap:
        """The linear form with weights and windows at a step of 0…T-1."""
        open_, weights = self.windows[step], self.weights.table[step]
        scale, free = weights * open_, weights.where(self.weights.always, 1)
        return TokenMap(self.tokens.source * scale, self.tokens.keep * scale + (1 - open_) * free)


def plan_words(tokenizer: CLIPTokenizer, prompt: str, settings: EditSettings, steps: int, length: int) -> EditPlan:
    """Works out an edit of ``prompt`` over ``steps`` steps and ``length`` padded tokens.

    Raises:
        PromptError: nothing says what to change; a malformed weight or window, an unknown word, or a prompt that
            is too long; and see :func:`swapped_prompt`.
    """
    said = settings.words
    if said.prompt is None and not said.swap and not said.reweight:
        raise PromptError(
            "There is no edit to make.", 'vp2p edit --swap OLD=NEW, or --prompt "…", or --reweight WORD:2'
        )
    target_prompt, swaps = (
        (said.prompt, ()) if said.prompt is not None else swapped_prompt(tokenizer, prompt, said.swap)
    )
    source, target = split_prompt(tokenizer, prompt), split_prompt(tokenizer, target_prompt)
    for each in (source, target):
        check_length(each.prompt, len(each.ids), length)
    if not target.words:
        raise PromptError("The new prompt holds no word.", 'write it like --prompt "a dog on the grass"')
    source, target = parted(source, target)
    phrases = [
        (source.tokens_in(*one.old), target.tokens_in(*one.new))
        for one in sorted(swaps, key=lambda one: one.old)
        if one.resized
    ]
    alignment = align(source, target, phrases)
    weights = word_weights(target, said.reweight, range(steps - settings.control.taken(steps), steps), length)
    for word in changed_words(target, alignment, target=True):
        if word not in weights.words:
            weights.table[:, list(word.tokens)] = said.new_weight
    windows = time_windows(target, (0.0, settings.control.cross_window), word_windows(said.window), steps, length)
    blend = None
    if not settings.blend.off:  # with a mask that is given, versions are still compared by what attention sees
        weighed = [word for word in weights.words if bool((weights.table[:, list(word.tokens)] != 1).any())]
        blend = blend_tokens(source, target, alignment, weighed, settings.blend.words)
    tokens = token_map(alignment, source, target, length)
    return EditPlan(source, target, alignment, tokens, weights, windows, blend, swaps)
