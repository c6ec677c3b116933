"""The dial of diversity: an order of which every beginning is as unlike within itself as is set.

The intra-list diversity of the first k is the mean of one minus the cosine over their pairs (Ziegler et al.,
WWW 2005). To hit a mean of pairs exactly is as hard as finding a densest subgraph of k nodes, so there are
three steps, and a later one is taken only where lengths are still missed (docs/decisions/0056):

    greedy     the best that keeps the list within `CLOSE` of the setting, else the one that comes nearest
    lengthen   keeps the first places; members of the whole list are swapped until it is at the setting, then
               it is taken apart from its end: on average taking one away does not change the mean, so that
               from a list at the setting shorter ones at the setting are reached, the best kept longest
    begin      a beam over first places, which minds how near those that are left lie: a list can only go on
               where enough of them are. For few candidates it is every list there is, and exact

What is still missed is told, length by length, and never passed off as kept.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BOUND = 0.05  # the promise: so near the setting is every beginning that can be
CLOSE = 0.03  # what is aimed at, so that the next place has room
BEGUN = 16  # places that the beam sets
KEPT = 12  # places that `lengthen` leaves alone
SWAPS = 40
HORIZONS = (60, 24)  # how many places ahead the beam minds
EXHAUSTIVE = 11  # up to so many candidates the beam drops nothing
BEAM, BRANCHES = 24, 4
_MISSED = 1000.0  # what a length that is missed costs, in units of worth: more than anything else
_AHEAD = 50.0
_CODES = np.random.default_rng(0).integers(1 << 62, size=1024)  # a set's code: its members' by exclusive or


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What can be listed, best first.

    `worth` (n,) float64: from 0 to 1. `distances` (n, n) float64: one minus the cosine, 0 on the diagonal.
    `sort` (n,) and `sorts` (k,) bool: of which of two sorts each is, and of which each place must be; or None.
    """

    worth: NDArray[np.float64]
    distances: NDArray[np.float64]
    sort: NDArray[np.bool_] | None = None
    sorts: NDArray[np.bool_] | None = None

    def fitting(self, place: int) -> NDArray[np.bool_]:
        """Return (n,) which of them may stand at a place, counted from 0."""
        if self.sort is None or self.sorts is None:
            return np.ones(len(self.worth), np.bool_)
        return np.asarray(self.sort == self.sorts[place])


@dataclass(frozen=True, slots=True)
class Missed:
    """Neighbouring lengths that are missed, and the diversity of the one that is farthest from the setting."""

    shortest: int
    longest: int
    diversity: float


class _List(NamedTuple):
    order: NDArray[np.intp]
    off: NDArray[np.float64]  # of lengths 2, 3, ...: how far from the setting

    @property
    def missed(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.off > BOUND) + 2


