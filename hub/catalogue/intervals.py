"""After how long customers buy a thing again, learned from what they bought: a pure function of purchases.

A gap is the time between two days on which one customer bought the same item. Gaps are looked at as logarithms,
since what matters of a rhythm is its ratio: gaps are taken as log-normal. Estimates lean on what is known
more widely, the more so the thinner the evidence (empirical Bayes, normal means with known variances; Efron
and Morris, "Stein's Paradox in Statistics", 1977):

    all things (PRIOR_DAYS) -> category -> item -> customer

Each customer counts once for an item, with the median of their gaps, so that neither a purchase made elsewhere nor
somebody who buys for an office moves the estimate; and a gap counts only if it began at least two intervals
before the last purchase of all, since of what began later only the short gaps can have been seen.

What is declared in the catalogue is never touched. What is learned fills in two things: the interval of what is
declared REPLENISHABLE without one, and the pattern of what nothing was declared of, where there is evidence
enough (`_enough`): it must be bought again, regularly, by many, and watched for several intervals. What is hardly ever
bought again is for `hub.catalogue.satisfaction` to tell.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import Content, ContentKind, Need, NeedOrigin, NeedPattern
from hub.catalogue.satisfaction import Satisfied, learn_satisfied

PRIOR_DAYS = 42.0  # stated, not learned: six weeks, where nothing is known
PRIOR_SPREAD = 0.8  # of logarithms: two categories of three lie between 19 and 93 days
ITEM_SPREAD = 0.5  # of logarithms, between items of one category, where the category does not tell
ITEM_SPREAD_COUNTS = 4.0  # as many items as that assumption weighs
GAP_SPREAD = 0.5  # of logarithms, between customers of one item, where the item does not tell
GAP_SPREAD_COUNTS = 4.0
LEAST_CUSTOMERS = 5  # below, nothing is said of an item or category of its own: as many as share a neighbour
ENOUGH_CUSTOMERS = 12  # who bought it again
REGULAR = 0.5  # most spread of gaps: two of three within a factor of 1.65
RETURNING = 0.3  # least share of buyers who bought it again, of those who have had two intervals for it
WATCHED = 3.0  # intervals, least, between the first purchase of all and the last
LEAST_DAYS = 3.0  # what is bought again faster is used up at no rhythm that a reminder could follow
MAD = 1.4826  # a median absolute deviation times this is a normal's standard deviation
CENSORED = 2.0  # intervals before the end, within which a gap must have begun to count

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Intervals:
    """What was learned: days by content key and by category, and of which of them that makes a replenishable.

    `items` are those with evidence of their own; `satisfied` is what was learned of what is hardly bought again. `version` names exactly these numbers, "" for none.
    """

    items: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, float] = field(default_factory=dict)
    regular_items: frozenset[str] = frozenset()
    regular_categories: frozenset[str] = frozenset()
    satisfied: Satisfied = field(default_factory=Satisfied)
    version: str = ""

    def need_of(self, content: Content) -> Need:
        """Return what a content does to demand, with what was learned where the catalogue leaves it open."""
        need = content.need
        known = self.items.get(content.key) or self.categories.get(content.category)
        if need.pattern is NeedPattern.REPLENISHABLE and need.days is None:
            origin = NeedOrigin.ASSUMED if known is None else NeedOrigin.LEARNED
            return Need(NeedPattern.REPLENISHABLE, known or PRIOR_DAYS, origin)
        if need.origin is not NeedOrigin.UNSTATED or content.kind is not ContentKind.PRODUCT:
            return need
        regular = (
            content.key in self.regular_items
            if content.key in self.items
            else content.category in self.regular_categories
        )
        if known and regular:
            return Need(NeedPattern.REPLENISHABLE, known, NeedOrigin.LEARNED)
        if content.category in self.satisfied.categories and content.key not in self.satisfied.exceptions:
            days = self.satisfied.categories[content.category]
            return Need(NeedPattern.ONCE if days is None else NeedPattern.DURABLE, days, NeedOrigin.LEARNED)
        return need

    def applied(self, content: Content) -> Content:
        """Return a content with the need that `need_of` finds."""
        need = self.need_of(content)
        return content if need is content.need else replace(content, need=need)


@dataclass(frozen=True, slots=True, eq=False)
class _Rebuys:
    """Who bought which item again. A pair is one customer with one item; it may have gaps.

    Of each pair (p,): `who`, `what`, and `first`, the age of its first purchase in days. Of each gap (g,): its
    `pair`, `began`, the age of the purchase that it began with, and `length`, the logarithm of its days.
    """

    who: Ints
    what: Ints
    first: Floats
    pair: Ints
    began: Floats
    length: Floats

    @classmethod
    def of(cls, who: Ints, what: Ints, ages: Floats) -> "_Rebuys":
        days = np.floor(ages)
        order = np.lexsort((-days, what, who))
        who, what, days = who[order], what[order], days[order]
        same = (who[1:] == who[:-1]) & (what[1:] == what[:-1])
        starts = np.concatenate(([True], ~same))
        pair = np.cumsum(starts) - 1
        after = np.flatnonzero(same & (days[1:] != days[:-1])) + 1
        length = np.log(days[after - 1] - days[after])
        return cls(who[starts], what[starts], days[starts], pair[after], days[after - 1], length)


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What purchases tell of each of some groups (n,) of pairs.

    `customers` bought again and `pairs` did; `middle` is the median of logarithms of days; `spread` that of
    pairs' medians (leaning on GAP_SPREAD) and `spread_of_gaps` that of gaps, each pair counting once, both as
    standard deviations;
    `returned` is the share of buyers who did of those who had the time; `watched` is in days.
    """

    customers: Ints
    pairs: Ints
    middle: Floats
    spread: Floats
    spread_of_gaps: Floats
    returned: Floats
    watched: Floats

    @property
    def variance(self) -> Floats:
        """Of `middle` as an estimate, that a median's; infinite where there is none."""
        with np.errstate(divide="ignore"):
            return np.where(self.pairs > 0, math.pi / 2 * self.spread**2 / self.pairs, np.inf)

    def enough(self, level: Floats) -> NDArray[np.bool_]:
        """Return (n,): for which groups the evidence makes a replenishable; `level` is their estimate."""
        return np.asarray(
            (self.customers >= ENOUGH_CUSTOMERS)
            & (self.spread_of_gaps <= REGULAR)
            & (self.returned >= RETURNING)
            & (self.watched >= WATCHED * np.exp(level))
            & (np.exp(level) >= LEAST_DAYS)
        )


