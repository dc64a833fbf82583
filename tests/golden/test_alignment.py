"""Alignment tables and time windows against the released code, where that is right."""

from __future__ import annotations

import pytest
import torch

from vp2p.prompts.align import align, token_map
from vp2p.prompts.weights import time_windows
from vp2p.prompts.words import split_prompt

LENGTH = 77


def pairs(golden, wanted):
    return [pair for pair in golden.table("aligner")["pairs"] if wanted(pair)]


def tables(golden, pair):
    tokenizer = golden.tokenizer()
    source, target = (split_prompt(tokenizer, pair[side]) for side in ("source", "target"))
    assert list(source.ids) == pair["source_ids"] and list(target.ids) == pair["target_ids"]
    alignment = align(source, target)
    return alignment, token_map(alignment, source, target, LENGTH)


def test_swap_tables_of_equal_length(golden):
    stored = golden.tensors("aligner")
    found = pairs(golden, lambda p: len(p["source_ids"]) == len(p["target_ids"]) and "replace_error" not in p)
    assert found
    for pair in found:
        alignment, tokens = tables(golden, pair)
        assert alignment.kind == "swap"
        assert torch.equal(tokens.source, stored[f"{pair['index']}.replace"][0])


def test_refinement_tables_where_words_are_added(golden):
    stored = golden.tensors("aligner")
    found = pairs(golden, lambda p: "replace_error" in p)
    assert len(found) >= 3
    for pair in found:
        alignment, tokens = tables(golden, pair)
        assert alignment.kind == "refine" and not alignment.removed and not alignment.swapped
        mapper, alphas = (stored[f"{pair['index']}.refine_{part}"][0] for part in ("mapper", "alphas"))
        expected = torch.zeros(LENGTH, LENGTH)
        mapped = mapper >= 0
        expected[mapper[mapped], torch.arange(LENGTH)[mapped]] = alphas[mapped]
        assert torch.equal(tokens.source, expected)
        assert torch.equal(tokens.keep, 1 - alphas)


@pytest.mark.parametrize("index", [0, 1, 3])
def test_swap_to_another_token_count_keeps_every_unchanged_word(golden, index):
    (pair,) = pairs(golden, lambda p: p["index"] == index)
    alignment, tokens = tables(golden, pair)
    assert alignment.kind == "swap"
    for old, new in zip(pair["source_word_inds_by_place"], pair["target_word_inds_by_place"]):
        block = tokens.source[old][:, new]
        assert block.sum() == pytest.approx(len(old)), "each source token's map is given away once"
        assert tokens.source[:, new].sum() == pytest.approx(len(old)), "and nothing else is taken"
        if len(old) == len(new):
            assert torch.equal(block, torch.eye(len(old)))
    end = tokens.source[:, len(pair["target_ids"]) - 1]
    assert end[len(pair["source_ids"]) - 1] == 1 and end.sum() == 1
    assert (tokens.source[:, len(pair["target_ids"]) :].sum(0) == 1).all()
    assert (tokens.source[: len(pair["source_ids"]), len(pair["target_ids"]) :] == 0).all()


def test_time_windows(golden):
    stored = golden.tensors("time_alpha")
    tokenizer = golden.tokenizer()
    for index, case in enumerate(golden.table("time_alpha")):
        spans = case["cross_replace_steps"]
        spans = dict(spans) if isinstance(spans, dict) else {"default_": spans}
        as_window = lambda span: tuple(span) if isinstance(span, list) else (0.0, span)  # noqa: E731
        default = as_window(spans.pop("default_", 1.0))
        for row, prompt in enumerate(case["prompts"][1:]):
            target = split_prompt(tokenizer, prompt)
            words = {}
            for name, span in spans.items():
                count = sum(word.text == name.lower() for word in target.words)
                words |= {f"{name}#{place}": as_window(span) for place in range(1, count + 1)}
            table = time_windows(target, default, words, case["num_steps"], LENGTH)
            assert torch.equal(table, stored[str(index)][:, row, 0, 0]), case
