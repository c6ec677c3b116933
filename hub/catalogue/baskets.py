"""Which contents stand in the same order: counted by pairs, so that memory grows with the contents and not the orders."""

import numpy as np
from numpy.typing import NDArray

MOST_PAIRS = 4_000_000  # pairs of lines in memory at a time


def shared_orders(
    who: NDArray[np.intp],
    what: NDArray[np.int64],
    ages: NDArray[np.float64],
    contents: int,
    half_life: float,
) -> NDArray[np.float32]:
    """Return (contents, contents) float32: in how many orders two contents stand together, on the diagonal in how many one.

    An order weighs half after `half_life` days, and one by the square root of how many contents it has.

    Args:
        who: (m,) the customer of each line.
        what: (m,) its content, below `contents`.
        ages: (m,) how many days ago; lines of one customer with exactly the same age are one order.
        contents: how many there are.
        half_life: in days.
    """
    total = np.zeros(contents * contents)
    if not len(what):
        return total.reshape(contents, contents).astype(np.float32)
    lines = np.unique(np.stack([who.astype(np.float64), ages, what.astype(np.float64)]), axis=1)
    items = lines[2].astype(np.int64)
    begins = np.flatnonzero(np.r_[True, (np.diff(lines[:2], axis=1) != 0).any(axis=0)])
    sizes = np.diff(np.r_[begins, len(items)])
    worth = 0.5 ** (lines[1][begins] / half_life) / np.sqrt(sizes)
    pairs = np.r_[0, np.cumsum(sizes**2)]
    start = 0
    while start < len(begins):
        end = max(int(np.searchsorted(pairs, pairs[start] + MOST_PAIRS, "right")) - 1, start + 1)
        inside = sizes[start:end]
        each = items[begins[start] : begins[end - 1] + sizes[end - 1]]
        partners = np.repeat(inside, inside)  # of each line: how many lines its order has
        first = np.repeat(np.cumsum(inside) - inside, inside)  # and where it begins
        ends = np.cumsum(partners)
        other = np.arange(int(ends[-1])) - np.repeat(ends - partners - first, partners)
        places = np.repeat(each, partners) * contents + each[other]
        weights = np.repeat(np.repeat(worth[start:end], inside), partners)
        total += np.bincount(places, weights=weights, minlength=len(total))
        start = end
    return total.reshape(contents, contents).astype(np.float32)
