"""The catalogue's service: put entries, hold the current snapshot, keep it fresh, page through it.

A put compares with what is stored and writes only what differs, as a new version under the same key.
Texts are embedded before anything is written, so that a process that reloads finds their vectors in
the cache and never shows content that it cannot place.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray
from pymongo.errors import PyMongoError

from hub.catalogue import brand as rules
from hub.catalogue.audience import Audience, load_audience
from hub.catalogue.building import answer_texts, build_snapshot
from hub.catalogue.intervals import Intervals
from hub.catalogue.learning import load_intervals, load_neighbours
from hub.catalogue.model import Answer, BrandFacts, Claim, Content, Offer, Segment
from hub.catalogue.neighbours import Neighbours
from hub.catalogue.popularity import Popularity, load_popularity
from hub.catalogue.references import Prices
from hub.catalogue.repository import CATALOGUE, CatalogueRepository, Entry
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import Conflict, InvalidInput, TuttiError
from hub.kit.clock import Clock
from hub.kit.memory import give_back
from hub.kit.money import Money
from hub.kit.pages import LARGEST_PAGE, Page, decode_cursor, page_of, slice_page
from hub.profiles.segment_rules import check_segment
from hub.store.database import Store

log = structlog.get_logger(__name__)

Progress = Callable[[int, int], None]
LARGE = 5_000  # contents from which a replaced snapshot leaves room worth giving back
ATTEMPTS = 5
POLL_SECONDS = 0.5
REPAIR_SECONDS = 60.0
LONGEST_SEARCH = 500
MOST_FOUND = 200


class TextEncoder(Protocol):
    """What the catalogue needs of `embeddings.encoder.Encoder`."""

    @property
    def id(self) -> str: ...

    @property
    def dimensions(self) -> int: ...


class Embedding(Protocol):
    """What the catalogue needs of `embeddings.cache.CachedEncoder`."""

    @property
    def encoder(self) -> TextEncoder: ...

    async def vectors(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class PutResult:
    """How many entries were new, how many became a new version, how many were there already."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "PutResult") -> "PutResult":
        return PutResult(
            self.added + other.added, self.changed + other.changed, self.unchanged + other.unchanged
        )


@dataclass(slots=True)
class _Loaded:
    """What the current snapshot was built of, kept so that a refresh reads only what changed."""

    contents: dict[str, Content]
    answers: dict[str, Answer]
    facts: dict[str, BrandFacts]
    offers: dict[str, Offer]
    segments: dict[str, Segment]
    vectors: dict[str, NDArray[np.float32]]
    announced: str | None
    texts: dict[str, str] = field(default_factory=dict)  # content key -> what its vector is of


