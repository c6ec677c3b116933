"""Which purchases satisfy a need for long, learned from what is not bought again: a pure function of purchases.

Of each category two curves are estimated from the orders of known customers, as discrete-time hazards over the
spans of `EDGES` (Singer and Willett, "It's about time", 1993; the discrete form of Kaplan and Meier's estimate):

    again   after the first purchase of a category, the next one of the same category
    first   after a customer's first order of anything, their first purchase of the category

Who orders nothing any more tells nothing: a customer is at risk in a span only if seen ordering anything at its end
or later (else censored), so that a shop whose customers do not come back closes nothing. Hazards are Beta variables.
The prior of `again` in a span is what all categories together show, counting as `PRIOR` buyers; that of an item is
its category's. A category is taken as satisfied for so many days only where owning it has been seen to make buying it
at most half as likely as not owning it, surely (`SURE`), over at least half a year, by at least `WATCHED` buyers who were
watched that long, and less than one in ten of them bought again. Nothing is said for want of evidence.

What was learned is a DURABLE of the longest such time; ONCE, where that is all of the nearly two years that are looked
at, and at most three in a hundred bought again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

EDGES = np.array(
    [0.0, 30.0, 90.0, 180.0, 365.0, 545.0, 680.0]
)  # days; spans lie between them; `learning.MEMORY` is 730
LEAST = 180.0  # days: shorter ones are for intervals to tell
PRIOR = 2.0  # buyers that what all categories together show counts as
OF_CATEGORY = 10.0  # buyers that what its category shows counts as, of an item
WATCHED = 100  # buyers
HALVED = 0.5
SELDOM = 0.1  # share that bought again, at most
NEVER = 0.03
SURE = 0.95  # of the posterior
DRAWS = 2_000  # of each curve, from a generator that always begins alike

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Satisfied:
    """Days by category, None for good; and items whose buyers come back to the category all the same."""

    categories: Mapping[str, float | None] = field(default_factory=dict)
    exceptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Of each group (n, spans): how many were at risk in a span, and how many bought in it."""

    risk: Floats
    bought: Floats

    @classmethod
    def of(cls, group: Ints, time: Floats, watched: Floats, count: int) -> "_Spans":
        """Count.

        Args:
            group: (p,) of whom.
            time: (p,) days until it was bought, infinite where it was not.
            watched: (p,) days for which they were seen.
            count: how many groups there are.
        """
        starts, ends = EDGES[:-1], EDGES[1:]
        inside = (time[:, None] >= starts) & (time[:, None] < ends)
        risk = inside | ((time[:, None] >= ends) & (watched[:, None] >= ends))
        return cls(_summed(group, risk, count), _summed(group, inside, count))

    def share(self, prior: Floats, draws: np.random.Generator) -> Floats:
        """Return (DRAWS, n, spans) the share that has bought by the end of each span, drawn from the posterior."""
        a, b = self.bought + PRIOR * prior, self.risk - self.bought + PRIOR * (1 - prior)
        return np.asarray(1.0 - np.cumprod(1.0 - draws.beta(a, b, (DRAWS, *a.shape)), axis=2))


