"""What customers come to like, and what they look for in vain. Only of many: five customers at least, each counted once.

    rising     labels with more customers active in the last weeks than in the weeks before, by
               (now - before) / sqrt(before + 1), the excess over chance if they came as before (Poisson)
    scarce     labels for which the house has little to show: few contents on sale lie near the interest
    unmet      words that were searched for and that neither a content nor an approved answer meets

Customers who refused analytics are left out. Of a large house a stratified sample is asked, and counts are
extrapolated to all; the smallest group is of customers who were really asked.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from embeddings.cache import CachedEncoder
from hub.answers.service import AnswerService
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.insights.demand import drawn
from hub.insights.similar import KINDS, SMALLEST_GROUP
from hub.kit.clock import Clock
from hub.profiles.model import Profile, SignalKind, refused_analytics
from hub.profiles.service import ProfileService

WINDOW = timedelta(days=28)
BEFORE = 3  # windows of the same length, before it
NEAR = 0.45  # cosine from which a content is something for an interest
MET = 0.5  # cosine from which a content meets what was searched for
SCARCE = 3  # contents near an interest below which there are few
TOGETHER = 100
SEED = 28
LONGEST_WORDS = 200  # characters of a search or a question
ASKED = frozenset({SignalKind.SEARCHED, SignalKind.CONTACTED})


@dataclass(frozen=True, slots=True)
class RisingInterest:
    """How many customers were active for an interest in the last four weeks, and on average in the twelve before."""

    label: str
    customers: float
    before: float
    rise: float


@dataclass(frozen=True, slots=True)
class ScarceInterest:
    """An interest of so many customers for which so many contents are on sale."""

    label: str
    customers: float
    contents: int


@dataclass(frozen=True, slots=True)
class UnmetSearch:
    """Words that so many customers looked for, and the content that comes nearest."""

    words: str
    customers: float
    nearest: str | None
    similarity: float


@dataclass(frozen=True, slots=True)
class Trends:
    """Rising interests and gaps in content, out of so many customers asked of all."""

    customers: int
    asked: int
    rising: tuple[RisingInterest, ...]
    scarce: tuple[ScarceInterest, ...]
    unmet: tuple[UnmetSearch, ...]


@dataclass(slots=True)
class Notes:
    """What was noted of the customers who were asked."""

    at: datetime
    asked: int = 0
    now: Counter[str] = field(default_factory=Counter)
    earlier: Counter[str] = field(default_factory=Counter)
    holders: Counter[str] = field(default_factory=Counter)
    directions: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    searches: Counter[str] = field(default_factory=Counter)

    def add(self, profile: Profile) -> None:
        """Note one customer, who counts once for everything."""
        self.asked += 1
        if refused_analytics(profile):
            return
        active: dict[str, set[int]] = defaultdict(set)
        for interest in profile.interests:
            if interest.kind not in KINDS or not interest.label:
                continue
            if interest.label not in active:
                self.holders[interest.label] += 1
                known = self.directions.get(interest.label)
                vector = interest.vector.astype(np.float64)
                self.directions[interest.label] = vector if known is None else known + vector
            windows = (
                int((self.at - each.at) / WINDOW)
                for each in interest.evidence
                if each.content_key and each.at <= self.at
            )
            active[interest.label].update(windows)
        for label, windows_of in active.items():
            self.now[label] += 0 in windows_of
            self.earlier[label] += sum(1 for window in windows_of if 1 <= window <= BEFORE)
        words = {
            " ".join(signal.text.lower().split())[:LONGEST_WORDS]
            for signal in profile.recent
            if signal.kind in ASKED and signal.text
        }
        self.searches.update(words - {""})


class TrendService:
    """Finds rising interests and gaps in content."""

    def __init__(
        self,
        profiles: ProfileService,
        snapshot: Callable[[], CatalogueSnapshot],
        encoder: CachedEncoder,
        answers: AnswerService,
        clock: Clock,
    ) -> None:
        self._profiles = profiles
        self._snapshot = snapshot
        self._encoder = encoder
        self._answers = answers
        self._clock = clock

    async def trends(self, *, most: int = 5_000) -> Trends:
        """Return what rises and what is missing, from at most so many customers.

        Raises:
            Unavailable: if the store or the encoder does not answer.
        """
        ids: list[str] = []
        while page := await self._profiles.page_of_ids(after=ids[-1] if ids else "", most=20_000):
            ids += page
        notes = Notes(self._clock.now())
        for chunk in batched_ids(islice(drawn(ids, SEED), most)):
            for profile in (await self._profiles.get_many(chunk, keep=False)).values():
                notes.add(profile)
        times = len(ids) / max(notes.asked, 1)
        return Trends(
            customers=len(ids),
            asked=notes.asked,
            rising=rising(notes, times),
            scarce=scarce(notes, self._snapshot(), times),
            unmet=await self._unmet(notes, times),
        )

    async def _unmet(self, notes: Notes, times: float) -> tuple[UnmetSearch, ...]:
        asked = [(words, count) for words, count in notes.searches.items() if count >= SMALLEST_GROUP]
        snapshot = self._snapshot()
        if not asked or not len(snapshot):
            return ()
        await self._answers.prepare(notes.at)
        vectors = await self._encoder.vectors([words for words, _ in asked], keep=False)
        rows, near = snapshot.index.search(vectors, 1, allowed=on_sale(snapshot))
        found = []
        for number, (words, count) in enumerate(asked):
            row, similarity = int(rows[number, 0]), float(near[number, 0])
            if row >= 0 and similarity >= MET:
                continue
            if (await self._answers.answer(words, at=notes.at)).answer is None:
                nearest = snapshot.contents[row].key if row >= 0 else None
                found.append(UnmetSearch(words, times * count, nearest, similarity if row >= 0 else 0.0))
        return tuple(sorted(found, key=lambda each: (-each.customers, each.words)))


def batched_ids(ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield ids in groups that are read together."""
    left = iter(ids)
    while chunk := list(islice(left, TOGETHER)):
        yield chunk


def rising(notes: Notes, times: float) -> tuple[RisingInterest, ...]:
    """Return the interests that more customers are active for than before, the most surprising first."""
    found = []
    for label, count in notes.now.items():
        before = notes.earlier[label] / BEFORE
        if count >= SMALLEST_GROUP and count > before:
            rise = (count - before) / math.sqrt(before + 1)
            found.append(RisingInterest(label, times * count, times * before, rise))
    return tuple(sorted(found, key=lambda each: (-each.rise, each.label)))


def scarce(notes: Notes, snapshot: CatalogueSnapshot, times: float) -> tuple[ScarceInterest, ...]:
    """Return the interests with fewer than `SCARCE` contents on sale near them, those of most customers first."""
    labels = [label for label, count in notes.holders.items() if count >= SMALLEST_GROUP]
    if not labels or not len(snapshot):
        return ()
    directions = np.array([notes.directions[label] for label in labels], np.float32)
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
    _, near = snapshot.index.search(directions, SCARCE, allowed=on_sale(snapshot))
    found = [
        ScarceInterest(label, times * notes.holders[label], int(np.count_nonzero(row >= NEAR)))
        for label, row in zip(labels, near, strict=True)
        if np.count_nonzero(row >= NEAR) < SCARCE
    ]
    return tuple(sorted(found, key=lambda each: (-each.customers, each.label)))


def on_sale(snapshot: CatalogueSnapshot) -> NDArray[np.bool_]:
    """Return (n,) bool: which contents can be shown at all."""
    shown = snapshot.available.copy()
    shown[list(snapshot.brand_faults)] = False
    return shown