def learn_intervals(
    customers: Sequence[str], keys: Sequence[str], ages: Floats, categories: Mapping[str, str]
) -> Intervals:
    """Learn from purchases.

    Args:
        customers: who bought, one for each purchase.
        keys: which content.
        ages: (m,) float64, how many days before the last of all; at least 0.
        categories: content key -> category, of contents that have one.
    """
    if not len(keys):
        return Intervals()
    who = np.unique(np.asarray(customers, np.str_), return_inverse=True)[1].astype(np.int64)
    names, what = np.unique(np.asarray(keys, np.str_), return_inverse=True)
    rebuys = _Rebuys.of(who, what.astype(np.int64), np.asarray(ages, np.float64))
    shelves, shelf_of = np.unique(
        np.asarray([categories.get(name, "") for name in names.tolist()], np.str_), return_inverse=True
    )
    items = _told(rebuys, rebuys.what, len(names))
    shelf = _told(rebuys, shelf_of[rebuys.what].astype(np.int64), len(shelves))
    named = np.asarray([bool(name) for name in shelves.tolist()], np.bool_)
    shelf_level, between = _shelf_levels(items, shelf, shelf_of, named)
    trust = between[shelf_of] / (between[shelf_of] + items.variance)
    level = trust * items.middle + (1 - trust) * shelf_level[shelf_of]
    known, shelf_known = items.customers >= LEAST_CUSTOMERS, named & (shelf.customers >= LEAST_CUSTOMERS)
    found = Intervals(
        {str(names[at]): _days(level[at]) for at in np.flatnonzero(known)},
        {str(shelves[at]): _days(shelf_level[at]) for at in np.flatnonzero(shelf_known)},
        frozenset(names[known & items.enough(level)].tolist()),
        frozenset(shelves[shelf_known & shelf.enough(shelf_level)].tolist()),
        learn_satisfied(who, what.astype(np.int64), np.asarray(ages, np.float64), names, shelves, shelf_of),
    )
    return replace(found, version=_name(found))