class CatalogueService:
    """One process's view of the catalogue."""

    def __init__(self, store: Store, encoder: Embedding, clock: Clock) -> None:
        self._store = store
        self._repository = CatalogueRepository(store.db)
        self._encoder = encoder
        self._clock = clock
        self._refreshing = asyncio.Lock()
        self._loaded: _Loaded | None = None
        self._snapshot = build_snapshot(
            (), vectors={}, encoder_id=encoder.encoder.id, dimensions=encoder.encoder.dimensions
        )

    @property
    def snapshot(self) -> CatalogueSnapshot:
        """The catalogue as it was when last refreshed; empty before the first `refresh`."""
        return self._snapshot

    async def put_contents(
        self,
        contents: Sequence[Content],
        *,
        progress: Progress | None = None,
        refresh: bool = True,
        keep_faulty: bool = False,
    ) -> PutResult:
        """Add or change contents by key; their `version` is given by the store.

        Args:
            contents: what to put; of two with one key the later counts.
            progress: told (embedded, texts to embed).
            refresh: False leaves this process's snapshot for a later `refresh`, for bulk loads.
            keep_faulty: True takes text that breaks a brand rule too, for a feed that is not ours to
                correct; it is kept and never shown.

        Raises:
            InvalidInput: a brand rule is broken (`hub.catalogue.brand`); the path begins with the position in `contents`; nothing was written.
            Conflict: others kept changing the same entries.
            Unavailable: the store does not answer.
        """
        facts = await self._repository.get_all(BrandFacts)
        prices = self._prices(contents)
        for at, content in enumerate(contents):
            rules.check_content(content, facts, (at,), prices=prices, keep_faulty=keep_faulty)
        return await self._put(
            Content, contents, lambda content: (content.embedding_text,), progress=progress, refresh=refresh
        )

    def _prices(self, contents: Sequence[Content]) -> Prices:
        """Return prices as they are, or are about to be."""
        put = {content.key: content.price for content in contents}
        snapshot = self._snapshot

        def price(key: str) -> Money | None:
            if key in put:
                return put[key]
            row = snapshot.row(key)
            return None if row is None else snapshot.contents[row].price

        return price

    async def put_answers(
        self, answers: Sequence[Answer], *, progress: Progress | None = None, refresh: bool = True
    ) -> PutResult:
        """Add or change answers by key. Arguments and errors as for `put_contents`."""
        facts = await self._repository.get_all(BrandFacts)
        for at, answer in enumerate(answers):
            rules.check_answer(answer, facts, (at,), prices=self._prices(()))
        return await self._put(Answer, answers, answer_texts, progress=progress, refresh=refresh)

    async def put_brand_facts(self, facts: Sequence[BrandFacts], *, refresh: bool = True) -> PutResult:
        """Add or change brand facts by key; a claim whose text changes becomes a new version of it."""
        for at, brand in enumerate(facts):
            rules.check_brand_facts(brand, (at,))
        return await self._put(BrandFacts, facts, _nothing, refresh=refresh)

    async def put_offers(self, offers: Sequence[Offer], *, refresh: bool = True) -> PutResult:
        """Add or change offers' definitions by key.

        Raises:
            InvalidInput: title or terms break a rule of the brand; the path begins with the position in `offers`.
        """
        facts = await self._repository.get_all(BrandFacts)
        for at, offer in enumerate(offers):
            rules.check_offer(offer, facts, (at,))
        return await self._put(Offer, offers, _nothing, refresh=refresh)

    async def put_segments(self, segments: Sequence[Segment], *, refresh: bool = True) -> PutResult:
        """Add or change segments by key; every process knows them within a second.

        Raises:
            InvalidInput: a rule cannot be understood; the path begins with the position in `segments`.
            Conflict: others kept changing the same segments.
            Unavailable: the store does not answer.
        """
        for at, segment in enumerate(segments):
            check_segment(segment, (at,))
        return await self._put(Segment, segments, _nothing, refresh=refresh)

    async def _put(
        self,
        of: type[Entry],
        entries: Sequence[Entry],
        texts_of: Callable[[Entry], Sequence[str]],
        *,
        refresh: bool,
        progress: Progress | None = None,
    ) -> PutResult:
        wanted = {entry.key: entry for entry in entries}
        if not wanted:
            return PutResult()
        for attempt in range(ATTEMPTS):
            stored = await self._repository.get_many(of, wanted)
            added: list[Entry] = [replace(e, version=1) for key, e in wanted.items() if key not in stored]
            changed: list[tuple[Entry, Entry]] = [
                (old, new) for key, old in stored.items() if (new := _succeed(old, wanted[key])) is not old
            ]
            now = self._clock.now()
            if not added and not changed:
                if await self._repository.left_over(now, younger=True):
                    await self._repository.announce(now)
                break
            texts = [text for entry in (*added, *(new for _, new in changed)) for text in texts_of(entry)]
            if texts:
                await self._encoder.vectors(texts, progress=progress)
            intent = await self._repository.open_intent(now)
            try:
                await self._repository.write(added, changed, now)
            except Conflict:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.02 * 2**attempt)
                continue
            finally:
                await self._repository.announce(now, intent)
            break
        if refresh:
            await self.refresh()
        return PutResult(len(added), len(changed), len(wanted) - len(added) - len(changed))

    async def refresh(self) -> bool:
        """Load what changed since the last refresh; return whether the snapshot was replaced.

        Raises:
            Unavailable: the store does not answer; the old snapshot stays.
        """
        async with self._refreshing:
            announced = await self._repository.announced()
            if self._loaded is not None and announced == self._loaded.announced:
                return False
            loaded = await self._load(announced)
            popularity = await load_popularity(self._store)
            audience = await load_audience(self._store)
            neighbours = await load_neighbours(self._store)
            intervals = await load_intervals(self._store)
            encoder = self._encoder.encoder
            snapshot = await asyncio.to_thread(
                _build,
                loaded,
                popularity,
                audience,
                neighbours,
                intervals,
                encoder.id,
                encoder.dimensions,
                self._snapshot,
            )
            self._loaded = replace(loaded, vectors=_shared(loaded, snapshot))
            del loaded
            moved = snapshot.version != self._snapshot.version
            self._snapshot = snapshot
            if moved:
                log.info("catalogue refreshed", version=snapshot.version, contents=len(snapshot))
                if len(snapshot) >= LARGE:
                    await asyncio.to_thread(give_back)
            return moved

    async def _load(self, announced: str | None) -> _Loaded:
        before = self._loaded or _Loaded({}, {}, {}, {}, {}, {}, None)
        contents = await self._changed(Content, before.contents)
        answers = await self._changed(Answer, before.answers)
        facts = await self._changed(BrandFacts, before.facts)
        offers = await self._changed(Offer, before.offers)
        segments = await self._changed(Segment, before.segments)
        # In a thread, since a large catalogue would hold up every request meanwhile.
        texts = await asyncio.to_thread(_texts_of, before, contents)
        vectors, missing = await asyncio.to_thread(_still_needed, before.vectors, texts, answers)
        if missing:
            vectors.update(zip(missing, await self._encoder.vectors(missing), strict=True))
        return _Loaded(contents, answers, facts, offers, segments, vectors, announced, texts)

    async def _changed(self, of: type[Entry], before: dict[str, Entry]) -> dict[str, Entry]:
        if not before:
            return await self._repository.get_all(of)
        versions = await self._repository.versions_of(of)
        same = {key: e for key, e in before.items() if versions.get(key) == e.version}
        return same | await self._repository.get_many(of, versions.keys() - same.keys())

    async def watch(self) -> None:
        """Keep the snapshot fresh until cancelled: at once by a change stream, else by looking often."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self.refresh()
                await self._repair()
                repaired = loop.time()
                async with await self._store.db["versions"].watch(
                    [{"$match": {"documentKey._id": CATALOGUE}}], max_await_time_ms=int(POLL_SECONDS * 1000)
                ) as stream:
                    while True:
                        # Refresh also when nothing was heard: what came before the stream opened is seen so.
                        await stream.try_next()
                        await self.refresh()
                        if loop.time() - repaired > REPAIR_SECONDS:
                            await self._repair()
                            repaired = loop.time()
            except (PyMongoError, TuttiError) as error:
                log.warning("catalogue cannot be watched, looking again", reason=type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)

    async def _repair(self) -> None:
        now = self._clock.now()
        if await self._repository.left_over(now):
            await self._repository.announce(now)
            await self.refresh()

    async def page(self, first: int, after: str | None = None, search: str | None = None) -> Page[Content]:
        """Return contents in the order of their keys, or by nearness in meaning to `search`.

        Raises:
            InvalidInput: `first`, `after` or `search` is impossible, with its name as path.
        """
        if not 0 <= first <= LARGEST_PAGE:
            raise InvalidInput(f"first must be between 0 and {LARGEST_PAGE}", path=("first",))
        snapshot = self._snapshot
        if search is not None and search.strip():
            return await self._search(snapshot, search.strip(), first, after)
        try:
            position = None if after is None else decode_cursor(after)
        except ValueError as error:
            raise InvalidInput(str(error), path=("after",)) from None
        start = 0 if position is None else _first_behind(snapshot.contents, position)
        found = [(content.key, content) for content in snapshot.contents[start : start + first + 1]]
        return page_of(found, first=first, total_count=len(snapshot), has_previous=start > 0)

    async def _search(
        self, snapshot: CatalogueSnapshot, words: str, first: int, after: str | None
    ) -> Page[Content]:
        if len(words) > LONGEST_SEARCH:
            raise InvalidInput(f"search takes at most {LONGEST_SEARCH} characters", path=("search",))
        nearest: list[Content] = []
        if len(snapshot):
            query = await self._encoder.vectors([words])
            rows, _ = await asyncio.to_thread(snapshot.index.search, query, min(MOST_FOUND, len(snapshot)))
            nearest = [snapshot.contents[row] for row in rows[0] if row >= 0]
        try:
            return slice_page(nearest, first=first, after=after)
        except ValueError as error:
            raise InvalidInput(str(error), path=("after",)) from None


def _texts_of(before: _Loaded, contents: Mapping[str, Content]) -> dict[str, str]:
    """Return what each content's vector is of; of those that did not change it is known."""
    return {
        key: before.texts[key] if before.contents.get(key) is content else content.embedding_text
        for key, content in contents.items()
    }


