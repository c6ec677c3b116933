"""Peer for what nobody bought yet: TF-IDF of titles, a customer being the sum of what they bought."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hub.experiments.peers.base import Scores
from hub.experiments.purchases import Purchases

_WORD = re.compile(r"[a-z0-9]+")


class TfIdf:
    """Cosine between the customer's titles and a new one's; words weighted by log(n / documents)."""

    name = "TF-IDF"

    def scores(self, purchases: Purchases, users: NDArray[np.int64], titles: Sequence[str]) -> Scores:
        """Return (users, titles) float32 for contents that nobody bought."""
        words = [Counter(_WORD.findall(title.lower())) for title in (*purchases.titles, *titles)]
        documents = Counter(word for counted in words for word in counted)
        place = {word: position for position, word in enumerate(documents)}
        vectors = np.zeros((len(words), len(place)), np.float32)
        for row, counted in enumerate(words):
            for word, times in counted.items():
                vectors[row, place[word]] = times * np.log(len(words) / documents[word])
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-9))
        known = len(purchases.titles)
        profiles = purchases.matrix(most=1.0)[users] @ vectors[:known]
        profiles /= np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), np.float32(1e-9))
        return (profiles @ vectors[known:].T).astype(np.float32)
