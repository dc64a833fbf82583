"""Fused attention of any number of rows, in the shapes that GPUs compute fast.

Their kernels compute blocks of queries and of keys. A clip has rows with far fewer tokens than a block, and rows whose
queries are so many for few keys that a handful of blocks has all gradients to find. docs/benchmarks.md has the figures.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

# Of a batch that the kernels of CUDA take (pytorch#142228). Attention over time has a row for each position.
_MOST_ROWS = 65_535

_BLOCK = 64  # tokens of one block of keys in the kernels, at least
# Below these it takes longer to have a GPU do more than it gains (H200, docs/benchmarks.md).
_TOGETHER = 4  # rows in one block
_WIDEST = 128  # of heads whose short rows are packed
_QUERIES = 16_384  # of one row
_BLOCKS = 256  # that keep all of a large GPU busy: it computes 132 at once


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Fused attention, ``softmax(q kᵀ / √d) v``, of any number of rows.

    Args:
        q: (rows, heads, N, d); k, v: (rows, heads, M, d).
    """
    if q.is_cuda:
        together, parts = rows_in_a_block(q, k), parts_of_queries(q, k)
        if together > 1:
            return packed(q, k, v, together)
        if parts > 1 and torch.is_grad_enabled():
            return in_parts(q, k, v, parts)
    return _attend(q, k, v)


def rows_in_a_block(q: Tensor, k: Tensor) -> int:
    """How many rows fit in one block of the kernels, for rows that attend to themselves; 1 where that gains nothing."""
    rows, _, tokens, width = q.shape
    if tokens != k.shape[2] or width > _WIDEST:
        return 1
    together = 1
    while 2 * together * tokens <= _BLOCK and rows % (2 * together) == 0:
        together *= 2
    return together if together >= _TOGETHER else 1


def packed(q: Tensor, k: Tensor, v: Tensor, together: int) -> Tensor:
    """:func:`attend` with so many rows as one, whose tokens see those of their own row alone."""
    rows, heads, tokens, _ = q.shape
    q, k, v = (_by_token(x).reshape(rows // together, together * tokens, heads, -1).transpose(1, 2) for x in (q, k, v))
    seen = _own_row(tokens, together, q.dtype, q.device)
    out = scaled_dot_product_attention(q, k, v, attn_mask=seen.expand(len(q), heads, -1, -1))
    return _by_token(out).reshape(rows, tokens, heads, -1).transpose(1, 2)


@lru_cache(maxsize=16)
def _own_row(tokens: int, together: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What is added to the scores of rows in one block: nothing where a token sees its own row."""
    row = torch.arange(together * tokens, device=device) // tokens
    none = torch.zeros(len(row), len(row), dtype=dtype, device=device)
    return none.masked_fill(row[:, None] != row, float("-inf"))


def parts_of_queries(q: Tensor, k: Tensor) -> int:
    """Into how many parts the queries of a row go, for gradients of keys in as many blocks as the GPU has room for."""
    rows, heads, queries, _ = q.shape
    blocks, parts = rows * heads * -(-k.shape[2] // _BLOCK), 1
    while queries >= _QUERIES and blocks * parts < _BLOCKS and queries % (2 * parts) == 0:
        parts *= 2
    return parts


def in_parts(q: Tensor, k: Tensor, v: Tensor, parts: int) -> Tensor:
    """:func:`attend` with the queries of a row in several rows, which have the same keys and values."""
    rows, heads, queries, _ = q.shape
    shorter = _by_token(q).reshape(rows * parts, queries // parts, heads, -1).transpose(1, 2)
    k, v = (x[:, None].expand(-1, parts, -1, -1, -1).flatten(0, 1) for x in (k, v))
    out = _attend(shorter, k, v)
    return _by_token(out).reshape(rows, queries, heads, -1).transpose(1, 2)


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    if len(q) <= _MOST_ROWS:
        return scaled_dot_product_attention(q, k, v)
    parts = zip(*(x.split(_MOST_ROWS) for x in (q, k, v)))
    return torch.cat([scaled_dot_product_attention(*part) for part in parts])


def _by_token(x: Tensor) -> Tensor:
    """(rows, heads, tokens, d) as (rows, tokens, heads, d): heads lie so in memory, so that no copy is made."""
    return x.transpose(1, 2)
