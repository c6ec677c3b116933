"""The catalogue as one immutable value in memory: what a decision computes on.

A process holds one snapshot and swaps it whole when the catalogue's version moves, so that a
decision never sees half of a change. Rows are positions in `contents`; all arrays share them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from embeddings.index import VectorIndex
from hub.catalogue.audience import NOBODY, Audience
from hub.catalogue.borrowing import Borrowing, borrowing
from hub.catalogue.model import Answer, BrandFacts, Content, Offer, Segment
from hub.catalogue.neighbours import Neighbours
from hub.catalogue.words import Words, words_of

LEAST_SPREAD = 0.15  # of logarithms of prices: where all cost the same, pennies are no difference


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSnapshot:
    """Everything that can be shown or said, at one version.

    `vectors` is (n, d) float32 with rows of length 1 (or all zero where a content has no vector yet);
    `popularity` is (n,) float32 in [0, 1]; `editorial` is (n,) float32 in [-1, 1], read off the contents; `published` is (n,) float64, seconds since the epoch, NaN
    where unknown; the `*_codes` are (n,) int32 positions in the tuple of names beside them.
    """

    version: str
    encoder_id: str
    contents: tuple[Content, ...]
    rows: Mapping[str, int]  # content key -> row
    vectors: NDArray[np.float32]
    index: VectorIndex
    popularity: NDArray[np.float32]
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
    neighbours: Neighbours = field(
        default_factory=Neighbours
    )  # over the rows; of length 0 where nothing is learned
    editorial: NDArray[np.float32] = field(init=False)
    placed: NDArray[np.bool_] = field(init=False)  # has a vector
    codes_below: Mapping[str, NDArray[np.int32]] = field(init=False)  # category or ancestor of one -> codes
    # (n,) float64: how dear each is among its like, in standard deviations; NaN where there is no price
    price_levels: NDArray[np.float64] = field(init=False)
    key_checksums: NDArray[np.uint64] = field(init=False)  # (n,): CRC-32 of each key, for chance that stays
    borrowing: Borrowing = field(init=False)  # of what nothing is learned, who is like it
    words: Words = field(init=False)  # of the titles
    taught_kinds: NDArray[np.bool_] = field(init=False)  # (kinds,): of which neighbours learned something

    def __post_init__(self) -> None:
        object.__setattr__(self, "placed", self.vectors.any(axis=1))
        pushes = (content.editorial for content in self.contents)
        object.__setattr__(self, "editorial", np.fromiter(pushes, np.float32, len(self.contents)))
        below: dict[str, list[int]] = {}
        for code, name in enumerate(self.categories):
            parts = name.split("/")
            for depth in range(1, len(parts) + 1):
                below.setdefault("/".join(parts[:depth]), []).append(code)
        codes = {name: np.array(found, np.int32) for name, found in below.items()}
        object.__setattr__(self, "codes_below", codes)
        object.__setattr__(self, "price_levels", price_levels(self.contents))
        checksums = (crc32(content.key.encode()) for content in self.contents)
        object.__setattr__(self, "key_checksums", np.fromiter(checksums, np.uint64, len(self.contents)))
        led = self.neighbours.learned() if len(self.neighbours) else np.zeros(len(self.contents), np.bool_)
        object.__setattr__(self, "borrowing", borrowing(self.vectors, led, self.published))
        taught = np.zeros(len(self.kinds), np.bool_)
        taught[self.kind_codes[led]] = True
        object.__setattr__(self, "taught_kinds", taught)
        object.__setattr__(self, "words", words_of(self.contents))

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


def price_levels(contents: Sequence[Content]) -> NDArray[np.float64]:
    """Return (n,) how dear each content is among those of its top category, in standard deviations.

    Prices are compared by their logarithm and in one currency, the most frequent; where there is none to
    compare, NaN.
    """
    currencies = Counter(content.price.currency for content in contents if content.price is not None)
    levels = np.full(len(contents), np.nan)
    if not currencies:
        return levels
    currency = currencies.most_common(1)[0][0]
    groups: dict[str, list[int]] = {}
    for row, content in enumerate(contents):
        if content.price is not None and content.price.currency == currency and content.price.amount > 0:
            groups.setdefault(content.category.split("/", 1)[0], []).append(row)
    for rows in groups.values():
        amounts = [float(price.amount) for row in rows if (price := contents[row].price) is not None]
        logs = np.log(np.array(amounts))
        levels[rows] = (logs - logs.mean()) / max(float(logs.std()), LEAST_SPREAD)
    return levels
