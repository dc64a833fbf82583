"""Where the model sees the words of a prompt in a clip, before anything is edited (Prompt-to-Prompt, section 3)."""

from __future__ import annotations

import math

from vp2p.errors import UsageError
from vp2p.method.attention.collect import MapQuery, Trajectory, collect_maps, spread
from vp2p.method.attention.resolutions import AttentionResolutions
from vp2p.method.inversion.noise import noised
from vp2p.method.schedule import generator
from vp2p.pipeline.described import Described
from vp2p.pipeline.fit import fit
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.memory import Work
from vp2p.pipeline.seen import Seen, Size, WordAttention, chosen_words, size_label
from vp2p.progress import Progress, silent
from vp2p.prompts.words import split_prompt
from vp2p.settings import AttentionSettings

# The noised clip is shown to the model at so many timesteps, if all of them are asked for.
_STEPS, _SEED = 10, 0


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
