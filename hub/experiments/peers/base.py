"""The contract of a peer: a recommender that people would otherwise install, trained on the same purchases."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hub.experiments.purchases import Purchases

Scores = NDArray[np.float32]


class Peer(Protocol):
    """Something that scores every content for every customer."""

    name: str

    def scores(self, purchases: Purchases, users: NDArray[np.int64]) -> Scores:
        """Learn from `purchases` and return (users, contents) float32, the larger the better."""
        ...
