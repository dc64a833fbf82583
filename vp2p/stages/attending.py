"""The work of ``vp2p attention``: maps collected on the noised clip, and a sheet of them."""

from __future__ import annotations

import math
from typing import Any

from vp2p.errors import PromptError, UsageError
from vp2p.method.attention.collect import collect_maps, spread
from vp2p.method.attention.resolutions import Levels
from vp2p.method.inversion.noise import noised
from vp2p.method.schedule import Schedule, generator
from vp2p.models.codec import encode_frames
from vp2p.prompts.blend_words import FUNCTION_WORDS
from vp2p.prompts.words import TokenizedPrompt, Word, find_word, split_prompt
from vp2p.schema import from_mapping
from vp2p.settings import AttentionSettings
from vp2p.stages.planned import Planned
from vp2p.stages.result import Progress
from vp2p.stages.session import Session
from vp2p.stages.source import Frames
from vp2p.text import quoted
from vp2p.video.heat import heat_overlay
from vp2p.video.sheet import contact_sheet
from vp2p.workspace import save_tensors

MAPS, SHEET = "maps.safetensors", "sheet.png"
# The noised clip is shown to the model at so many timesteps, if all of them are asked for.
_STEPS, _SEED = 10, 0


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


def keep_maps(session: Session, planned: Planned, frames: Frames, progress: Progress) -> None:
    """Collects the maps on the noised clip; keeps them and their sheet. Raises UsageError for an unknown size."""
    run, prompt = planned.run, planned.recorded["prompt"]
    settings = from_mapping(AttentionSettings, planned.recorded["attention"])
    words = chosen_words(split_prompt(session.tokenizer, prompt), settings.words)
    clip = encode_frames(session.model, frames.pixels)
    schedule = Schedule.of(session.model.scheduler, _STEPS)
    levels = Levels.of(session.t2s.layers, *clip.shape[-2:])
    sizes = _sizes(levels, settings.level)
    start, end = settings.window
    steps = range(int(start * _STEPS), math.ceil(end * _STEPS))
    maps = collect_maps(
        session.t2s,
        schedule,
        noised(schedule, clip, clip, generator(_SEED)),
        session.embed(prompt),
        [word.tokens for word in words.values()],
        sizes,
        steps,
        lambda done: progress("attention", done, len(steps)),
    )
    chosen = maps[sizes[0]]
    measures = zip(words, spread(chosen).tolist(), chosen.amax(dim=(1, 2, 3)).tolist())
    facts = {
        "prompt": prompt,
        "words": [{"word": word, "spread": round(share, 4), "peak": round(peak, 4)} for word, share, peak in measures],
        "level": _label(sizes[0]),
        "steps": f"{len(steps)} timesteps from {schedule.timesteps[steps[0]]} to {schedule.timesteps[steps[-1]]}",
    }
    tensors = {"maps": chosen} | {f"maps.{_label(size)}": maps[size] for size in sizes[1:]}
    save_tensors(run.path(MAPS), tensors, facts)
    rows = [(prompt, frames.pixels)]
    for size in sizes:
        for (word, own), one in zip(zip(words, maps[size].cpu()), facts["words"]):
            label = f"{word}: {sentence(one)}" if size == sizes[0] else f"{word}, maps of {_label(size)}"
            rows.append((label, heat_overlay(frames.pixels, own.numpy())))
    contact_sheet(rows, run.path(SHEET))


def _sizes(levels: Levels, wanted: str | None) -> list[tuple[int, int]]:
    """The map sizes that are meant, the one that outlines edits first."""
    if wanted is None:
        return [levels.blend_size]
    known = {_label(levels.sizes[level]): levels.sizes[level] for level in (levels.blend, *levels.with_text)}
    if wanted == "all":
        return list(known.values())
    if wanted not in known:
        raise UsageError(f"There are no maps of {wanted} in this model.", f"give --level {', '.join(known)} or all")
    return [known[wanted]]


def _label(size: tuple[int, int]) -> str:
    """A map's size as ``--level`` says it: 16, or 24x16 (width x height)."""
    height, width = size
    return str(width) if height == width else f"{width}x{height}"


def sentence(one: dict[str, Any]) -> str:
    """What is said of one word of the maps' metadata."""
    return f"spread over {one['spread']:.0%} of the picture, peak {one['peak']:.2g}"
