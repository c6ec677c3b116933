"""Purchases as arrays: what peers learn from and metrics are counted against."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """Who bought what on which day before T; one entry for each (customer, item, day).

    `users` and `items` (m,) int64 are codes below `customers` and `contents`; `ages` (m,) int64 are whole
    days before T, at least 1.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    ages: NDArray[np.int64]
    customers: int
    contents: int
    titles: tuple[str, ...] = field(default=())

    def matrix(self, half_life: float | None = None, *, most: float | None = None) -> NDArray[np.float32]:
        """Return (customers, contents) float32: the days of each, fading by half every `half_life` days."""
        amounts = np.ones(len(self.ages)) if half_life is None else 0.5 ** (self.ages / half_life)
        flat = np.bincount(
            self.users * self.contents + self.items,
            weights=amounts,
            minlength=self.customers * self.contents,
        )
        made = flat.astype(np.float32).reshape(self.customers, self.contents)
        return made if most is None else np.minimum(made, np.float32(most))

    def sold(self, days: int) -> NDArray[np.float64]:
        """Return (contents,) how often each was bought within so many days before T."""
        recent = self.items[self.ages <= days]
        return np.bincount(recent, minlength=self.contents).astype(np.float64)

    def buyers(self) -> NDArray[np.int64]:
        """Return (contents,) how many customers ever bought each."""
        pairs = np.unique(self.users * self.contents + self.items)
        return np.bincount(pairs % self.contents, minlength=self.contents)
