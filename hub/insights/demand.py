"""The demand outlook: what a scenario would show to everybody, and what would come of it, estimated from a sample.

    impressions   pages on which an item stands, over all customers, each meeting the scenario `visits` times
    demand        impressions times the chance of an order from that position; of products alone

Customers are drawn stratified by when they came (ids are in order of time): each of `STRATA` cohorts gives the
same part, without replacement, so the sample is proportional and every customer is as likely as the next. Each
drawn customer's page is made by the hub's own decision path. The error of an item is half of its 95% interval,
1.96 sqrt(p (1 - p) / n (1 - n / N)) / p for a share p of pages: the formula for a simple sample with the
finite-population correction (Cochran, Sampling Techniques, 1977, ch. 3), which a stratified one does not exceed.

The chance of an order is `level * FIRST / log2(1 + position)`: the discount is that of nDCG (Jarvelin and
Kekalainen, 2002), assumed; the level is measured on the ledger of the drawn customers, shrunk towards 1.
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hub.catalogue.model import Availability, Content, ContentKind
from hub.catalogue.snapshot import CatalogueSnapshot

STRATA = 50
FIRST = 0.02  # of an order, from the first position, where nothing was measured
PRIOR_ORDERS = 20.0  # what the assumed level weighs, in orders
CONFIDENCE = 1.96
WORTH_KNOWING = 0.01  # share of impressions from which an item's error is held to what was asked
NO_SEGMENT = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What one customer would be shown, and what came of what they were shown before.

    `shown` are (key, place on the page from 1); `seen` and `taken` count earlier showings by place, and
    those that an order followed.
    """

    segments: tuple[str, ...] = ()
    shown: tuple[tuple[str, int], ...] = ()
    seen: Mapping[int, int] = field(default_factory=dict)
    taken: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemOutlook:
    """What is expected of one content.

    `share` is its part of all impressions; `error` half of the 95% interval as a part of `impressions`;
    `stock` in units and `covered` (stock by demand, at most 1) are None where no stock was told.
    """

    content: Content
    share: float
    impressions: float
    error: float
    demand: float
    stock: float | None = None
    covered: float | None = None

    @property
    def short(self) -> bool:
        """Whether demand meets too little: less stock than demand, or few or none left."""
        low = self.content.availability in {Availability.LOW_STOCK, Availability.OUT_OF_STOCK}
        return low if self.covered is None else self.covered < 1.0


@dataclass(frozen=True, slots=True)
class GroupOutlook:
    """What is expected of a category, or of the customers of a segment ("" is nobody's segment)."""

    name: str
    impressions: float
    demand: float
    customers: float | None = None


@dataclass(frozen=True, slots=True)
class DemandOutlook:
    """The whole outlook; items and groups by impressions, most first.

    `largest_error` is that of the items above 1% of impressions; 0 where everybody was asked.
    """

    scenario: str
    version: int
    channel: str
    visits: float
    customers: int
    asked: int
    level: float
    largest_error: float
    items: tuple[ItemOutlook, ...]
    categories: tuple[GroupOutlook, ...]
    segments: tuple[GroupOutlook, ...]


