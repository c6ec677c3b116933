"""How sure a difference is: the paired bootstrap over customers (Efron and Tibshirani, 1993)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 4_000
SEED = 20_111
_CHUNK = 250


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the bounds between which 95 of 100 resamples lie."""

    mean: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low > 0


def interval(values: NDArray[np.float64], *, draws: int = DRAWS, seed: int = SEED) -> Interval:
    """Return the mean of `values` (customers,) with its interval; of a difference, hand over the differences."""
    count = len(values)
    if count == 0:
        return Interval(0.0, 0.0, 0.0)
    rng = np.random.default_rng(seed)
    means = np.concatenate(
        [
            values[rng.integers(0, count, (min(_CHUNK, draws - start), count))].mean(axis=1)
            for start in range(0, draws, _CHUNK)
        ]
    )
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(float(values.mean()), float(low), float(high))
