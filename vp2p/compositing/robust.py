"""Robust weights: what is far from the others has little say."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from torch import Tensor

Values = TypeVar("Values", np.ndarray, Tensor)


def doubt(squares: Values) -> Values:
    """By what to divide a weight, by squared differences in units of the one from which on they count little.

    Geman and McClure's, as in iteratively reweighted least squares.
    """
    divisors: Values = (1 + squares) ** 2
    return divisors
