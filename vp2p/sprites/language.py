"""The language of the sprites model: its words, and the one sentence pattern that holds them."""

from __future__ import annotations

OBJECTS = (
    "cat", "dog", "rabbit", "tiger", "penguin", "horse", "bird", "cow", "pig", "elephant", "turtle", "fish",
    "duck", "owl", "crab", "butterfly", "car", "bus", "tractor", "boat", "rocket", "tree", "flower", "mushroom",
)  # fmt: skip
COLOURS = ("red", "yellow", "green", "blue", "purple", "black", "white")
TEXTURES = ("striped", "spotted", "checkered")
PLACES = ("grass", "sand", "snow", "road", "water", "bricks", "wood", "lava")
STYLES = {"sketch": "a pencil sketch of", "neon": "a neon sign of"}

WORDS = tuple(
    sorted({"a", "an", "on", "the", *OBJECTS, *COLOURS, *TEXTURES, *PLACES, *" ".join(STYLES.values()).split()})
)


def caption(
    obj: str, place: str, colour: str | None = None, texture: str | None = None, style: str | None = None
) -> str:
    """The prompt of a scene: "[style] a [texture] [colour] OBJECT on the PLACE"."""
    words = [word for word in (texture, colour, obj) if word]
    article = "an" if words[0][0] in "aeiou" else "a"
    sentence = f"{article} {' '.join(words)} on the {place}"
    return f"{STYLES[style]} {sentence}" if style else sentence
