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
        tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(str(folder.path / "tokenizer"), local_files_only=True)
    except Exception as error:  # the library raises every kind of error for damaged files
        raise damaged(folder, "tokenizer", error) from error
    longest = tokenizer.model_max_length
    if type(longest) not in (int, float) or longest < 3:  # begin, one token, end
        raise damaged(folder, "tokenizer", f"its model_max_length is {shorten(longest)}")
    tokenizer.model_max_length = min(tokenizer.model_max_length, folder.text_positions)
    return tokenizer


def damaged(folder: ModelFolder, part: str, why: object) -> ModelError:
    """The error for a part of a model folder that a library cannot load."""
    reason = (str(why).strip() or type(why).__name__).splitlines()[0]
    return ModelError(f"{folder.path / part} cannot be loaded: {reason}", "copy or download the model folder again")
