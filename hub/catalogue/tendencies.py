"""What those who come for the first time choose, and what is bought again: learned from the purchases before now.

`hub.catalogue.first_choices` and `hub.catalogue.returning` tell how. Where there is too little to learn from, there is
nothing, and who asks does without.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.first_choices import first_choices
from hub.catalogue.returning import bought_again, personal
from hub.catalogue.sales import Floats, Sales


@dataclass(frozen=True, slots=True, eq=False)
class Tendencies:
    """What was learned, by content key.

    `first` (n,) float64 from 0 to 1, 1 for what newcomers will choose most, on a logarithmic scale; `again` (n,) float64,
    what a content adds to the logarithmic odds of being bought again; `curve` (CURVE,) float64, what the customer
    adds, see `personal`; empty where nothing was learned of it; `fresh` (n,) float64, how likely who comes back and does not
    have a content buys it. `version` names it all.
    """

    keys: tuple[str, ...] = ()
    first: Floats = field(default_factory=lambda: np.zeros(0))
    again: Floats = field(default_factory=lambda: np.zeros(0))
    curve: Floats = field(default_factory=lambda: np.zeros(0))
    fresh: Floats = field(default_factory=lambda: np.zeros(0))
    version: str = ""

    def __len__(self) -> int:
        return len(self.first)

    def likely(self, places: NDArray[np.intp], days: Floats, last: Floats, first: Floats) -> Floats:
        """Return (k,) how likely contents are bought again.

        Args:
            places: (k,) positions, of a snapshot's its rows.
            days: (k,) on how many days each was bought.
            last: (k,) how many days ago it was bought last.
            first: (k,) and first.
        """
        odds = self.again[places] + personal(days, last, first) @ self.curve
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))), np.float64)

    def placed(self, rows: Mapping[str, int], count: int) -> "Tendencies":
        """Return the same over the rows of a catalogue of `count` contents, without keys; of what was never sold, the least."""
        moved = np.fromiter((rows.get(key, -1) for key in self.keys), np.int64, len(self.keys))
        kept = moved >= 0
        first = np.zeros(count)
        again = np.full(count, float(self.again.min()) if len(self) else 0.0)
        fresh = np.zeros(count)
        first[moved[kept]], again[moved[kept]] = self.first[kept], self.again[kept]
        fresh[moved[kept]] = self.fresh[kept]
        return Tendencies((), first, again, self.curve, fresh, self.version)


def learn_tendencies(customers: Sequence[str], keys: Sequence[str], ages: Floats) -> Tendencies:
    """Learn from purchases.

    Args:
        customers: who bought, one for each purchase.
        keys: which content.
        ages: (m,) how many days before the last of all; at least 0.
    """
    if not len(keys):
        return Tendencies()
    who = np.unique(np.asarray(customers, np.str_), return_inverse=True)[1].astype(np.int64)
    names, what = np.unique(np.asarray(keys, np.str_), return_inverse=True)
    days = np.floor(np.asarray(ages, np.float64)).astype(np.int64) + 1
    lines = np.unique(np.stack([who, what.astype(np.int64), days]), axis=1)
    sales = Sales(lines[0], lines[1], lines[2], len(names))
    first = np.round(first_choices(sales), 4)
    learned = bought_again(sales)
    again, curve, fresh = np.round(learned.add, 4), np.round(learned.curve, 5), np.round(learned.fresh, 6)
    hashing = hashlib.sha256("\x1f".join(names.tolist()).encode())
    for numbers in (first, again, curve, fresh):
        hashing.update(numbers.tobytes())
    return Tendencies(tuple(names.tolist()), first, again, curve, fresh, hashing.hexdigest()[:16])