def beginnings(order: NDArray[np.intp], distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (k - 1,) the diversity of the first 2, 3, ... k of an order."""
    count = len(order)
    if count < 2:
        return np.zeros(0)
    sums = np.cumsum(np.tril(distances[np.ix_(order, order)], -1).sum(axis=1))[1:]
    lengths = np.arange(2, count + 1)
    return np.asarray(sums / (lengths * (lengths - 1) / 2))


def missed(order: NDArray[np.intp], distances: NDArray[np.float64], setting: float) -> tuple[Missed, ...]:
    """Return the beginnings of an order that are not within `BOUND` of the setting."""
    reached = beginnings(order, distances)
    off = np.abs(reached - setting)
    lengths = np.flatnonzero(off > BOUND)
    runs = np.split(lengths, np.flatnonzero(np.diff(lengths) > 1) + 1) if len(lengths) else []
    return tuple(
        Missed(int(run[0]) + 2, int(run[-1]) + 2, float(reached[run[off[run].argmax()]])) for run in runs
    )


def at(setting: float, candidates: Candidates, places: int) -> NDArray[np.intp]:
    """Return (k,) the candidates of the first places, k the lesser of `places` and how many there are.

    Of the lists that were tried it is the one that misses the fewest lengths, the earliest tried of equals.
    """
    places = min(places, len(candidates.worth))

    def seen(order: NDArray[np.intp]) -> _List:
        return _List(order, np.abs(beginnings(order, candidates.distances) - setting))

    def better(order: NDArray[np.intp]) -> _List:
        other = seen(order)
        return other if len(other.missed) < len(best.missed) else best

    best = seen(_continued(np.zeros(0, np.intp), candidates, setting, places))
    if len(best.missed) and best.missed[0] > KEPT:
        best = better(_lengthened(best.order, candidates, setting))
    for tries, horizon in enumerate(HORIZONS):
        if len(best.missed) == 0 or (tries and _only_the_end(best, places)):
            break
        order = _continued(_begun(candidates, setting, places, horizon), candidates, setting, places)
        best = better(order)
        if len(best.missed):
            best = better(_lengthened(order, candidates, setting))
    return best.order


def _only_the_end(found: _List, places: int) -> bool:
    """Whether but the longest lists are missed: there the candidates run out of the like."""
    missed = found.missed
    return bool(missed[0] > KEPT and len(missed) == places - missed[0] + 1)


def _continued(
    order: NDArray[np.intp], candidates: Candidates, setting: float, places: int
) -> NDArray[np.intp]:
    """Return the list, filled up place by place: the best that keeps to the setting, or what comes nearest."""
    picked = order.tolist()
    distances = candidates.distances
    left = np.ones(len(distances), np.bool_)
    left[order] = False
    apart = distances[order].sum(axis=0)  # of each candidate, the sum of its distances to those picked
    within = float(apart[order].sum()) / 2
    for place in range(len(picked), places):
        open_ = left & candidates.fitting(place)
        if place == 0:
            pick = int(open_.argmax())
        else:
            off = np.abs((within + apart) / (place * (place + 1) / 2) - setting)
            near = open_ & (off <= CLOSE)
            pick = int(near.argmax()) if near.any() else int(np.where(open_, off, np.inf).argmin())
        picked.append(pick)
        left[pick] = False
        within += float(apart[pick])
        apart = apart + distances[pick]
    return np.array(picked, np.intp)


def _lengthened(order: NDArray[np.intp], candidates: Candidates, setting: float) -> NDArray[np.intp]:
    """Return a list of the same first places and of members among which the setting holds longer."""
    kept = order[:KEPT]
    members = np.zeros(len(candidates.worth), np.bool_)
    members[order] = True
    free = members.copy()
    free[kept] = False
    _swap(members, free, candidates, setting)
    distances = candidates.distances
    apart = distances[:, members].sum(axis=1)
    within = float(apart[members].sum()) / 2
    taken: list[int] = []
    for place in range(len(order) - 1, len(kept) - 1, -1):
        open_ = free & candidates.fitting(place)
        off = np.abs((within - apart) / (place * (place - 1) / 2) - setting)
        near = np.flatnonzero(open_ & (off <= CLOSE))
        pick = int(near[-1]) if len(near) else int(np.where(open_, off, np.inf).argmin())
        taken.append(pick)
        free[pick] = False
        within -= float(apart[pick])
        apart = apart - distances[pick]
    return np.concatenate([kept, np.array(taken[::-1], np.intp)])


def _swap(
    members: NDArray[np.bool_], free: NDArray[np.bool_], candidates: Candidates, setting: float
) -> None:
    """Swap free members for others of their sort, in place, until the mean of all pairs is close to the setting."""
    distances, worth = candidates.distances, candidates.worth
    count = int(members.sum())
    pairs = count * (count - 1) / 2
    apart = distances[:, members].sum(axis=1)
    within = float(apart[members].sum()) / 2
    for _ in range(SWAPS):
        off = abs(within / pairs - setting)
        out, in_ = np.flatnonzero(free), np.flatnonzero(~members)
        if off <= CLOSE or not len(out) or not len(in_):
            return
        after = ((within - apart[out])[:, None] + apart[in_] - distances[np.ix_(out, in_)]) / pairs
        gain = off - np.abs(after - setting)
        if candidates.sort is not None:
            gain[candidates.sort[out][:, None] != candidates.sort[in_]] = 0.0
        lost = np.maximum(worth[out][:, None] - worth[in_], 0.0)
        best = int((gain / (lost + 0.3)).argmax())
        row, column = divmod(best, len(in_))
        if gain[row, column] <= 1e-6:
            return
        gone, new = out[row], in_[column]
        within += float(apart[new] - apart[gone] - distances[gone, new])
        apart = apart - distances[gone] + distances[new]
        members[gone] = free[gone] = False
        members[new] = free[new] = True


def _begun(candidates: Candidates, setting: float, places: int, horizon: int) -> NDArray[np.intp]:
    """Return first places, by a beam: fewest lengths missed, then nearest to the setting, then of most worth."""
    distances, worth = candidates.distances, candidates.worth
    count = len(worth)
    exact = count <= EXHAUSTIVE
    lists = np.flatnonzero(candidates.fitting(0))[:, None]
    left = np.ones((len(lists), count), np.bool_)
    left[np.arange(len(lists)), lists[:, 0]] = False
    apart, within = distances[lists[:, 0]], np.zeros(len(lists))
    cost, codes = -worth[lists[:, 0]], _CODES[lists[:, 0]]
    for place in range(1, places if exact else min(BEGUN, places)):
        off = np.abs((within[:, None] + apart) / (place * (place + 1) / 2) - setting)
        step = cost[:, None] + _MISSED * (off > BOUND) + 20 * np.maximum(off - CLOSE, 0.0) - worth
        step[~(left & candidates.fitting(place))] = np.inf
        ahead = np.zeros(len(lists)) if exact else _ahead(apart, left, setting, place, horizon)
        branches = count if exact else min(BRANCHES, count)
        picks = np.argpartition(step, branches - 1, axis=1)[:, :branches].ravel()
        rows = np.repeat(np.arange(len(lists)), branches)
        costs = step[rows, picks]
        together = codes[rows] ^ _CODES[picks]
        ranked = np.argsort(costs + ahead[rows], kind="stable")
        ranked = ranked[np.isfinite(costs[ranked])]
        _, first = np.unique(together[ranked], return_index=True)  # of the same members, the better list
        kept = ranked[np.sort(first)][: None if exact else BEAM]
        rows, picks = rows[kept], picks[kept]
        within = within[rows] + apart[rows, picks]
        apart = apart[rows] + distances[picks]
        left = left[rows]
        left[np.arange(len(rows)), picks] = False
        lists = np.concatenate([lists[rows], picks[:, None]], axis=1)
        cost, codes = costs[kept], together[kept]
    return np.asarray(lists[0], np.intp)


def _ahead(
    apart: NDArray[np.float64], left: NDArray[np.bool_], setting: float, place: int, horizon: int
) -> NDArray[np.float64]:
    """Return (lists,) what it costs each list that too few of those left lie to either side of the setting."""
    count = left.shape[1]
    ahead = min(max(horizon - place, 4), count - place)
    nearest = np.partition(np.where(left, apart, np.inf), ahead - 1, axis=1)[:, :ahead].mean(axis=1) / place
    farthest = (
        -np.partition(np.where(left, -apart, np.inf), ahead - 1, axis=1)[:, :ahead].mean(axis=1) / place
    )
    return np.asarray(_AHEAD * (np.maximum(nearest - setting, 0.0) + np.maximum(setting - farthest, 0.0)))
