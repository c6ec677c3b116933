"""An encoder whose vectors are drawn from the text's hash: no meaning, no model, always the same."""

import hashlib
from collections.abc import Sequence

import numpy as np


class DrawnEncoder:
    """Unit vectors drawn from a text's hash: equal texts, equal vectors. Counts what it is asked for."""

    def __init__(self, name: str = "drawn", dimensions: int = 16) -> None:
        self.id, self.dimensions = name, dimensions
        self.asked: list[str] = []

    @property
    def encoder(self) -> "DrawnEncoder":
        return self

    async def vectors(self, texts: Sequence[str], *, progress=None):
        self.asked.extend(texts)
        rows = np.empty((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            seed = int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)
            drawn = np.random.default_rng(seed).normal(size=self.dimensions)
            rows[row] = drawn / np.linalg.norm(drawn)
        if progress is not None:
            progress(len(texts), len(texts))
        return rows
