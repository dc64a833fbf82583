"""What one edit does to the prompt's words, worked out before any step is taken."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from vp2p.errors import PromptError
from vp2p.method.alignment import Alignment, TokenMap, align, token_map
from vp2p.models.words import TokenizedPrompt, Word, find_word, split_prompt
from vp2p.settings import EditSettings

# Words that name no region of a picture; an added word that stands before one edits the whole picture.
FUNCTION_WORDS = frozenset(
    "a an the this that these those of on in at by to for from with without into onto over under near and or but "
    "is are was were be been being as it its his her their my your our".split()
)


@dataclass(frozen=True)
class EditPlan:
    """One edit over L padded tokens and T steps.

    ``weights`` is (L,), what each target token's map is multiplied by. ``windows`` is (T+1, L), 1
    where a target token is controlled at a step. ``blend`` holds the source's and the target's
    token positions whose maps outline the edit; None lets the edit act everywhere, and two empty
    tuples nowhere.
    """

    source: TokenizedPrompt
    target: TokenizedPrompt
    alignment: Alignment
    tokens: TokenMap
    weights: Tensor
    windows: Tensor
    blend: tuple[tuple[int, ...], tuple[int, ...]] | None

    @property
    def kind(self) -> str:
        """``same``, ``reweight``, ``swap`` or ``refine``."""
        if self.alignment.kind == "same" and bool((self.weights != 1).any()):
            return "reweight"
        return self.alignment.kind

    @property
    def changed_words(self) -> tuple[str, ...]:
        """The target's words that are new."""
        return tuple(word.text for word in _changed(self.target, self.alignment, target=True))

    def at(self, step: int) -> TokenMap:
        """The linear form with weights and windows at a step of 0…T-1."""
        open_ = self.windows[step]
        scale = self.weights * open_
        return TokenMap(self.tokens.source * scale, self.tokens.keep * scale + (1 - open_))