def drawn(ids: Sequence[str], seed: int) -> Iterator[str]:
    """Yield all ids so that every beginning is a stratified sample without replacement."""
    draw = random.Random(seed)  # noqa: S311 - a sample is no secret
    bounds = [len(ids) * number // STRATA for number in range(STRATA + 1)]
    strata = [list(ids[start:end]) for start, end in pairwise(bounds)]
    for stratum in strata:
        draw.shuffle(stratum)
    for turn in range(max((len(stratum) for stratum in strata), default=0)):
        row = [stratum[turn] for stratum in strata if turn < len(stratum)]
        draw.shuffle(row)
        yield from row


class Tally:
    """Adds up pages."""

    def __init__(self, customers: int) -> None:
        self.customers = customers
        self.asked = 0
        self._pages = Counter[str]()  # pages on which an item stands
        self._places: dict[str, Counter[int]] = defaultdict(Counter)
        self._by_segment: dict[str, Counter[int]] = defaultdict(Counter)
        self._members = Counter[str]()
        self._seen = Counter[int]()
        self._taken = Counter[int]()

    def add(self, pages: Iterable[Page]) -> None:
        """Add pages of customers who were drawn."""
        for page in pages:
            self.asked += 1
            for key, place in page.shown:
                self._pages[key] += 1
                self._places[key][place] += 1
            for segment in page.segments or (NO_SEGMENT,):
                self._members[segment] += 1
                self._by_segment[segment].update(place for _, place in page.shown)
            self._seen.update(page.seen)
            self._taken.update(page.taken)

    @property
    def level(self) -> float:
        """How likely an order is, as a multiple of what is assumed: measured, shrunk towards 1."""
        expected = sum(count * chance(place) for place, count in self._seen.items())
        return (self._taken.total() + PRIOR_ORDERS) / (expected + PRIOR_ORDERS)

    def error(self, key: str) -> float:
        """Return half of the 95% interval of an item's impressions, as a part of them."""
        share = self._pages[key] / self.asked
        left = 1.0 - self.asked / max(self.customers, self.asked)
        return CONFIDENCE * math.sqrt(max(share * (1 - share), 0.0) / self.asked * left) / share

    @property
    def largest_error(self) -> float:
        """The largest error of the items above `WORTH_KNOWING` of all impressions; infinite before any page."""
        if not self.asked:
            return math.inf
        least = WORTH_KNOWING * self._pages.total()
        return max((self.error(key) for key, count in self._pages.items() if count > least), default=0.0)

    def items(
        self, snapshot: CatalogueSnapshot, visits: float, stock: Mapping[str, float]
    ) -> tuple[ItemOutlook, ...]:
        """Return what is expected of each item that anybody was shown, most impressions first."""
        times = visits * self.customers / max(self.asked, 1)
        total, found = self._pages.total(), []
        for key, count in self._pages.items():
            row = snapshot.row(key)
            if row is None:  # it left the catalogue while customers were asked
                continue
            content = snapshot.contents[row]
            orders = self._orders(self._places[key]) if content.kind is ContentKind.PRODUCT else 0.0
            demand = times * orders
            units = stock.get(key)
            found.append(
                ItemOutlook(
                    content=content,
                    share=count / total,
                    impressions=times * count,
                    error=self.error(key),
                    demand=demand,
                    stock=units,
                    covered=None if units is None else min(1.0, units / demand) if demand else 1.0,
                )
            )
        return tuple(sorted(found, key=lambda item: (-item.impressions, item.content.key)))

    def segments(self, visits: float) -> tuple[GroupOutlook, ...]:
        """Return what is expected of the customers of each segment; one may be in several."""
        each = self.customers / max(self.asked, 1)
        groups = [
            GroupOutlook(
                name,
                visits * each * self._by_segment[name].total(),
                visits * each * self._orders(self._by_segment[name]),
                each * members,
            )
            for name, members in self._members.items()
        ]
        return tuple(sorted(groups, key=lambda group: (-group.impressions, group.name)))

    def _orders(self, places: Mapping[int, int]) -> float:
        level = self.level
        return sum(count * min(1.0, level * chance(place)) for place, count in places.items())


def chance(place: int) -> float:
    """Return the assumed chance of an order from a place on a page, 1 being the first."""
    return FIRST / math.log2(1 + place)


def by_category(items: Iterable[ItemOutlook]) -> tuple[GroupOutlook, ...]:
    """Return impressions and demand by category and all above it: `garden/roses` counts for `garden` too."""
    impressions: dict[str, float] = defaultdict(float)
    demand: dict[str, float] = defaultdict(float)
    for item in items:
        steps = item.content.category.split("/") if item.content.category else []
        for depth in range(1, len(steps) + 1):
            name = "/".join(steps[:depth])
            impressions[name] += item.impressions
            demand[name] += item.demand
    found = [GroupOutlook(name, impressions[name], demand[name]) for name in impressions]
    return tuple(sorted(found, key=lambda group: (-group.impressions, group.name)))
