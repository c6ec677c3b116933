"""A catalogue over a fresh database, with an encoder whose vectors are drawn from the text."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest

from hub.catalogue.service import CatalogueService


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


@pytest.fixture
def drawn() -> DrawnEncoder:
    return DrawnEncoder()


@pytest.fixture
def catalogue(store, drawn, clock) -> CatalogueService:
    return CatalogueService(store, drawn, clock)


@pytest.fixture
def other(store, clock) -> CatalogueService:
    """The same catalogue as another process sees it."""
    return CatalogueService(store, DrawnEncoder(), clock)
