"""Where the model sees the words of a prompt in a clip, before anything is edited (Prompt-to-Prompt, section 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, NamedTuple

from torch import Tensor

from vp2p.errors import PromptError, UsageError
from vp2p.method.attention.collect import MapQuery, Trajectory, collect_maps, spread
from vp2p.method.attention.resolutions import AttentionResolutions
from vp2p.method.inversion.noise import noised
from vp2p.method.schedule import generator
from vp2p.pipeline.described import Described
from vp2p.pipeline.fit import fit
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.memory import Work
from vp2p.progress import Progress, silent
from vp2p.prompts.blend_words import FUNCTION_WORDS
from vp2p.prompts.words import TokenizedPrompt, Word, find_word, split_prompt
from vp2p.settings import AttentionSettings
from vp2p.text import quoted
from vp2p.video.clip import Clip
from vp2p.video.heat import heat_overlay
from vp2p.video.sheet import contact_sheet

# The noised clip is shown to the model at so many timesteps, if all of them are asked for.
_STEPS, _SEED = 10, 0
Size = tuple[int, int]


class Seen(NamedTuple):
    """How the model sees a word: which share of the picture its attention is spread over, and the highest attention."""

    spread: float
    peak: float

    def __str__(self) -> str:
        return f"spread over {self.spread:.0%} of the picture, peak {self.peak:.2g}"


@dataclass(frozen=True)
class WordAttention:
    """The attention of words in a clip.

    ``maps`` holds, by map size (height, width), (words, F, height, width): the chance that a cell attends to a word.
    The first size is the one that outlines edits, or the one that was asked for. ``words`` says how each word is
    seen there. ``timesteps`` are those at which the model saw the noised clip.
    """

    clip: Clip
    prompt: str
    words: Mapping[str, Seen]
    maps: Mapping[Size, Tensor]
    timesteps: tuple[int, ...]

    @property
    def size(self) -> Size:
        """The first map size, (height, width)."""
        return next(iter(self.maps))

    def save_sheet(self, path: Path | str) -> None:
        """Writes a PNG: the clip, and for each word and map size the clip under the word's attention."""
        rows = [(self.prompt, self.clip.pixels)]
        for size, maps in self.maps.items():
            for (word, seen), own in zip(self.words.items(), maps.cpu()):
                label = f"{word}: {seen}" if size == self.size else f"{word}, maps of {size_label(size)}"
                rows.append((label, heat_overlay(self.clip.pixels, own.numpy())))
        contact_sheet(rows, Path(path))


def word_attention(
    model: InflatedModel, described: Described, settings: AttentionSettings, on_step: Progress = silent
) -> WordAttention:
    """Collects the words' attention on the noised clip.

    Args:
        described: a clip that the model can take, and the prompt whose words are looked for.
        on_step: called after each timestep; what it raises ends the work.

    Raises:
        PromptError: there is no such word.
        UsageError: the model has no maps of the size that was asked for.
    """
    clip, prompt = described.clip, described.prompt
    fit(model, Work.of("attention", clip.pixels))
    words = chosen_words(split_prompt(model.latent.tokenizer, prompt), settings.words)
    latents, schedule = model.encode(clip.pixels), model.schedule(_STEPS)
    sizes = _sizes(AttentionResolutions.of(model.t2s.layers, *latents.shape[-2:]), settings.level)
    start, end = settings.window
    steps = range(int(start * _STEPS), math.ceil(end * _STEPS))
    maps = collect_maps(
        model.held_to(clip),
        Trajectory(schedule, noised(schedule, latents, latents, generator(_SEED)), model.embed(prompt)),
        MapQuery([word.tokens for word in words.values()], sizes, steps),
        lambda done: on_step("attention", done, len(steps)),
    )
    first = maps[sizes[0]]
    measured = zip(words, spread(first).tolist(), first.amax(dim=(1, 2, 3)).tolist())
    seen = {word: Seen(round(share, 4), round(peak, 4)) for word, share, peak in measured}
    return WordAttention(clip, prompt, seen, maps, tuple(schedule.timesteps[step] for step in steps))


def chosen_words(tokenized: TokenizedPrompt, names: tuple[str, ...]) -> dict[str, Word]:
    """The named words, or all that name something, by the names that tell them apart.

    Raises:
        PromptError: there is no such word, or none at all.
    """
    if not names and not tokenized.words:
        raise PromptError(f"The prompt {quoted(tokenized.prompt)} has no words.", 'vp2p attention --prompt "a cat"')
    if names:
        return {name.strip().lower(): find_word(tokenized, name) for name in names}
    texts = [word.text for word in tokenized.words]
    numbered = [
        f"{text}#{texts[: place + 1].count(text)}" if texts.count(text) > 1 else text
        for place, text in enumerate(texts)
    ]
    found = {name: word for name, word in zip(numbered, tokenized.words) if word.text not in FUNCTION_WORDS}
    return found or dict(zip(numbered, tokenized.words))


def size_label(size: Size) -> str:
    """A map's size as ``--level`` says it: 16, or 24x16 (width x height)."""
    height, width = size
    return str(width) if height == width else f"{width}x{height}"


def _sizes(resolutions: AttentionResolutions, wanted: str | None) -> list[Size]:
    """The map sizes that are meant, the one that outlines edits first."""
    if wanted is None:
        return [resolutions.blend_size]
    levels = (resolutions.blend, *resolutions.with_text)
    known = {size_label(resolutions.sizes[level]): resolutions.sizes[level] for level in levels}
    if wanted == "all":
        return list(known.values())
    if wanted not in known:
        raise UsageError(f"There are no maps of {wanted} in this model.", f"give --level {', '.join(known)} or all")
    return [known[wanted]]
