"""What those who come for the first time will choose: an outlook, learned from the newcomers of former months.

A mixture of what everybody bought lately and what newcomers bought, each at several paces. The shares of the mixture are
those under which the newcomers of former months would have been expected best (deleted interpolation: Jelinek and
Mercer, "Interpolated estimation of Markov source parameters", 1980; by EM), so that no pace is chosen for one season.
"""

import numpy as np

from hub.catalogue.sales import WINDOW, Floats, Sales

ENDS = (30, 44, 58, 72)  # how many days ago the windows began that teach
PACES = (3.5, 7.0, 14.0, 28.0)  # days in which a purchase of anybody counts half
FIRST_PACES = (7.0, 14.0, 28.0, 56.0)  # and one of a newcomer
HEAD = 200  # the most wanted of each component: what is never shown need not be expected
PRIOR = 5.0  # purchases that every component is taken to have explained before any were seen
ROUNDS = 100  # of EM; the shares stand still after some dozens
LEAST = 200  # purchases of newcomers in a window, below which it teaches nothing


def _components(sales: Sales) -> Floats:
    new = sales.newcomers()
    rows = [sales.faded(pace) for pace in PACES] + [sales.faded(pace, new) for pace in FIRST_PACES]
    sums = np.stack(rows)
    return np.asarray(sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-12), np.float64)


def first_choices(sales: Sales) -> Floats:
    """Return (n,) what newcomers will choose, 1 for the most; zeros where too few came to learn from."""
    shares, seen = np.zeros(len(PACES) + len(FIRST_PACES)), 0.0
    for end in ENDS:
        known = sales.before(end)
        regulars = np.unique(known.who)
        truth = (sales.days <= end) & (sales.days > end - WINDOW) & ~np.isin(sales.who, regulars)
        pairs = np.unique(np.stack([sales.who[truth], sales.what[truth]]), axis=1)
        wanted = np.bincount(pairs[1], minlength=sales.width).astype(np.float64)
        if not len(regulars) or wanted.sum() < LEAST:
            continue
        parts = _components(known)
        head = np.zeros(sales.width, np.bool_)
        head[np.argsort(-parts, axis=1, kind="stable")[:, :HEAD].ravel()] = True
        shares += _mixture(parts * head, wanted * head)
        seen += 1
    if not seen:
        return np.zeros(sales.width)
    expected = (shares / seen) @ _components(sales)
    volume = float((sales.days <= WINDOW).sum())
    return np.asarray(np.log1p(volume * expected) / max(np.log1p(volume * expected.max()), 1e-12), np.float64)


def _mixture(parts: Floats, wanted: Floats) -> Floats:
    """Return the shares of components (c, n) under which `wanted` (n,) would have been expected best."""
    shares = np.full(len(parts), 1.0 / len(parts))
    for _ in range(ROUNDS):
        explained = shares[:, None] * parts
        explained /= np.maximum(explained.sum(axis=0), 1e-300)
        shares = explained @ wanted + PRIOR
        shares /= shares.sum()
    return np.asarray(shares, np.float64)
