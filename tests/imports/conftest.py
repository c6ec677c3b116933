"""An importer over a fresh database with the real ingest, and a small file of the shape of Online Retail."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hub.catalogue.service import CatalogueService
from hub.events.service import IngestService
from hub.imports.service import ImportService
from hub.profiles.service import ProfileService
from tests.catalogue.drawn import DrawnEncoder

RETAIL = Path(__file__).parents[2] / "examples" / "online_retail"
COLUMNS = (
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
)


class Quiet:
    """Progress that nobody looks at."""

    def begin(self, section):
        pass

    def advance(self, share, lines):
        pass

    def fold(self, facets):
        pass


@pytest.fixture
def progress() -> Quiet:
    return Quiet()


@pytest.fixture
def catalogue(store, clock) -> CatalogueService:
    return CatalogueService(store, DrawnEncoder(), clock)


@pytest.fixture
def profiles(store, catalogue) -> ProfileService:
    return ProfileService(store, lambda: catalogue.snapshot, catalogue._encoder)


@pytest.fixture
def importer(store, catalogue, profiles, clock) -> ImportService:
    return ImportService(store, catalogue, IngestService(store, profiles, clock), clock)


def retail_file(path: Path, lines: list[tuple]) -> Path:
    """Write invoice lines as the real file has them: nulls in columns of doubles and texts."""
    table = pa.table(
        {
            name: pa.array([line[at] for line in lines], pa.float64() if name == "Customer ID" else None)
            for at, name in enumerate(COLUMNS)
        }
    )
    pq.write_table(table, path)
    return path


# Every kind of line that the real file has, one or two of each.
UK = "United Kingdom"
DAY = "2011-07-01 09:00:00"
LINES: list[tuple] = [
    ("1", "10001", "RED MUG", 2, DAY, 2.5, 17850.0, UK),
    ("1", "10001", "RED MUG", 3, DAY, 2.5, 17850.0, UK),  # the same at the same price: merged
    ("1", "10001", "RED MUG.", 1, DAY, 2.0, 17850.0, UK),  # at another price: not
    ("1", "POST", "POSTAGE", 1, DAY, 18.0, 17850.0, UK),
    ("2", "10002b", "BLUE  BAG", 1, "2011-07-02 10:00:00", 1.25, None, "France"),
    ("2", "10002B", "BLUE BAG", 1, "2011-07-02 10:00:00", 1.5, None, "France"),
    ("C3", "10001", "RED MUG", -1, "2011-07-03 11:00:00", 2.5, 17850.0, UK),
    ("4", "10003", None, 7, "2011-07-04 12:00:00", 0.0, None, UK),
    ("5", "10003", "damaged", -7, "2011-07-04 12:00:00", 0.0, None, UK),
    (
        "6",
        "M",
        "Manual",
        1,
        "2011-07-05 13:00:00",
        9.0,
        12346.0,
        "Unspecified",
    ),  # a customer without an order
    ("7", "10001", "RED MUG", 1, "2011-07-06 14:00:00", 2.75, 17850.0, "Spain"),  # moved
    ("1", "10004", "GREEN POT", 1, DAY, 4.0, 17850.0, UK),  # out of its place, within the window
]
