"""From ``--swap old=new`` to the new prompt (Prompt-to-Prompt, section 3, word swap)."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from vp2p.errors import PromptError
from vp2p.models.words import TokenizedPrompt, Word, find_word, split_prompt


def swapped_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str, swaps: tuple[str, ...]) -> str:
    """The prompt with each ``old=new`` replaced; both sides hold the same number of words.

    Raises:
        PromptError: a malformed swap, a word that is not there or not unique, overlapping swaps, or
            a change of the word count.
    """
    source = split_prompt(tokenizer, prompt)
    pieces: list[tuple[int, int, str]] = []
    for swap in swaps:
        old, separator, new = swap.partition("=")
        old, new = old.strip(), " ".join(new.split())
        if not separator or not old or not new:
            raise PromptError(f"{swap!r} is not a swap.", "write it like --swap cat=dog")
        words = _phrase(source, old)
        start, end = words[0].start, words[-1].end
        if any(start < other_end and other_start < end for other_start, other_end, _ in pieces):
            raise PromptError(f"Two swaps change {old!r}.", "give each word one --swap")
        if len(new.split()) != len(words):
            whole = prompt[:start] + new + prompt[end:]
            raise PromptError(
                f"The swap {swap!r} turns {len(words)} word{'s' * (len(words) > 1)} into {len(new.split())}, "
                "but a swap keeps the number of words.",
                f'vp2p edit --prompt "{whole}"',
            )
        pieces.append((start, end, new))
    for start, end, new in sorted(pieces, reverse=True):
        prompt = prompt[:start] + new + prompt[end:]
    return prompt


def _phrase(prompt: TokenizedPrompt, text: str) -> list[Word]:
    """The word, or the run of words, that an option names."""
    first, *rest = text.split()
    if not rest:
        return [find_word(prompt, first)]
    wanted = [part.lower() for part in (first, *rest)]
    texts = [word.text for word in prompt.words]
    for start in range(len(texts) - len(wanted) + 1):
        if texts[start : start + len(wanted)] == wanted:
            return list(prompt.words[start : start + len(wanted)])
    raise PromptError(f"The prompt does not hold the words {text!r}.", f"its words are: {', '.join(texts)}")
