"""What a model sees of the words of a prompt in a clip: which are looked for, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Mapping, NamedTuple

from vp2p.errors import PromptError
from vp2p.prompts.blend_words import FUNCTION_WORDS
from vp2p.prompts.words import TokenizedPrompt, Word, find_word
from vp2p.text import quoted
from vp2p.video.heat import heat_overlay
from vp2p.video.sheet import contact_sheet

if TYPE_CHECKING:
    from torch import Tensor

    from vp2p.video.clip import Clip

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
