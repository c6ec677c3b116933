"""Following the catalogue: the current snapshot, replaced when the catalogue's version moves.

A refresh reads what changed and builds a snapshot from that and from the one before.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import structlog
from numpy.typing import NDArray
from pymongo.errors import PyMongoError

from hub.catalogue.audience import NOBODY, Audience, load_audience
from hub.catalogue.building import answer_texts, build_snapshot
from hub.catalogue.intervals import Intervals
from hub.catalogue.learning import load_intervals, load_neighbours, load_tendencies
from hub.catalogue.model import Answer, BrandFacts, Content, Offer, Segment
from hub.catalogue.neighbours import Neighbours
from hub.catalogue.popularity import Popularity, load_popularity
from hub.catalogue.putting import Embedding
from hub.catalogue.repository import CATALOGUE, CatalogueRepository, Entry
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.catalogue.tendencies import Tendencies
from hub.errors import TuttiError
from hub.kit.clock import Clock
from hub.kit.memory import give_back
from hub.store.database import Store

log = structlog.get_logger(__name__)

LARGE = 5_000  # contents from which a replaced snapshot leaves room worth giving back
POLL_SECONDS = 0.5
REPAIR_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Learned:
    """What was worked out of the events, as the snapshot has it."""

    popularity: Popularity
    audience: Audience
    neighbours: Neighbours
    intervals: Intervals
    tendencies: Tendencies


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What the current snapshot was built of, kept so that a refresh reads only what changed.

    `texts`: content key -> what its vector is of. `vectors`: those of the texts of answers; of contents they are
    in the snapshot. `changed`: keys of contents that are not as they were in the snapshot before; `fresh`: the
    vectors of their texts.
    """

    announced: str | None
    contents: dict[str, Content]
    answers: dict[str, Answer]
    facts: dict[str, BrandFacts]
    offers: dict[str, Offer]
    segments: dict[str, Segment]
    learned: _Learned
    texts: dict[str, str]
    vectors: dict[str, NDArray[np.float32]]
    changed: frozenset[str]
    fresh: dict[str, NDArray[np.float32]]


NOTHING = _Loaded(
    None,
    {},
    {},
    {},
    {},
    {},
    _Learned(Popularity(), NOBODY, Neighbours(), Intervals(), Tendencies()),
    {},
    {},
    frozenset(),
    {},
)


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
            loaded = await self._load()
            encoder = self._encoder.encoder
            snapshot = await asyncio.to_thread(_build, loaded, encoder.id, encoder.dimensions, self._snapshot)
            self._loaded = replace(loaded, changed=frozenset(), fresh={})
            moved = snapshot.version != self._snapshot.version
            self._snapshot = snapshot
            if moved:
                log.info("catalogue refreshed", version=snapshot.version, contents=len(snapshot))
                if len(snapshot) >= LARGE:
                    await asyncio.to_thread(give_back)
            return moved

    async def _load(self) -> _Loaded:
        before = self._loaded or NOTHING
        announced, told = await self._repository.changed_since(before.announced)
        learned = before.learned
        if told is None:
            learned = _Learned(
                await load_popularity(self._store),
                await load_audience(self._store),
                await load_neighbours(self._store),
                await load_intervals(self._store),
                await load_tendencies(self._store),
            )
        contents = await self._changed(Content, before.contents, told)
        answers = await self._changed(Answer, before.answers, told)
        facts = await self._changed(BrandFacts, before.facts, told)
        offers = await self._changed(Offer, before.offers, told)
        segments = await self._changed(Segment, before.segments, told)
        # In a thread, since a large catalogue would hold up every request meanwhile.
        changed = await asyncio.to_thread(_differing, before, contents, told)
        texts = {key: content.embedding_text for key in changed if (content := contents.get(key))}
        spoken = {text for answer in answers.values() for text in answer_texts(answer)}
        vectors = {text: vector for text, vector in before.vectors.items() if text in spoken}
        fresh = _still_placed(before, self._snapshot, texts)
        missing = sorted((spoken - vectors.keys()) | (set(texts.values()) - fresh.keys()))
        found = dict(zip(missing, await self._encoder.vectors(missing), strict=True)) if missing else {}
        vectors |= {text: found[text] for text in spoken - vectors.keys()}
        return _Loaded(
            announced, contents, answers, facts, offers, segments, learned,
            _followed(before.texts, texts, contents), vectors, changed, fresh | found,
        )  # fmt: skip

    async def _changed(
        self,
        of: type[Entry],
        before: dict[str, Entry],
        told: Mapping[type, frozenset[str]] | None,
    ) -> dict[str, Entry]:
        """Return all entries of a sort: those of `before`, and anew what changed."""
        if told is not None:
            keys = told.get(of)
            if not keys:
                return before
            now = await self._repository.get_many(of, keys)
            return {key: entry for key, entry in before.items() if key not in keys} | now
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
                    [{"$match": {"documentKey._id": CATALOGUE}}, {"$project": {"operationType": 1}}],
                    max_await_time_ms=int(POLL_SECONDS * 1000),
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


def _differing(
    before: _Loaded, contents: Mapping[str, Content], told: Mapping[type, frozenset[str]] | None
) -> frozenset[str]:
    """Return the keys of contents that are not the very objects they were."""
    if told is not None:
        return told.get(Content, frozenset())
    was = before.contents
    return frozenset(key for key, content in contents.items() if was.get(key) is not content)


def _still_placed(
    before: _Loaded, snapshot: CatalogueSnapshot, texts: Mapping[str, str]
) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of the texts that did not change though their contents did."""
    return {
        text: snapshot.vectors[snapshot.rows[key]]
        for key, text in texts.items()
        if key in snapshot.rows and before.texts.get(key) == text
    }


def _followed(
    before: dict[str, str], texts: dict[str, str], contents: Mapping[str, Content]
) -> dict[str, str]:
    """Return what each content's vector is of, after some changed."""
    now = before | texts
    return now if len(now) == len(contents) else {key: text for key, text in now.items() if key in contents}


def _build(loaded: _Loaded, encoder_id: str, dimensions: int, before: CatalogueSnapshot) -> CatalogueSnapshot:
    return build_snapshot(
        loaded.contents.values(),
        vectors=loaded.vectors | loaded.fresh,
        encoder_id=encoder_id,
        dimensions=dimensions,
        answers=loaded.answers.values(),
        offers=loaded.offers.values(),
        facts=loaded.facts.values(),
        popularity=loaded.learned.popularity.scores,
        popularity_version=loaded.learned.popularity.version,
        settled=loaded.learned.popularity.settled,
        segments=loaded.segments.values(),
        audience=loaded.learned.audience,
        neighbours=loaded.learned.neighbours,
        intervals=loaded.learned.intervals,
        tendencies=loaded.learned.tendencies,
        before=before,
        changed=loaded.changed,
        texts=loaded.texts,
    )