def _still_needed(
    vectors: Mapping[str, NDArray[np.float32]], of_contents: Mapping[str, str], answers: Mapping[str, Answer]
) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """Return the vectors of texts that are still in the catalogue, and the texts that have none."""
    texts = set(of_contents.values())
    texts.update(text for answer in answers.values() for text in answer_texts(answer))
    kept = {text: vector for text, vector in vectors.items() if text in texts}
    return kept, sorted(texts - kept.keys())


def _shared(loaded: _Loaded, snapshot: CatalogueSnapshot) -> dict[str, NDArray[np.float32]]:
    """Return the vectors by text, as rows of the snapshot's own array where they are in it.

    Otherwise every vector would be kept twice. What is not in it is copied: a row holds on to the whole
    array that it was cut from.
    """
    rows = {text: snapshot.vectors[snapshot.rows[key]] for key, text in loaded.texts.items()}
    return {text: rows[text] if text in rows else vector.copy() for text, vector in loaded.vectors.items()}


def _first_behind(contents: Sequence[Content], key: str) -> int:
    low, high = 0, len(contents)
    while low < high:
        middle = (low + high) // 2
        if contents[middle].key <= key:
            low = middle + 1
        else:
            high = middle
    return low


def _nothing(_entry: object) -> Sequence[str]:
    return ()