def learn_satisfied(
    who: Ints, what: Ints, ages: Floats, names: NDArray[Any], shelves: NDArray[Any], shelf_of: Ints
) -> Satisfied:
    """Learn from purchases.

    Args:
        who: (m,) customers of purchases, as numbers from 0.
        what: (m,) items, as positions in `names`.
        ages: (m,) days before the last purchase of all.
        names: (i,) content keys.
        shelves: (c,) categories; "" is none, and nothing is learned of it.
        shelf_of: (i,) the category of each item, as a position in `shelves`.
    """
    if not len(who):
        return Satisfied()
    days = np.floor(ages)
    first_seen, last_seen = np.zeros(who.max() + 1), np.full(who.max() + 1, np.inf)
    np.maximum.at(first_seen, who, days)
    np.minimum.at(last_seen, who, days)
    shelf = shelf_of[what]
    order = np.lexsort((what, -days, who, shelf))
    shelf, who, what, days = shelf[order], who[order], what[order], days[order]
    same = (shelf[1:] == shelf[:-1]) & (who[1:] == who[:-1])
    doubled = np.concatenate(([False], same & (days[1:] == days[:-1]) & (what[1:] == what[:-1])))
    shelf, who, what, days = shelf[~doubled], who[~doubled], what[~doubled], days[~doubled]
    same = np.concatenate(((shelf[1:] == shelf[:-1]) & (who[1:] == who[:-1]), [False]))
    starts = np.flatnonzero(np.concatenate(([True], ~same[:-1])))
    after = np.where(same[starts], days[starts] - np.roll(days, -1)[starts], np.inf)
    shelf, who, what, days = shelf[starts], who[starts], what[starts], days[starts]
    again = _Spans.of(shelf, after, days - last_seen[who], len(shelves))
    prior = np.clip(again.bought.sum(axis=0) / np.maximum(again.risk.sum(axis=0), 1.0), 0.01, 0.99)
    first = _first(
        shelf, first_seen[who] - days, (first_seen - last_seen)[who], first_seen - last_seen, len(shelves)
    )
    draws = np.random.default_rng(0)
    categories: dict[str, float | None] = {}
    exceptions: set[str] = set()
    items = _Spans.of(what, after, days - last_seen[who], len(names))
    for at in np.flatnonzero((again.risk[:, 2] >= WATCHED) & (shelves != "")).tolist():
        last = _satisfied_until(again, first, at, prior, draws)
        if last is None:
            continue
        span, share = last
        for_good = span == len(EDGES) - 2 and share <= NEVER
        categories[str(shelves[at])] = None if for_good else float(EDGES[span + 1])
        own = (again.bought[at] + PRIOR * prior) / (again.risk[at] + PRIOR)
        mine = np.flatnonzero(shelf_of == at)
        hazard = (items.bought[mine] + OF_CATEGORY * own) / (items.risk[mine] + OF_CATEGORY)
        back = 1.0 - np.prod(1.0 - hazard[:, : span + 1], axis=1) > SELDOM
        exceptions.update(names[mine[back]].tolist())
    return Satisfied(categories, frozenset(exceptions))


def _satisfied_until(
    again: _Spans, first: _Spans, at: int, prior: Floats, draws: np.random.Generator
) -> tuple[int, float] | None:
    """Return the last span at whose end a category's need is still satisfied, and the most that bought again by then."""
    owning = np.quantile(
        _Spans(again.risk[at : at + 1], again.bought[at : at + 1]).share(prior, draws)[:, 0], SURE, axis=0
    )
    neither = np.full(len(EDGES) - 1, 0.5 / PRIOR)  # half a buyer, as Jeffreys has it
    wanting = np.quantile(
        _Spans(first.risk[at : at + 1], first.bought[at : at + 1]).share(neither, draws)[:, 0],
        1 - SURE,
        axis=0,
    )
    holds = (
        (again.risk[at] >= WATCHED) & (EDGES[1:] >= LEAST) & (owning <= HALVED * wanting) & (owning <= SELDOM)
    )
    spans = np.flatnonzero(holds)
    return (int(spans[-1]), float(owning[spans[-1]])) if len(spans) else None


def _first(shelf: Ints, time: Floats, watched: Floats, watched_of_all: Floats, count: int) -> _Spans:
    """Return of each category the first purchases of it by those who had none: (p,) of pairs, (w,) of all customers."""
    starts, ends = EDGES[:-1], EDGES[1:]
    late = time > 0  # bought with the first order of all, it was wanted from the start
    inside = (time[:, None] >= starts) & (time[:, None] < ends) & late[:, None]
    seen = watched[:, None] >= ends
    had = (time[:, None] < starts) | ~late[:, None]
    everybody = (watched_of_all[:, None] >= ends).sum(axis=0)
    risk = everybody - _summed(shelf, had & seen, count) + _summed(shelf, inside & ~seen, count)
    return _Spans(np.asarray(risk, np.float64), _summed(shelf, inside, count))


def _summed(group: Ints, marks: NDArray[np.bool_], count: int) -> Floats:
    return np.stack([np.bincount(group[column], minlength=count) for column in marks.T], axis=1).astype(
        np.float64
    )
