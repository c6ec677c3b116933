"""How likely a customer who has a content, and comes back within a month, buys it again.

A logistic regression on how often, how long ago and since when they bought it, and on how the content sells: learned on
several windows that ended before the last purchase. What the content adds is worked out once for all; what the
customer adds waits for the customer.

That hardly anything is bought again is learned too: the fewer were, or were not, the more it is the share of those who
did that speaks, and the less how often and when. Beside it stands how likely a content is bought by who comes back and
does not have it: where that is likelier, to have it speaks against it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.sales import WINDOW, Floats, Sales

ENDS = (30, 45, 60, 90)  # how many days ago the windows began that teach
LEAST = 200  # examples below which nothing is learned; of each answer, below which the ridge grows
MOST = 400_000  # examples; of more, evenly spaced ones are taken
SALES_PACES = (7.0, 28.0, 90.0)  # days in which a sale counts half
SHRINKAGE = 10.0  # owners whom a content is taken to have had before, who bought again as all do
MOST_DAYS = 8  # days of purchase that count, as many as a facet keeps
PENALTY = 1.0  # ridge of the regression, on standardized features, where there are `LEAST` of each answer
CURVE = 5  # what is known of customer and content: one, days, days since, both, days since the first
_STEPS = 30
_HALVINGS = 30


def personal(days: Floats, last: Floats, first: Floats) -> Floats:
    """Return (k, CURVE) what is known of customer and content: how often, how long ago, since when."""
    often, ago = np.log1p(np.minimum(days, MOST_DAYS)), np.log1p(np.maximum(last, 0.0))
    return np.stack([np.ones(len(often)), often, ago, often * ago, np.log1p(np.maximum(first, 0.0))], axis=1)


def _owned(sales: Sales) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats, Floats]:
    """Return of every customer and content: who, what, on how many days, how long ago last, and first."""
    pairs, where = np.unique(sales.who * sales.width + sales.what, return_inverse=True)
    times = np.bincount(where, minlength=len(pairs)).astype(np.float64)
    last, first = np.full(len(pairs), np.inf), np.zeros(len(pairs))
    np.minimum.at(last, where, sales.days)
    np.maximum.at(first, where, sales.days)
    return pairs // sales.width, pairs % sales.width, times, last, first


def _selling(sales: Sales, what: NDArray[np.int64], times: Floats) -> Floats:
    """Return (n, 4) how a content sells at three paces, and what share of those who have it bought it again."""
    paces = [np.log1p(WINDOW * sales.faded(pace) / pace) for pace in SALES_PACES]
    owners = np.bincount(what, minlength=sales.width)
    again = np.bincount(what, weights=times >= 2, minlength=sales.width)
    rate = (again + SHRINKAGE * max(again.sum() / max(len(what), 1), 1e-3)) / (owners + SHRINKAGE)
    return np.stack([*paces, np.log(rate)], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Returning:
    """What is learned of who comes back.

    `add` (n,) is what contents add to the odds of being bought again, `curve` (CURVE,) what the customer does; `fresh` (n,)
    is how likely who does not have a content buys it.
    """

    add: Floats
    curve: Floats
    fresh: Floats


def bought_again(sales: Sales) -> Returning:
    """Return what is learned of who comes back; zeros and no curve where there is too little to learn from."""
    examples: list[Floats] = []
    answers: list[NDArray[np.bool_]] = []
    for end in ENDS:
        known = sales.before(end)
        if sales.days.max(initial=0) < end + WINDOW or not len(known.who):
            continue
        who, what, times, last, first = _owned(known)
        inside = (sales.days <= end) & (sales.days > end - WINDOW)
        back = np.isin(who, np.unique(sales.who[inside]))  # of who stays away nothing is to be put in order
        selling = _selling(known, what, times)[what[back]]
        examples.append(np.hstack([personal(times[back], last[back], first[back]), selling]))
        bought = np.unique(sales.who[inside] * sales.width + sales.what[inside])
        answers.append(np.isin(who[back] * sales.width + what[back], bought))
    nothing = Returning(np.zeros(sales.width), np.zeros(0), np.zeros(sales.width))
    if not examples:
        return nothing
    table, answered = np.concatenate(examples), np.concatenate(answers)
    if len(answered) < LEAST:
        return nothing
    every = -(-len(table) // MOST)
    weights = _logistic(table[::every], answered[::every])
    _, what, times, _, _ = _owned(sales)
    return Returning(_selling(sales, what, times) @ weights[CURVE:], weights[:CURVE], _fresh(sales))


def _fresh(sales: Sales) -> Floats:
    """Return (n,) which share of those who came back in the last window, and did not have a content, bought it."""
    known = sales.before(WINDOW)
    inside = sales.days <= WINDOW
    came = np.intersect1d(sales.who[inside], known.who)
    had = np.unique(known.who * sales.width + known.what)
    bought = np.unique(sales.who[inside] * sales.width + sales.what[inside])
    new = bought[np.isin(bought // sales.width, came) & ~np.isin(bought, had)]
    newly = np.bincount(new % sales.width, minlength=sales.width)
    owned = had[np.isin(had // sales.width, came)]
    without = len(came) - np.bincount(owned % sales.width, minlength=sales.width)
    usual = newly.sum() / max(without.sum(), 1)
    return np.asarray((newly + SHRINKAGE * usual) / (without + SHRINKAGE), np.float64)


def _logistic(table: Floats, answered: NDArray[np.bool_]) -> Floats:
    """Return the weights of a ridge logistic regression, whose first feature is one, by Newton's steps.

    With fewer than `LEAST` of one answer the ridge is as many times stronger as they are fewer, and holds the first
    feature to the share of all, so that there are weights where nobody, or everybody, did.
    """
    middle, spread = table.mean(axis=0), table.std(axis=0)
    spread[spread < 1e-9] = 1.0  # what is the same of all tells nothing, and weighs nothing
    middle[0], spread[0] = 0.0, 1.0
    scaled = (table - middle) / spread
    fewest = min(answered.sum(), (~answered).sum())
    few = fewest < LEAST
    share = (answered.sum() + 0.5) / (len(answered) + 1.0) if few else answered.mean()
    penalty = np.full(scaled.shape[1], PENALTY * max(LEAST / max(fewest, 1), 1.0))
    penalty[0] = PENALTY if few else 0.0
    held = np.zeros(scaled.shape[1])
    held[0] = np.log(share / (1.0 - share))
    weights, loss = held.copy(), _loss(scaled, answered, held, penalty, held)
    for _ in range(_STEPS):
        expected = _expected(scaled @ weights)
        slope = scaled.T @ (answered - expected) - penalty * (weights - held)
        bend = (scaled * (expected * (1.0 - expected))[:, None]).T @ scaled + np.diag(penalty)
        step = np.linalg.solve(bend + 1e-9 * np.eye(len(bend)), slope)
        # Where answers are rare a whole step may go too far, and the next one farther still.
        for _ in range(_HALVINGS):
            further = _loss(scaled, answered, weights + step, penalty, held)
            if further <= loss:
                break
            step /= 2.0
        else:
            break
        weights, loss = weights + step, further
        if np.abs(step).max() < 1e-7:
            break
    weights = weights / spread
    weights[0] -= float(weights[1:] @ middle[1:])
    return np.asarray(weights, np.float64)


def _expected(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))), np.float64)


def _loss(
    table: Floats, answered: NDArray[np.bool_], weights: Floats, penalty: Floats, held: Floats
) -> float:
    """Return the negative logarithm of the likelihood, and of the prior."""
    odds = table @ weights
    away = weights - held
    return float(np.logaddexp(0.0, odds).sum() - odds @ answered + 0.5 * penalty @ (away * away))
