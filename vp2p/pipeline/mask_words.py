"""The words of ``--mask-text``, where no network finds them but the edit model's own attention."""

from __future__ import annotations

from vp2p.errors import PromptError
from vp2p.models.finders import missing
from vp2p.prompts.blend_words import FUNCTION_WORDS
from vp2p.prompts.words import TokenizedPrompt, holds, word_spans
from vp2p.settings import NO_MODEL, MaskSettings
from vp2p.text import quoted

_SHOWN = 80  # characters of words in a message


def check_words(tokenized: TokenizedPrompt, settings: MaskSettings) -> tuple[str, ...]:
    """The words of a mask's text that the edit model's attention can be asked for.

    Raises:
        PromptError: one is not in the prompt.
    """
    text = (settings.text or "").strip().lower()
    if holds(tokenized, text):
        return (text,)
    words = [text[start:end] for start, end in word_spans(text)]
    words = [word for word in words if word not in FUNCTION_WORDS] or words
    unknown = next((word for word in words if not holds(tokenized, word)), None)
    if unknown is None and words:
        return tuple(dict.fromkeys(words))
    said = "holds no word" if unknown is None else f"has {quoted(unknown, _SHOWN)}, which the prompt does not have"
    models = "" if settings.segmenter == NO_MODEL else f", or get the models: {missing(settings)}"
    raise PromptError(
        f"--mask-text {said}, and no model is at hand that finds other words.", f"use words of the prompt{models}"
    )
