"""Which contents go with which, learned from what customers did: a pure function of the event log.

Three tables of weights between contents, all from ridge regressions with one solution:

    together  what else the same customers have: EASE (Steck, "Embarrassingly Shallow Autoencoders",
              WWW 2019) on purchases that fade by half every `FADING_DAYS`
    next      what customers who had this bought in the last `WINDOW_DAYS`: the same regression, from what they
              had before the window to what they bought within it. It knows the direction of time, hence the season.
    basket    what stands in one order with it: the first regression, on orders (`hub.catalogue.baskets`)

A weight is kept only between contents that at least `ANONYMITY` customers both have, so that nobody's basket
can be read off the table, and only the `MOST_KEPT` largest of a content are. Ridges are multiples of the mean
diagonal, so that they grow with the shop.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.baskets import shared_orders
from hub.catalogue.gain import gain_of
from hub.catalogue.table import Float32, Table

ANONYMITY = 5  # customers who must share a pair before it counts
MOST_CONTENTS = 4_000  # the most bought; the regression takes their square in memory, twice 64 MB
MOST_KEPT = 100  # weights kept of one content
FADING_DAYS = 60.0
WINDOW_DAYS = 30.0
RIDGE_TOGETHER = 4.0  # in mean diagonals
RIDGE_NEXT = 10.0
RIDGE_BASKET = 10.0
TOGETHER_SHARE = 0.4  # of what comes next: what others have as well says less of what will be bought
_CHUNK = 2_048  # customers in memory at a time


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """What was learned, by content key: `keys` (n,), and tables over their positions. `version` names it.

    `gain` is how loud it all is, see `hub.catalogue.gain`; weights are as the regressions have them.
    """

    keys: tuple[str, ...] = ()
    together: Table = field(default_factory=lambda: Table.empty(0))
    next: Table = field(default_factory=lambda: Table.empty(0))
    basket: Table = field(default_factory=lambda: Table.empty(0))
    gain: float = 1.0
    version: str = ""

    def __len__(self) -> int:
        return len(self.keys)

    def learned(self) -> NDArray[np.bool_]:
        """Return (n,) of which contents anything was learned."""
        led = np.zeros(len(self), np.bool_)
        for table in (self.together, self.next, self.basket):
            led |= np.diff(table.starts) > 0
            led[table.targets] = True
        return led

    def affinity(
        self, rows: NDArray[np.intp], faded: NDArray[np.float64], ever: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return (n,) how much some contents speak for each, `faded` (h,) as of late and `ever` (h,) at all."""
        spread = TOGETHER_SHARE * self.together.spread(rows, faded) + self.next.spread(rows, ever)
        return self.gain * spread

    def placed(self, rows: Mapping[str, int], count: int) -> "Neighbours":
        """Return the same over the rows of a catalogue of `count` contents; what it does not have is left out."""
        moved = np.fromiter((rows.get(key, -1) for key in self.keys), np.int64, len(self.keys))
        names = [""] * count
        for key, row in rows.items():
            names[row] = key
        return Neighbours(
            tuple(names),
            _moved(self.together, moved, count),
            _moved(self.next, moved, count),
            _moved(self.basket, moved, count),
            self.gain,
            self.version,
        )


def _moved(table: Table, moved: NDArray[np.int64], count: int) -> Table:
    sources = np.repeat(moved, np.diff(table.starts))
    targets = moved[table.targets] if len(table.targets) else np.zeros(0, np.int64)
    kept = (sources >= 0) & (targets >= 0)
    sources, targets, weights = sources[kept], targets[kept], table.weights[kept]
    order = np.argsort(sources, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(sources, minlength=count))))
    return Table(starts.astype(np.int64), targets[order].astype(np.int32), weights[order])


