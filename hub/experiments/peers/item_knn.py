"""Peer: item-kNN with cosine (Sarwar et al., WWW 2001), shrunk."""

import numpy as np
from numpy.typing import NDArray

from hub.experiments.peers.base import Scores
from hub.experiments.purchases import Purchases


class ItemKnn:
    """The sum of the cosines from what the customer has to an item, over each item's nearest."""

    def __init__(self, neighbours: int = 100, shrink: float = 10.0) -> None:
        self.name = f"item-kNN, {neighbours} neighbours"
        self._neighbours = neighbours
        self._shrink = shrink

    def scores(self, purchases: Purchases, users: NDArray[np.int64]) -> Scores:
        """Return the sums; an item is its own neighbour too, so that repeats are possible."""
        have = purchases.matrix(most=1.0)
        shared = have.T @ have
        lengths = np.sqrt(np.diagonal(shared))
        cosines = shared / (np.outer(lengths, lengths) + np.float32(self._shrink))
        most = min(self._neighbours, cosines.shape[0])
        least = np.partition(cosines, -most, axis=1)[:, -most][:, None]
        near = np.where(cosines >= least, cosines, np.float32(0.0))
        scores: Scores = have[users] @ near.T
        return scores
