"""Peer: what sold most lately, the same for everybody."""

import numpy as np
from numpy.typing import NDArray

from hub.experiments.peers.base import Scores
from hub.experiments.purchases import Purchases


class Popularity:
    """Counts of the last `days`."""

    def __init__(self, days: int) -> None:
        self.name = f"popularity, {days} days"
        self._days = days

    def scores(self, purchases: Purchases, users: NDArray[np.int64]) -> Scores:
        """Return the counts, once for each customer."""
        return np.tile(purchases.sold(self._days).astype(np.float32), (len(users), 1))
