"""Purchases as arrays, one for each customer, content and day, and how they fade."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 30  # days of truth that whatever is learned of sales looks ahead

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sales:
    """Each (customer, content, day) once; `days` before now, at least 1; `width` contents."""

    who: NDArray[np.int64]
    what: NDArray[np.int64]
    days: NDArray[np.int64]
    width: int

    def before(self, end: int) -> "Sales":
        """Return what was known `end` days ago."""
        kept = self.days > end
        return Sales(self.who[kept], self.what[kept], self.days[kept] - end, self.width)

    def newcomers(self) -> NDArray[np.bool_]:
        """Return (m,) which lines are of a customer's first day."""
        since = np.zeros(int(self.who.max(initial=-1)) + 1, np.int64)
        np.maximum.at(since, self.who, self.days)
        return np.asarray(since[self.who] == self.days, np.bool_)

    def faded(self, pace: float, kept: NDArray[np.bool_] | None = None) -> Floats:
        """Return (n,) how often each content was bought, by half every `pace` days."""
        worth = 0.5 ** (self.days / pace) * (1.0 if kept is None else kept)
        return np.bincount(self.what, weights=worth, minlength=self.width).astype(np.float64)
