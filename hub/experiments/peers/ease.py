"""Peer: EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019) on fading purchases."""

import numpy as np
from numpy.typing import NDArray

from hub.experiments.peers.base import Scores
from hub.experiments.purchases import Purchases


class Ease:
    """`X B` with `B = I - P diag(1 / P)`, `P` the inverse of `X'X + ridge`."""

    def __init__(self, half_life: float = 30.0, ridge: float = 100.0) -> None:
        self.name = f"EASE, half-life {half_life:g} days, ridge {ridge:g}"
        self._half_life = half_life
        self._ridge = ridge

    def scores(self, purchases: Purchases, users: NDArray[np.int64]) -> Scores:
        """Solve once and apply it to the customers asked for."""
        fading = purchases.matrix(self._half_life, most=1.0)
        gram = (fading.T @ fading).astype(np.float64)
        gram[np.diag_indices_from(gram)] += self._ridge
        weights = np.linalg.inv(gram)
        weights /= -np.diagonal(weights).copy()
        np.fill_diagonal(weights, 0.0)
        scores: Scores = fading[users] @ weights.astype(np.float32)
        return scores
