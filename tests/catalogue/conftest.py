"""A catalogue over a fresh database, with an encoder whose vectors are drawn from the text."""

import pytest

from hub.catalogue.service import CatalogueService
from tests.catalogue.drawn import DrawnEncoder


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