def _told(rebuys: _Rebuys, of_pair: Ints, count: int) -> _Told:
    """Return what pairs tell of the groups that they are of: `of_pair` (p,), below `count`."""
    everything = np.unique(rebuys.pair)
    own = _medians(rebuys.pair, rebuys.length, len(of_pair))[everything]
    first_look = _medians(of_pair[everything], own, count)
    kept = rebuys.began >= CENSORED * np.exp(first_look[of_pair[rebuys.pair]])
    pair, length = rebuys.pair[kept], rebuys.length[kept]
    again, place = np.unique(pair, return_inverse=True)
    own = _medians(place, length, len(again))
    of_own = of_pair[again]
    middle = _medians(of_own, own, count)
    number = np.bincount(of_own, minlength=count)
    spread = MAD * _medians(of_own, np.abs(own - middle[of_own]), count)
    off = _medians(place, np.abs(length - middle[of_pair[pair]]), len(again))
    leaning = GAP_SPREAD_COUNTS * GAP_SPREAD**2 + number * spread**2
    had_time = rebuys.first >= CENSORED * np.exp(middle[of_pair])
    came_back = np.zeros(len(rebuys.first), np.bool_)
    came_back[rebuys.pair] = True
    asked = np.bincount(of_pair[had_time], minlength=count)
    returned = np.bincount(of_pair[had_time & came_back], minlength=count)
    watched = np.zeros(count)
    np.maximum.at(watched, of_pair, rebuys.first)
    persons = np.unique(np.stack([of_own, rebuys.who[again]]), axis=1)[0]
    return _Told(
        customers=np.bincount(persons, minlength=count),
        pairs=number,
        middle=middle,
        spread=np.sqrt(leaning / (GAP_SPREAD_COUNTS + number)),
        spread_of_gaps=MAD * _medians(of_own, off, count),
        returned=returned / np.maximum(asked, 1),
        watched=watched,
    )


def _shelf_levels(
    items: _Told, shelf: _Told, shelf_of: NDArray[np.intp], named: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return each category's level, leaning on PRIOR_DAYS, and the variance of its items' levels around it."""
    count = len(named)
    seen = items.pairs > 0
    noise = np.where(seen, items.variance, 0.0)
    apart = np.where(seen, np.maximum((items.middle - shelf.middle[shelf_of]) ** 2 - noise, 0.0), 0.0)
    number = np.bincount(shelf_of[seen], minlength=count)
    summed = np.bincount(shelf_of, weights=apart, minlength=count)
    between = (ITEM_SPREAD_COUNTS * ITEM_SPREAD**2 + summed) / (ITEM_SPREAD_COUNTS + number)
    between = np.where(named, between, PRIOR_SPREAD**2)  # what has no category leans on the prior itself
    with np.errstate(divide="ignore"):
        variance = np.where(number > 0, between / number, np.inf) + shelf.variance
    trust = np.where(named, PRIOR_SPREAD**2 / (PRIOR_SPREAD**2 + variance), 0.0)
    return trust * shelf.middle + (1 - trust) * math.log(PRIOR_DAYS), between


def _medians(of: NDArray[np.integer[Any]], values: Floats, count: int) -> Floats:
    """Return (count,): of each group the median of its values; 0 of one without."""
    order = np.lexsort((values, of))
    number = np.bincount(of, minlength=count)
    start = np.cumsum(number) - number
    ordered = np.concatenate((values[order], [0.0]))
    low, high = start + np.maximum(number - 1, 0) // 2, start + number // 2
    return np.where(number > 0, (ordered[low] + ordered[high]) / 2, 0.0)


def _days(level: float) -> float:
    # Rounded, so that sums of floats in another order give the same.
    return round(float(np.exp(level)), 2)


def _name(found: Intervals) -> str:
    if not found.items and not found.categories and not found.satisfied.categories:
        return ""
    parts = (
        sorted(found.items.items()),
        sorted(found.categories.items()),
        sorted(found.regular_items),
        sorted(found.regular_categories),
        sorted(found.satisfied.categories.items()),
        sorted(found.satisfied.exceptions),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
