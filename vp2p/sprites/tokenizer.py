"""The tokenizer of the sprites model: a CLIP-format byte-pair encoding in which every known word is one token.

Sennrich et al., "Neural machine translation of rare words with subword units", ACL 2016: merges are
learned on the language's own words until each is whole; any other word falls apart into pieces.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from transformers import CLIPTokenizer

from vp2p.sprites.language import WORDS

MAX_LENGTH = 24
_START, _END = "<|startoftext|>", "<|endoftext|>"


def _byte_characters() -> list[str]:
    """The 256 printable characters that stand for bytes in CLIP's vocabulary, in its order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def _merge(pieces: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    merged: list[str] = []
    index = 0
    while index < len(pieces):
        if pieces[index : index + 2] == pair:
            merged.append(pieces[index] + pieces[index + 1])
            index += 2
        else:
            merged.append(pieces[index])
            index += 1
    return tuple(merged)


def learn_merges(words: tuple[str, ...] = WORDS) -> list[tuple[str, str]]:
    """The byte-pair merges that make every word whole, most frequent pair first, ties by spelling."""
    split = {word: (*word[:-1], word[-1] + "</w>") for word in words}
    merges = []
    while any(len(pieces) > 1 for pieces in split.values()):
        pairs = Counter(pair for pieces in split.values() for pair in zip(pieces, pieces[1:]))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        split = {word: _merge(pieces, best) for word, pieces in split.items()}
    return merges


def build_tokenizer(folder: Path) -> CLIPTokenizer:
    """Write vocab.json, merges.txt and the tokenizer's configuration to ``folder`` and return the tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    characters, merges = _byte_characters(), learn_merges()
    tokens = [*characters, *(c + "</w>" for c in characters), *(a + b for a, b in merges), _START, _END]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in merges)]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer = CLIPTokenizer(
        vocab=str(folder / "vocab.json"),
        merges=str(folder / "merges.txt"),
        unk_token=_END, bos_token=_START, eos_token=_END, pad_token=_END, model_max_length=MAX_LENGTH,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    return tokenizer
