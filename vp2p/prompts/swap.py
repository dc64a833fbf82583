"""From ``--swap old=new`` to the new prompt (Prompt-to-Prompt, section 3, word swap)."""

from __future__ import annotations

from transformers import CLIPTokenizer

from vp2p.errors import PromptError
from vp2p.prompts.scripts import parts_freely
from vp2p.prompts.words import TokenizedPrompt, find_word, holds, key, split_prompt
from vp2p.text import one_line, quoted, typed


def swapped_prompt(tokenizer: CLIPTokenizer, prompt: str, swaps: tuple[str, ...]) -> str:
    """The prompt with each ``old=new`` replaced; both sides hold the same number of words.

    Where a word holds an equals sign, the last sign counts that has words of the prompt before it.

    Raises:
        PromptError: a malformed swap, a word that is not there or not unique, overlapping swaps, or
            a change of the word count.
    """
    source = split_prompt(tokenizer, prompt)
    pieces: list[tuple[int, int, str]] = []
    for swap in swaps:
        old, new = _sides(source, swap)
        start, end = _phrase(source, old, new)
        if any(start < other_end and other_start < end for other_start, other_end, _ in pieces):
            raise PromptError(f"Two swaps change {quoted(old)}.", "give each word one --swap")
        count = len(old.split())
        if len(new.split()) != count:
            raise PromptError(
                f"The swap {quoted(swap, 200)} turns {count} word{'s' * (count > 1)} into {len(new.split())}, "
                "but a swap keeps the number of words.",
                by_prompt(prompt[:start] + new + prompt[end:]),
            )
        pieces.append((start, end, new))
    for start, end, new in sorted(pieces, reverse=True):
        prompt = prompt[:start] + new + prompt[end:]
    return prompt


def inner_swaps(swaps: tuple[str, ...]) -> bool:
    """Whether a swap is of a script without spaces, where a part of a sentence is changed rather than a word."""
    return any(map(parts_freely, "".join(swaps)))


def by_prompt(prompt: str) -> str:
    """What to type for an edit to a whole new prompt."""
    safe = prompt.isprintable() and not any(char in prompt for char in '"$`\\!')
    return "vp2p edit --prompt " + (f'"{prompt}"' if safe else typed(prompt))


def _sides(source: TokenizedPrompt, swap: str) -> tuple[str, str]:
    """What is replaced, and by what."""
    parts = swap.split("=")
    pairs = [("=".join(parts[:at]).strip(), " ".join("=".join(parts[at:]).split())) for at in range(1, len(parts))]
    pairs = [(old, new) for old, new in pairs if old and new]
    if not pairs:
        raise PromptError(f"{quoted(swap, 200)} is not a swap.", "write it like --swap cat=dog")
    return next((pair for pair in reversed(pairs[1:]) if holds(source, pair[0])), pairs[0])


def _phrase(source: TokenizedPrompt, old: str, new: str) -> tuple[int, int]:
    """The characters of the word, the run of words, or the part of a sentence without spaces that ``old`` names."""
    wanted = [key(part) for part in old.split()]
    texts = [key(word.text) for word in source.words]
    for start in range(len(texts) - len(wanted) + 1 if len(wanted) > 1 else 0):
        if texts[start : start + len(wanted)] == wanted:
            return source.words[start].start, source.words[start + len(wanted) - 1].end
    if len(wanted) == 1 or holds(source, old):
        if not holds(source, old) and any(map(parts_freely, old)) and old in source.prompt:
            raise PromptError(
                f"The model reads {quoted(old, 80)} together with what stands beside it, so it cannot be named alone.",
                by_prompt(source.prompt.replace(old, new)),
            )
        word = find_word(source, old)
        return word.start, word.end
    words = one_line(", ".join(word.text for word in source.words), 500)
    raise PromptError(f"The prompt does not hold the words {quoted(old, 200)}.", f"its words are: {words}")
