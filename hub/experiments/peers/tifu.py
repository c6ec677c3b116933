"""Peer: TIFU-kNN (Hu et al., "Modeling Personalized Item Frequency", SIGIR 2020).

A customer is the mean of their groups of baskets, both fading; the prediction is between that and the mean of
the nearest customers.
"""

import numpy as np
from numpy.typing import NDArray

from hub.experiments.peers.base import Scores
from hub.experiments.purchases import Purchases


class TifuKnn:
    """With the authors' parameters for a grocer (Instacart) unless told otherwise."""

    def __init__(
        self,
        neighbours: int = 300,
        own_share: float = 0.7,
        within: float = 0.9,
        between: float = 0.7,
        group: int = 7,
    ) -> None:
        self.name = f"TIFU-kNN, {neighbours} neighbours"
        self._neighbours = neighbours
        self._own_share = own_share
        self._within, self._between, self._group = within, between, group

    def scores(self, purchases: Purchases, users: NDArray[np.int64]) -> Scores:
        """Return own vectors and neighbours' means, mixed."""
        vectors = self._vectors(purchases)
        norms = np.einsum("ij,ij->i", vectors, vectors)
        own = vectors[users]
        if purchases.customers < 2:  # nobody is there to be near to
            return own
        distances = norms[None, :] - 2.0 * (own @ vectors.T)  # Euclidean, but for what is the same for a row
        distances[np.arange(len(users)), users] = np.inf
        most = min(self._neighbours, purchases.customers - 1)
        nearest = np.argpartition(distances, most - 1, axis=1)[:, :most]
        means = np.stack([vectors[rows].mean(axis=0) for rows in nearest])
        mixed = self._own_share * own + (1 - self._own_share) * means
        return mixed.astype(np.float32)

    def _vectors(self, purchases: Purchases) -> Scores:
        weights = np.zeros(len(purchases.ages))
        order = np.lexsort((purchases.ages, purchases.users))
        bounds = np.flatnonzero(np.diff(purchases.users[order], prepend=-1))
        for own in np.split(order, bounds[1:]):
            _, basket = np.unique(purchases.ages[own], return_inverse=True)  # 0 is the latest
            count = int(basket.max()) + 1
            groups = -(-count // self._group)
            number, place = basket // self._group, basket % self._group
            sizes = np.minimum(self._group, count - number * self._group)
            weights[own] = self._within**place / sizes * self._between**number / groups
        flat = np.bincount(
            purchases.users * purchases.contents + purchases.items,
            weights=weights,
            minlength=purchases.customers * purchases.contents,
        )
        return flat.astype(np.float32).reshape(purchases.customers, purchases.contents)
