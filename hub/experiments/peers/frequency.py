"""Peer: what the customer bought most often, popularity deciding between equals."""

import numpy as np
from numpy.typing import NDArray

from hub.experiments.peers.base import Scores
from hub.experiments.purchases import Purchases


class PersonalFrequency:
    """Days on which the customer bought it, fading by half every `half_life` days, plus `share` of popularity."""

    def __init__(self, half_life: float | None = None, share: float = 1e-3) -> None:
        fading = "" if half_life is None else f", half-life {half_life:g} days"
        mixed = "" if share < 0.01 else f", with {share:g} of popularity"
        self.name = f"personal frequency{fading}{mixed}"
        self._half_life = half_life
        self._share = share

    def scores(self, purchases: Purchases, users: NDArray[np.int64]) -> Scores:
        """Return frequency, and the popularity of the last week scaled to at most `share`."""
        popular = purchases.sold(7)
        own = purchases.matrix(self._half_life)[users]
        scores: Scores = own + np.float32(self._share) * (popular / max(popular.max(), 1.0)).astype(
            np.float32
        )
        return scores