def _succeed(old: Entry, new: Entry) -> Entry:
    """Return `old` itself where `new` says the same, else `new` as its next version."""
    candidate: Any = new
    if isinstance(old, BrandFacts) and isinstance(candidate, BrandFacts):
        candidate = replace(candidate, claims=_succeed_claims(old.claims, candidate.claims))
    if replace(candidate, version=old.version) == old:
        return old
    succeeding: Entry = replace(candidate, version=old.version + 1)
    return succeeding


def _succeed_claims(old: Sequence[Claim], new: Sequence[Claim]) -> tuple[Claim, ...]:
    before = {claim.key: claim for claim in old}
    return tuple(
        replace(claim, version=1)
        if claim.key not in before
        else replace(claim, version=before[claim.key].version + (claim.text != before[claim.key].text))
        for claim in new
    )


def _build(
    loaded: _Loaded,
    popularity: Popularity,
    audience: Audience,
    neighbours: Neighbours,
    intervals: Intervals,
    encoder_id: str,
    dimensions: int,
    before: CatalogueSnapshot,
) -> CatalogueSnapshot:
    return build_snapshot(
        loaded.contents.values(),
        vectors=loaded.vectors,
        encoder_id=encoder_id,
        dimensions=dimensions,
        answers=loaded.answers.values(),
        offers=loaded.offers.values(),
        facts=loaded.facts.values(),
        popularity=popularity.scores,
        popularity_version=popularity.version,
        segments=loaded.segments.values(),
        audience=audience,
        neighbours=neighbours,
        intervals=intervals,
        before=before,
        texts=loaded.texts,
    )
