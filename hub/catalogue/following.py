"""Following the catalogue: the current snapshot, replaced when the catalogue's version moves.

A refresh reads what changed and builds a snapshot from that and from the one before.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import structlog
from numpy.typing import NDArray
from pymongo.errors import PyMongoError

from hub.catalogue.audience import Audience, load_audience
from hub.catalogue.building import answer_texts, build_snapshot
from hub.catalogue.intervals import Intervals
from hub.catalogue.learning import load_intervals, load_neighbours
from hub.catalogue.model import Answer, BrandFacts, Content, Offer, Segment
from hub.catalogue.neighbours import Neighbours
from hub.catalogue.popularity import Popularity, load_popularity
from hub.catalogue.putting import Embedding
from hub.catalogue.repository import CATALOGUE, CatalogueRepository, Entry
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import TuttiError
from hub.kit.clock import Clock
from hub.kit.memory import give_back
from hub.store.database import Store

log = structlog.get_logger(__name__)

LARGE = 5_000  # contents from which a replaced snapshot leaves room worth giving back
POLL_SECONDS = 0.5
REPAIR_SECONDS = 60.0


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


class Following:
    """One process's view of the catalogue."""

    def __init__(
        self, store: Store, repository: CatalogueRepository, encoder: Embedding, clock: Clock
    ) -> None:
        self._store = store
        self._repository = repository
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
                await self.repair()
                repaired = loop.time()
                async with await self._store.db["versions"].watch(
                    [{"$match": {"documentKey._id": CATALOGUE}}], max_await_time_ms=int(POLL_SECONDS * 1000)
                ) as stream:
                    while True:
                        # Refresh also when nothing was heard: what came before the stream opened is seen so.
                        await stream.try_next()
                        await self.refresh()
                        if loop.time() - repaired > REPAIR_SECONDS:
                            await self.repair()
                            repaired = loop.time()
            except (PyMongoError, TuttiError) as error:
                log.warning("catalogue cannot be watched, looking again", reason=type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)

    async def repair(self) -> None:
        """Announce what a process that died while it wrote left unannounced, and refresh.

        Raises:
            Unavailable: the store does not answer.
        """
        now = self._clock.now()
        if await self._repository.left_over(now):
            await self._repository.announce(now)
            await self.refresh()


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
