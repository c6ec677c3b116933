"""How good a list is: recall, nDCG and average precision of one, coverage and novelty of many.

`hits` is (lists, k) bool: whether the item at each place was bought; `truths` (lists,) how many were.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Hits = NDArray[np.bool_]
Counts = NDArray[np.int64]
Values = NDArray[np.float64]


def recall(hits: Hits, truths: Counts) -> Values:
    """Return (lists,) the share of what was bought that the list holds."""
    return np.asarray(hits.sum(axis=1) / truths, np.float64)


def ndcg(hits: Hits, truths: Counts) -> Values:
    """Return (lists,) the discounted gain, of that of a list which holds min(k, truths) hits first."""
    discounts = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.cumsum(discounts)[np.minimum(truths, hits.shape[1]) - 1]
    return np.asarray(hits @ discounts / ideal, np.float64)


def average_precision(hits: Hits, truths: Counts) -> Values:
    """Return (lists,) the mean of the precisions at each hit, of min(k, truths) hits."""
    precisions = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((precisions * hits).sum(axis=1) / np.minimum(truths, hits.shape[1]), np.float64)


def coverage(lists: NDArray[np.intp], count: int) -> float:
    """Return the share of `count` items that stand in any list; -1 in a list is an empty place."""
    return len(np.unique(lists[lists >= 0])) / count


def novelty(lists: NDArray[np.intp], buyers: NDArray[np.int64], customers: int) -> float:
    """Return the mean of -log2(share of customers who have it) over all places; the rarer, the more.

    An item that nobody has counts as if one customer had it.
    """
    shown = lists[lists >= 0]
    return float(np.mean(-np.log2(np.maximum(buyers[shown], 1) / max(customers, 1)))) if len(shown) else 0.0


def summary(per_list: Mapping[str, Values]) -> dict[str, float]:
    """Return the mean of every metric."""
    return {name: float(values.mean()) for name, values in per_list.items()}
