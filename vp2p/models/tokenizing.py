"""A model's tokenizer, which is loaded without its weights."""

from __future__ import annotations

from transformers import CLIPTokenizer

from vp2p.errors import ModelError
from vp2p.models.folder import ModelFolder
from vp2p.text import shorten


def load_tokenizer(folder: ModelFolder) -> CLIPTokenizer:
    """The tokenizer of a model folder.

    ``model_max_length`` is the longest prompt in tokens, begin and end token included, that its text
    encoder reads.

    Raises:
        ModelError: when its files are damaged.
    """
    try:
        places = folder.places
        tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(str(places.tokenizer), local_files_only=True)
        if places.pad_token is not None:
            tokenizer.pad_token = places.pad_token
    except Exception as error:  # the library raises every kind of error for damaged files
        raise damaged(folder, "tokenizer", error) from error
    longest = tokenizer.model_max_length
    if type(longest) not in (int, float) or longest < 3:  # begin, one token, end
        raise damaged(folder, "tokenizer", f"its model_max_length is {shorten(longest)}")
    tokenizer.model_max_length = min(tokenizer.model_max_length, folder.text_positions)
    return tokenizer


def damaged(folder: ModelFolder, part: str, why: object) -> ModelError:
    """The error for a part of a model that a library cannot load."""
    lines = [line.strip() for line in str(why).splitlines() if line.strip()] or [type(why).__name__]
    if folder.path.is_dir():
        return ModelError(
            f"{folder.path / part} cannot be loaded: {lines[0]}", "copy or download the model folder again"
        )
    return ModelError(
        f"The {part} of {folder.path} cannot be loaded with the configuration in {folder.places.root}: {lines[-1]}",
        "give --model-config the folder of the model that it was made from, or download the file again",
    )