def number(text: str, option: str, example: str) -> float:
    """A finite number out of an option's text.

    Raises:
        PromptError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value or value in (float("inf"), float("-inf")):
        raise PromptError(f"{text!r} in {option} is not a number.", f"write it like {example}")
    return value


def swapped_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str, swaps: tuple[str, ...]) -> str:
    """The prompt with each ``old=new`` replaced; both sides hold the same number of words.

    Raises:
        PromptError: a malformed swap, a word that is not there or not unique, overlapping swaps, or
            a change of the word count.
    """
    source = split_prompt(tokenizer, prompt)
    pieces: list[tuple[int, int, str]] = []
    for swap in swaps:
        old, separator, new = swap.partition("=")
        old, new = old.strip(), " ".join(new.split())
        if not separator or not old or not new:
            raise PromptError(f"{swap!r} is not a swap.", "write it like --swap cat=dog")
        words = _phrase(source, old)
        start, end = words[0].start, words[-1].end
        if any(start < other_end and other_start < end for other_start, other_end, _ in pieces):
            raise PromptError(f"Two swaps change {old!r}.", "give each word one --swap")
        if len(new.split()) != len(words):
            whole = prompt[:start] + new + prompt[end:]
            raise PromptError(
                f"The swap {swap!r} turns {len(words)} word{'s' * (len(words) > 1)} into {len(new.split())}, "
                "but a swap keeps the number of words.",
                f'vp2p edit --prompt "{whole}"',
            )
        pieces.append((start, end, new))
    for start, end, new in sorted(pieces, reverse=True):
        prompt = prompt[:start] + new + prompt[end:]
    return prompt


def _phrase(prompt: TokenizedPrompt, text: str) -> list[Word]:
    """The word, or the run of words, that an option names."""
    first, *rest = text.split()
    if not rest:
        return [find_word(prompt, first)]
    wanted = [part.lower() for part in (first, *rest)]
    texts = [word.text for word in prompt.words]
    for start in range(len(texts) - len(wanted) + 1):
        if texts[start : start + len(wanted)] == wanted:
            return list(prompt.words[start : start + len(wanted)])
    raise PromptError(f"The prompt does not hold the words {text!r}.", f"its words are: {', '.join(texts)}")


def _weights(target: TokenizedPrompt, reweights: tuple[str, ...], length: int) -> tuple[Tensor, list[Word]]:
    weights = torch.ones(length)
    words = []
    for text in reweights:
        name, separator, value = text.rpartition(":")
        if not separator or not name.strip():
            raise PromptError(f"{text!r} is not a word and its weight.", "write it like --reweight red:2")
        word = find_word(target, name.strip())
        weights[list(word.tokens)] = number(value, "--reweight", "--reweight red:2")
        words.append(word)
    return weights, words


def time_windows(
    target: TokenizedPrompt,
    default: tuple[float, float],
    words: dict[str, tuple[float, float]],
    steps: int,
    length: int,
) -> Tensor:
    """When each target token is controlled: (T+1, L), 1 inside its window, else 0.

    Windows are shares of the T+1 rows, rounded down at both ends as in the released code.
    """

    def rows(window: tuple[float, float]) -> slice:
        return slice(int(window[0] * (steps + 1)), int(window[1] * (steps + 1)))

    table = torch.zeros(steps + 1, length)
    table[rows(default)] = 1.0
    for name, window in words.items():
        tokens = list(find_word(target, name).tokens)
        table[:, tokens] = 0.0
        table[rows(window), tokens] = 1.0
    return table


def _windows(texts: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    windows = {}
    for text in texts:
        name, separator, span = text.rpartition("=")
        if not separator or not name.strip():
            raise PromptError(f"{text!r} is not a word and its window.", "write it like --window dog=0.1:0.8")
        start, _, end = span.rpartition(":")
        window = tuple(number(part, "--window", "--window dog=0.1:0.8") for part in (start or "0", end))
        if not 0 <= window[0] <= window[1] <= 1:
            raise PromptError(
                f"The window {span!r} of {name.strip()!r} is not within the steps.",
                "give shares of the steps, start before end, like --window dog=0.1:0.8",
            )
        windows[name.strip()] = window
    return windows


def _changed(prompt: TokenizedPrompt, alignment: Alignment, target: bool) -> list[Word]:
    spans = {pair[1] if target else pair[0] for pair in alignment.swapped}
    spans |= set(alignment.added if target else alignment.removed)
    return [word for word in prompt.words if tuple(word.tokens) in spans]


def _blend_tokens(
    source: TokenizedPrompt,
    target: TokenizedPrompt,
    alignment: Alignment,
    reweighted: list[Word],
    names: tuple[str, ...],
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The token positions whose maps outline the edit, in the source and in the target."""
    if names:
        return _named_blend_tokens(source, target, names)
    swapped = {tuple(pair[1]) for pair in alignment.swapped}
    old = {position for word in _changed(source, alignment, target=False) for position in word.tokens}
    new: set[int] = set()
    partner = {tuple(pair[1]): pair[0] for pair in alignment.same}
    words = list(target.words)
    for word in _changed(target, alignment, target=True) + reweighted:
        new |= set(word.tokens)
        if tuple(word.tokens) in swapped:
            continue
        # What an added or re-weighted word says is seen on the words it stands before: "red cat".
        described = []
        for following in words[words.index(word) + 1 :]:
            if following.text in FUNCTION_WORDS:
                break
            described.append(following)
        if not described and word not in reweighted:
            return None  # a style or the like: it belongs to the whole picture
        for following in described + ([word] if word in reweighted else []):
            new |= set(following.tokens)
            old |= set(partner.get(tuple(following.tokens), ()))
    return tuple(sorted(old)), tuple(sorted(new))


def _named_blend_tokens(
    source: TokenizedPrompt, target: TokenizedPrompt, names: tuple[str, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    sides: tuple[set[int], set[int]] = (set(), set())
    for name in names:
        text = name.partition("#")[0].lower()
        holding = [
            (side, prompt)
            for side, prompt in zip(sides, (source, target))
            if any(word.text == text for word in prompt.words)
        ]
        if not holding:
            find_word(target, name)  # raises, and names the words there are
        for side, prompt in holding:
            side |= set(find_word(prompt, name).tokens)
    return tuple(sorted(sides[0])), tuple(sorted(sides[1]))


def plan_edit(
    tokenizer: PreTrainedTokenizerBase, prompt: str, settings: EditSettings, steps: int, length: int
) -> EditPlan:
    """Works out an edit of ``prompt`` over ``steps`` steps and ``length`` padded tokens.

    Raises:
        PromptError: see :func:`swapped_prompt`; or a malformed weight or window, or an unknown word.
    """
    target_prompt = settings.prompt if settings.prompt is not None else swapped_prompt(tokenizer, prompt, settings.swap)
    source, target = split_prompt(tokenizer, prompt), split_prompt(tokenizer, target_prompt)
    if not target.words:
        raise PromptError("The new prompt holds no word.", 'write it like --prompt "a dog on the grass"')
    alignment = align(source, target)
    weights, reweighted = _weights(target, settings.reweight, length)
    windows = time_windows(target, (0.0, settings.cross_replace), _windows(settings.window), steps, length)
    blend = None
    if not settings.no_blend and settings.mask is None:
        blend = _blend_tokens(source, target, alignment, reweighted, settings.blend)
    tokens = token_map(alignment, source, target, length)
    return EditPlan(source, target, alignment, tokens, weights, windows, blend)
