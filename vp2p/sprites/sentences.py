"""From a sentence of the sprites language to the scene that it describes."""

from __future__ import annotations

import difflib
from typing import Container

from vp2p.errors import PromptError
from vp2p.sprites.language import COLOURS, OBJECTS, PLACES, STYLES, TEXTURES, WORDS
from vp2p.sprites.scenes import Path, Scene

_PATTERN = '"a [striped] [red] cat on the grass", or "a pencil sketch of a cat on the grass"'


def read_scene(sentence: str, path: Path = "still", seed: int = 0) -> Scene:
    """The scene of a sentence such as "a striped red cat on the grass".

    Raises:
        PromptError: a word that is not in the language (names the nearest), or another pattern.
    """
    words = sentence.lower().split()
    for word in words:
        if word not in WORDS:
            near = difflib.get_close_matches(word, WORDS, n=1)
            known = f"objects: {', '.join(OBJECTS)}; places: {', '.join(PLACES)}"
            raise PromptError(f"The drawing knows no word {word!r}.", f"did you mean {near[0]}?" if near else known)
    style = next((key for key, opening in STYLES.items() if sentence.lower().startswith(opening)), None)
    rest = words[len(STYLES[style].split()) :] if style else words

    def pick(known: Container[str]) -> str | None:
        return next((word for word in rest if word in known), None)

    shown, place = pick(OBJECTS), pick(PLACES)
    if shown is None or place is None:
        raise PromptError(f"{sentence!r} names no object on a place.", f"write it like {_PATTERN}")
    scene = Scene(shown, place, pick(COLOURS), pick(TEXTURES), style, path, seed)
    if scene.prompt != " ".join(words):
        raise PromptError(f"{sentence!r} is not in the pattern of the drawing.", f'did you mean "{scene.prompt}"?')
    return scene
