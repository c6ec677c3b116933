"""How loud the neighbours of a shop are beside what is popular there: rehearsed on the month that lies behind.

Weights of a regression are small where customers have few things each, and large where they have many; popularity is from
0 to 1 everywhere. So one loudness for all shops would drown the neighbours in one and deafen in another. The months
before the last `WINDOW_DAYS` teach, customers who came back in them tell: of each gain, how well what they bought for the
first time is found by popularity and neighbours together.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hub.catalogue import popularity

GAINS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
WORTH = 3.0  # what the mixes that ship let a point of the layer count beside a point of popularity
MOST_CUSTOMERS = 1_000  # who tell; of more, evenly spaced ones
LEAST_CUSTOMERS = 30  # below which nothing is told, and the gain is 1
AT = 10  # places of a list
_DISCOUNTS = 1.0 / np.log2(np.arange(2, AT + 2))


def gain_of(
    affinity: Callable[[NDArray[np.intp], NDArray[np.float64]], NDArray[np.float64]],
    who: NDArray[np.int64],
    what: NDArray[np.int64],
    ages: NDArray[np.float64],
    *,
    width: int,
    window: float,
) -> float:
    """Return by how much to multiply what neighbours tell.

    Of the gains within one standard error of the best, the one nearest to 1 (the rule of Breiman et al., "Classification
    and Regression Trees", 1984): a shop is treated otherwise than others only where it says so.

    Args:
        affinity: (n,) of contents and how many days before the window each was bought last, by what was known then.
        who: (m,) customers of purchases, ascending.
        what: (m,) contents, below `width`.
        ages: (m,) how many days ago; those below `window` tell, the others were known.
        width: contents, n.
        window: days.
    """
    known = ages >= window
    popular = _popularity(what[known], ages[known] - window, width)
    bounds = np.flatnonzero(np.r_[True, who[1:] != who[:-1], True]).tolist()
    back = [
        slice(begin, end)
        for begin, end in pairwise(bounds)
        if ages[begin:end].min() < window <= ages[begin:end].max()
    ]
    told: list[NDArray[np.float64]] = []
    for one in back[:: max(-(-len(back) // MOST_CUSTOMERS), 1)]:
        before = known[one]
        had, places = np.unique(what[one][before], return_inverse=True)
        last = np.full(len(had), np.inf)
        np.minimum.at(last, places, ages[one][before] - window)
        wanted = np.setdiff1d(what[one][~before], had)
        if len(wanted):
            told.append(_found(popular, affinity(had, last), had, wanted))
    if len(told) < LEAST_CUSTOMERS:
        return 1.0
    values = np.stack(told)
    behind = values[:, [int(values.mean(axis=0).argmax())]] - values
    close = behind.mean(axis=0) <= behind.std(axis=0) / np.sqrt(len(values))
    return min((gain for gain, held in zip(GAINS, close, strict=True) if held), key=lambda g: abs(np.log(g)))


def _popularity(what: NDArray[np.int64], ages: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return (n,) popularity as `hub.catalogue.popularity` scales it, of purchases alone."""
    faded = 0.5 ** (ages / (popularity.HALF_LIFE / timedelta(days=1)))
    sums = popularity.WEIGHTS["Order Completed"] * np.bincount(what, weights=faded, minlength=width)
    return np.asarray(np.log1p(sums) / max(float(np.log1p(sums.max())), 1e-12), np.float64)


def _found(
    popular: NDArray[np.float64],
    spread: NDArray[np.float64],
    had: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return (gains,) nDCG@`AT` of what was wanted, among what was not had before."""
    scores = popular + WORTH * np.tanh(np.outer(GAINS, spread))
    scores[:, had] = -np.inf
    best = np.argpartition(-scores, min(AT, scores.shape[1] - 1), axis=1)[:, :AT]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    hits = np.isin(np.take_along_axis(best, order, axis=1), wanted)
    return np.asarray(hits @ _DISCOUNTS[: hits.shape[1]] / _DISCOUNTS[: len(wanted)].sum(), np.float64)