def learn(customers: Sequence[str], keys: Sequence[str], ages: NDArray[np.float64]) -> Neighbours:
    """Learn from purchases.

    Args:
        customers: who bought, one for each purchase.
        keys: which content.
        ages: (m,) float64, how many days before the last of all; at least 0. Lines of one customer with exactly the
            same age are one order.
    """
    who = np.unique(np.asarray(customers, np.str_), return_inverse=True)[1]
    names, what = np.unique(np.asarray(keys, np.str_), return_inverse=True)
    pairs = np.unique(who.astype(np.int64) * max(len(names), 1) + what)
    buyers = np.bincount(pairs % max(len(names), 1), minlength=len(names))
    chosen = np.argsort(-buyers, kind="stable")[:MOST_CONTENTS]
    chosen = np.sort(chosen[buyers[chosen] >= ANONYMITY])
    if len(chosen) < 2:
        return Neighbours()
    place = np.full(len(names), -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    known = place[what] >= 0
    purchases = _Purchases.sorted(who[known], place[what[known]], ages[known], len(chosen))
    together, following, enough = _regressions(purchases)
    orders = shared_orders(who[known], place[what[known]], ages[known], len(chosen), FADING_DAYS)
    basket = _ease(orders, enough, RIDGE_BASKET)
    del enough
    kept_keys = tuple(names[chosen].tolist())
    gain = _rehearsed(purchases)
    version = _name(kept_keys, gain, together, following, basket)
    return Neighbours(kept_keys, together, following, basket, gain, version)


def _regressions(purchases: "_Purchases") -> tuple[Table, Table, NDArray[np.bool_]]:
    """Return what goes together, what comes next, and (n, n) which pairs enough customers share."""
    enough = purchases.product(_ever, _ever) >= ANONYMITY
    together = _ease(purchases.product(_faded, _faded), enough, RIDGE_TOGETHER)
    following = _next(purchases.product(_before, _before), purchases.product(_before, _within), enough)
    return together, following, enough


def _rehearsed(purchases: "_Purchases") -> float:
    """Return the gain that would have been best in the last window, for what was learned before it."""
    known = purchases.ages >= WINDOW_DAYS
    if not known.any() or known.all():
        return 1.0
    former = _Purchases(
        purchases.who[known], purchases.what[known], purchases.ages[known] - WINDOW_DAYS, purchases.width
    )
    together, following, _ = _regressions(former)
    before = Neighbours(together=together, next=following)

    def affinity(rows: NDArray[np.intp], ages: NDArray[np.float64]) -> NDArray[np.float64]:
        return before.affinity(rows, 0.5 ** (ages / FADING_DAYS), np.ones(len(rows)))

    return gain_of(
        affinity, purchases.who, purchases.what, purchases.ages, width=purchases.width, window=WINDOW_DAYS
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Purchases:
    """Purchases by customer: `bounds` say where the purchases of a chunk of customers begin and end."""

    who: NDArray[np.int64]
    what: NDArray[np.int64]
    ages: NDArray[np.float64]
    width: int

    @classmethod
    def sorted(
        cls, who: NDArray[np.intp], what: NDArray[np.int64], ages: NDArray[np.float64], width: int
    ) -> "_Purchases":
        order = np.argsort(who, kind="stable")
        return cls(who[order].astype(np.int64), what[order], ages[order], width)

    def product(self, left: "_Reading", right: "_Reading") -> Float32:
        """Return left.T @ right, (n, n), of two readings of the customers' purchases, in chunks."""
        total = np.zeros((self.width, self.width), np.float32)
        last = int(self.who[-1]) + 1
        for start in range(0, last, _CHUNK):
            begin, end = np.searchsorted(self.who, (start, start + _CHUNK))
            part = _Purchases(
                self.who[begin:end] - start, self.what[begin:end], self.ages[begin:end], self.width
            )
            count = min(_CHUNK, last - start)
            one = left(part, count)
            other = one if left is right else right(part, count)
            if left is not right or left is _before:
                # Only customers on both sides of the window teach what comes next.
                both = _before(part, count).any(axis=1) & _within(part, count).any(axis=1)
                one, other = one[both], other[both]
            total += one.T @ other
        return total


class _Reading:
    """One way to read a chunk of purchases: a matrix (customers, contents) of weights in [0, 1]."""

    def __init__(self, least: float, most: float, *, fading: bool = False) -> None:
        self._least, self._most, self._fading = least, most, fading

    def __call__(self, part: _Purchases, count: int) -> Float32:
        inside = (part.ages >= self._least) & (part.ages < self._most)
        amounts = 0.5 ** (part.ages[inside] / FADING_DAYS) if self._fading else np.ones(inside.sum())
        flat = np.bincount(
            part.who[inside] * part.width + part.what[inside], weights=amounts, minlength=count * part.width
        )
        return np.minimum(flat, 1.0).astype(np.float32).reshape(count, part.width)


_ever = _Reading(0.0, np.inf)
_faded = _Reading(0.0, np.inf, fading=True)
_before = _Reading(WINDOW_DAYS, np.inf)
_within = _Reading(0.0, WINDOW_DAYS)


def _ridged(gram: Float32, ridge: float) -> Float32:
    diagonal = np.einsum("ii->i", gram)
    diagonal += np.float32(max(ridge * float(diagonal.mean()), 1.0))
    return gram


def _ease(gram: Float32, enough: NDArray[np.bool_], ridge: float) -> Table:
    inverse = np.linalg.inv(_ridged(gram, ridge))
    inverse /= -np.diagonal(inverse).copy()
    np.fill_diagonal(inverse, 0.0)
    return _cut(inverse, enough)


def _next(gram: Float32, crossed: Float32, enough: NDArray[np.bool_]) -> Table:
    return _cut(np.linalg.solve(_ridged(gram, RIDGE_NEXT), crossed), enough)


def _cut(dense: Float32, enough: NDArray[np.bool_]) -> Table:
    """Keep of each row the largest weights, by size whatever their sign, that enough customers stand behind."""
    dense = np.where(enough, dense, np.float32(0.0))
    most = min(MOST_KEPT, dense.shape[1])
    largest = np.sort(np.argpartition(-np.abs(dense), most - 1, axis=1)[:, :most], axis=1)
    values = np.take_along_axis(dense, largest, axis=1)
    kept = values != 0
    starts = np.concatenate(([0], np.cumsum(kept.sum(axis=1))))
    # Rounded, so that the last bits of a machine's linear algebra do not make another version.
    return Table(starts.astype(np.int64), largest[kept].astype(np.int32), np.round(values[kept], 5))


def _name(keys: Sequence[str], gain: float, *tables: Table) -> str:
    hashing = hashlib.sha256("\x1f".join((*keys, repr(gain))).encode())
    for table in tables:
        hashing.update(table.starts.tobytes() + table.targets.tobytes() + table.weights.tobytes())
    return hashing.hexdigest()[:16]
