"""The catalogue as one immutable value in memory: what a decision computes on.

A process holds one snapshot and swaps it whole when the catalogue's version moves, so that a
decision never sees half of a change. Rows are positions in `contents`; all arrays share them.
"""

from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from embeddings.index import VectorIndex
from hub.catalogue.audience import NOBODY, Audience
from hub.catalogue.borrowing import Borrowing, borrowing
from hub.catalogue.carrying import Carried, column_of
from hub.catalogue.model import Answer, BrandFacts, Content, Offer, Segment
from hub.catalogue.neighbours import Neighbours
from hub.catalogue.tendencies import Tendencies
from hub.catalogue.words import Words, words_of

LEAST_SPREAD = 0.15  # of logarithms of prices: where all cost the same, pennies are no difference


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSnapshot:
    """Everything that can be shown or said, at one version.

    `vectors` is (n, d) float32 with rows of length 1 (or all zero where a content has no vector yet);
    `popularity` is (n,) float32 in [0, 1], `settled` the same when the week began; `editorial` is (n,) float32 in [-1, 1], read off the contents; `published` is (n,) float64, seconds since the epoch, NaN
    where unknown; the `*_codes` are (n,) int32 positions in the tuple of names beside them.
    """

    version: str
    encoder_id: str
    contents: tuple[Content, ...]
    rows: Mapping[str, int]  # content key -> row
    vectors: NDArray[np.float32]
    index: VectorIndex
    popularity: NDArray[np.float32]
    settled: NDArray[np.float32]
    published: NDArray[np.float64]
    kinds: tuple[str, ...]
    kind_codes: NDArray[np.int32]
    brands: tuple[str, ...]
    brand_codes: NDArray[np.int32]
    categories: tuple[str, ...]
    category_codes: NDArray[np.int32]
    available: NDArray[np.bool_]  # can be had now
    brand_faults: Mapping[int, str]  # row -> the rule of the brand gate that it breaks
    answers: tuple[Answer, ...]
    answer_vectors: NDArray[np.float32]  # (m, d): one row for each title and each question of each answer
    answer_rows: NDArray[np.int32]  # (m,): which answer a vector belongs to
    offers: tuple[Offer, ...]
    facts: Mapping[str, BrandFacts]  # brand key -> facts
    house_brand: str  # the brand that speaks where no other is named
    answer_faults: Mapping[int, str] = field(default_factory=dict)  # position of an answer -> broken rule
    segments: tuple[Segment, ...] = ()
    audience: Audience = NOBODY
    intervals_version: str = ""  # of what was learned that fills in needs
    referring: NDArray[np.bool_] = field(
        default_factory=lambda: np.zeros(0, np.bool_)
    )  # (n,): names facts by key
    neighbours: Neighbours = field(
        default_factory=Neighbours
    )  # over the rows; of length 0 where nothing is learned
    tendencies: Tendencies = field(default_factory=Tendencies)  # the same
    editorial: NDArray[np.float32] = field(init=False)
    placed: NDArray[np.bool_] = field(init=False)  # has a vector
    codes_below: Mapping[str, NDArray[np.int32]] = field(init=False)  # category or ancestor of one -> codes
    # (n,) float64: how dear each is among its like, in standard deviations; NaN where there is no price
    price_levels: NDArray[np.float64] = field(init=False)
    key_checksums: NDArray[np.uint64] = field(init=False)  # (n,): CRC-32 of each key, for chance that stays
    borrowing: Borrowing = field(init=False)  # of what nothing is learned, who is like it
    words: Words = field(init=False)  # of the titles
    taught_kinds: NDArray[np.bool_] = field(init=False)  # (kinds,): of which neighbours learned something
    amounts: NDArray[np.float64] = field(init=False)  # (n,): prices as numbers, NaN where there is none
    currencies: NDArray[np.uint32] = field(
        init=False
    )  # (n,): their currencies as numbers, 0 where there is none
    carried: InitVar[Carried | None] = None

    def __post_init__(self, carried: Carried | None) -> None:
        def column(name: str, dtype: Any, value: Callable[[Content], Any]) -> None:
            object.__setattr__(self, name, column_of(self.contents, carried, name, dtype, value))

        if carried is None:
            object.__setattr__(self, "placed", self.vectors.any(axis=1))
        else:
            fresh = np.asarray(self.vectors[carried.fresh].any(axis=1))
            object.__setattr__(self, "placed", carried.column(carried.before.placed, fresh))
        column("editorial", np.float32, lambda content: content.editorial)
        column("key_checksums", np.uint64, lambda content: crc32(content.key.encode()))
        column(
            "amounts", np.float64, lambda content: float(content.price.amount) if content.price else np.nan
        )
        column("currencies", np.uint32, _currency)
        below: dict[str, list[int]] = {}
        for code, name in enumerate(self.categories):
            parts = name.split("/")
            for depth in range(1, len(parts) + 1):
                below.setdefault("/".join(parts[:depth]), []).append(code)
        codes = {name: np.array(found, np.int32) for name, found in below.items()}
        object.__setattr__(self, "codes_below", codes)
        top = {name: code for code, name in enumerate(sorted({c.split("/", 1)[0] for c in self.categories}))}
        tops = np.array([top[name.split("/", 1)[0]] for name in self.categories], np.intp)
        levels = price_levels(self.amounts, self.currencies, tops[self.category_codes])
        object.__setattr__(self, "price_levels", levels)
        led = self.neighbours.learned() if len(self.neighbours) else np.zeros(len(self.contents), np.bool_)
        object.__setattr__(self, "borrowing", borrowing(self.vectors, led, self.published))
        taught = np.zeros(len(self.kinds), np.bool_)
        taught[self.kind_codes[led]] = True
        object.__setattr__(self, "taught_kinds", taught)
        # A title that names a price may be another one now.
        told = carried and carried.without(self.referring)
        object.__setattr__(self, "words", words_of(self.contents, told))
        self._close()

    def _close(self) -> None:
        """Let nobody write into the arrays: layers of others read them too, and what one wrote all would see."""
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def __len__(self) -> int:
        return len(self.contents)

    def row(self, key: str) -> int | None:
        """Return the row of a content key, None if the catalogue has no such content."""
        return self.rows.get(key)

    def vector(self, key: str) -> NDArray[np.float32] | None:
        """Return the vector of a content key, None if it has none."""
        row = self.rows.get(key)
        return None if row is None or not self.placed[row] else self.vectors[row]

    def rows_of_category(self, category: str) -> NDArray[np.intp]:
        """Return the rows whose category is `category` or lies below it."""
        return np.flatnonzero(self.in_category(category, self.category_codes))

    def in_category(self, category: str, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return (c,) bool: which of `codes` (c,) are of `category` or of one below it."""
        wanted = np.zeros(len(self.categories), np.bool_)
        if category in self.codes_below:
            wanted[self.codes_below[category]] = True
        return wanted[codes]


def _currency(content: Content) -> int:
    """Return the currency of a content's price as a number that sorts as its code does."""
    return int.from_bytes(content.price.currency.encode()[:4].ljust(4, b"\0"), "big") if content.price else 0


def price_levels(
    amounts: NDArray[np.float64], currencies: NDArray[np.uint32], groups: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return (n,) how dear each content is among those of its top category, in standard deviations.

    Prices are compared by their logarithm and in one currency, the most frequent (of equals the first by its
    code); where there is none to compare, NaN.

    Args:
        amounts: (n,) prices, NaN where there is none.
        currencies: (n,) their currencies, 0 where there is none.
        groups: (n,) the top category of each, counted from 0.
    """
    levels = np.full(len(amounts), np.nan)
    found, counts = np.unique(currencies[currencies > 0], return_counts=True)
    if not len(found):
        return levels
    rows = np.flatnonzero((currencies == found[counts.argmax()]) & (amounts > 0))
    logs, group = np.log(amounts[rows]), groups[rows]
    sizes = np.maximum(np.bincount(group), 1)
    means = np.bincount(group, logs) / sizes
    apart = logs - means[group]
    spreads = np.sqrt(np.bincount(group, apart**2) / sizes)
    levels[rows] = apart / np.maximum(spreads, LEAST_SPREAD)[group]
    return levels
