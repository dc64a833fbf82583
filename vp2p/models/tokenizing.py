"""A model's tokenizer, which is loaded without its weights."""

from __future__ import annotations

from pathlib import Path

from transformers import CLIPTokenizer

from vp2p.models.damaged import damaged
from vp2p.models.folder import ModelFolder
from vp2p.text import shorten

_LETTERS = 512  # entries that are there without merges: each byte, alone and at a word's end


def load_tokenizer(folder: ModelFolder) -> CLIPTokenizer:
    """The tokenizer of a model folder, the first of two.

    ``model_max_length`` is the longest prompt in tokens, begin and end token included, that its text
    encoders read.

    Raises:
        ModelError: when its files are damaged.
    """
    return _load(folder, folder.places.tokenizer, folder.places.pad_token)


def load_second_tokenizer(folder: ModelFolder) -> CLIPTokenizer | None:
    """That of the second text encoder, where the model has two; it differs in how it pads. Raises as the first."""
    second = folder.places.tokenizer_2
    return None if second is None else _load(folder, second, folder.places.pad_token_2)


def _load(folder: ModelFolder, place: Path, pad_token: str | None) -> CLIPTokenizer:
    try:
        tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(str(place), local_files_only=True)
        if pad_token is not None:
            tokenizer.pad_token = pad_token
    except Exception as error:  # the library raises every kind of error for damaged files
        raise damaged(place, error) from error
    merges = place / "merges.txt"
    if merges.is_file() and 2 * merges.read_bytes().count(b"\n") < len(tokenizer) - _LETTERS:
        raise damaged(place, "merges.txt lacks most of its words, so they would be read letter by letter")
    longest = tokenizer.model_max_length
    if type(longest) not in (int, float) or longest < 3:  # begin, one token, end
        raise damaged(place, f"its model_max_length is {shorten(longest)}")
    tokenizer.model_max_length = min(tokenizer.model_max_length, folder.text_positions)
    return tokenizer
