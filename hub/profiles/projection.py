"""Projection: what waits in `events` goes into facets, and changed facets into profiles.

    events (projected: false) -> claims -> facets (versioned) -> fold -> profiles (versioned) -> projected: true

Every step can be done again: joining twice changes nothing, versions refuse what is outdated, and events
are marked last. So a crash, a second process or a lost race is answered by starting over. Writers of one
process take turns at a profile; the one whose turn it is projects what all of them wrote.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from embeddings.cache import CachedEncoder
from embeddings.labels import Labeller
from hub.catalogue.model import Content
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import Conflict
from hub.events.repository import EventRepository, StoredEvent
from hub.profiles.facets import project
from hub.profiles.fold import fold, unplaced
from hub.profiles.joining import join_all
from hub.profiles.knowledge import Knowledge, SnapshotKnowledge, naming, texts_of
from hub.profiles.linking import Claim, Linker
from hub.profiles.model import Facet, LinkedFacet
from hub.profiles.profile_codec import FOLD, Header, profile_to_document
from hub.profiles.repository import ProfileRepository

AT_ONCE = 64  # profiles projected together
MOST_EVENTS = 2_000  # events projected together
ATTEMPTS = 60
LONGEST_PAUSE = 0.05  # seconds between two attempts


@dataclass(slots=True)
class _State:
    """What the store holds of the profiles at hand."""

    headers: dict[str, Header]
    facets: dict[str, LinkedFacet]
    waiting: list[StoredEvent]


class Projector:
    """Brings facets and profiles up to what `events` holds."""

    def __init__(
        self,
        profiles: ProfileRepository,
        events: EventRepository,
        snapshot: Callable[[], CatalogueSnapshot],
        encoder: CachedEncoder,
    ) -> None:
        self._profiles = profiles
        self._events = events
        self.snapshot = snapshot
        self._encoder = encoder
        self._linker = Linker(profiles)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._labeller: tuple[tuple[Content, ...], Labeller] | None = None

    async def project(self, homes: Mapping[str, str]) -> None:
        """Project what waits for facets and fold their profiles.

        Args:
            homes: facet id -> the profile it is thought to belong to.

        Raises:
            Unavailable: the store does not answer; what waits is projected later.
            Conflict: others kept changing the same profiles.
        """
        by_profile: dict[str, list[str]] = defaultdict(list)
        for facet_id, profile_id in homes.items():
            by_profile[profile_id].append(facet_id)
        profile_ids = sorted(by_profile)
        for start in range(0, len(profile_ids), AT_ONCE):
            chosen = profile_ids[start : start + AT_ONCE]
            async with self._turn(chosen):
                await self._project({facet_id: key for key in chosen for facet_id in by_profile[key]}, chosen)

    @asynccontextmanager
    async def _turn(self, profile_ids: Sequence[str]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for profile_id in profile_ids:  # sorted, so that nobody waits in a circle
                lock = self._turns.setdefault(profile_id, asyncio.Lock())
                await stack.enter_async_context(lock)
            yield

    async def _project(self, homes: Mapping[str, str], profile_ids: Sequence[str]) -> None:
        attempt = 0
        while True:
            done, more = await self._attempt(homes, profile_ids)
            if done and not more:
                return
            if done:
                continue
            attempt += 1
            if attempt >= ATTEMPTS:
                raise Conflict("others keep changing this customer; try again")
            await asyncio.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.002 * 2**attempt)))  # noqa: S311

    async def _attempt(self, homes: Mapping[str, str], profile_ids: Sequence[str]) -> tuple[bool, bool]:
        """Try once; return whether it was done, and whether there is more to do."""
        state = await self._load(homes, profile_ids)
        claims = [claim for stored in state.waiting for claim in claims_of(stored, state.facets)]
        if claims and await self._linker.link(claims, state.facets):
            return False, True
        changed = joined(state.waiting, state.facets)
        if not await self._profiles.write_facets(changed):
            return False, True
        state.facets.update((facet.id, facet) for facet in changed)
        if not await self._fold(state):
            return False, True
        if state.waiting:
            await self._events.mark_projected([stored.event.id for stored in state.waiting])
        return True, len(state.waiting) >= MOST_EVENTS

    async def _load(self, homes: Mapping[str, str], profile_ids: Sequence[str]) -> _State:
        # Headers before facets: a fold that is written over this header holds at least these facets.
        hints = {*homes.values(), *profile_ids}
        roots, headers = await self._linker.follow_to_headers(hints)
        if stale := [key for key, header in headers.items() if header.stale]:
            # Before what waits is read: who finds a profile stale leaves it at that, and relies on being read.
            await self._profiles.begin_folding(stale)
            roots, headers = await self._linker.follow_to_headers(hints)
        current = set(roots.values())
        wanted = {*homes, *(key for header in headers.values() for key in header.folded or ())}
        found, waiting = await asyncio.gather(
            self._profiles.facets_of(current), self._events.unprojected(wanted, most=MOST_EVENTS)
        )
        facets = {facet.id: facet for facet in found}
        # Seldom: a facet lives elsewhere than was thought, or one that no fold has seen came to a profile.
        elsewhere = await self._profiles.owners(homes.keys() - facets.keys())
        if any(owner not in current for owner in elsewhere.values()):
            return await self._load({**homes, **elsewhere}, profile_ids)
        needed = {*facets, *homes}
        if needed <= wanted and len(waiting) < MOST_EVENTS:  # a facet that went away was asked for too
            waiting = [stored for stored in waiting if stored.facet_id in needed]
        else:
            waiting = await self._events.unprojected(needed, most=MOST_EVENTS)
        for stored in waiting:
            if stored.facet_id not in facets:
                facets[stored.facet_id] = LinkedFacet(
                    id=stored.facet_id,
                    version=0,
                    profile_id=roots[homes[stored.facet_id]],
                    primary=stored.event.primary,
                    facet=Facet(),
                )
        return _State({key: headers.get(key, Header(id=key)) for key in current}, facets, waiting)

    async def _fold(self, state: _State) -> bool:
        """Fold the profiles that are behind; return False if somebody else was faster with any."""
        snapshot = self.snapshot()
        by_profile: dict[str, list[LinkedFacet]] = defaultdict(list)
        for facet in state.facets.values():
            by_profile[facet.profile_id].append(facet)
        behind = {
            key: facets
            for key, facets in by_profile.items()
            if key in state.headers and _is_behind(state.headers[key], facets, snapshot)
        }
        if not behind:
            return True
        knowledge = await self.knowledge(
            [facet.facet for facets in behind.values() for facet in facets], snapshot
        )
        documents = []
        for key, facets in behind.items():
            documents.append(folded_document(state.headers[key], facets, knowledge))
            await asyncio.sleep(0)  # a fold takes milliseconds, and others want to be answered
        return await self._profiles.write_profiles(documents)

    async def knowledge(
        self, facets: Sequence[Facet], snapshot: CatalogueSnapshot, *, keep: bool = True
    ) -> Knowledge:
        """Return what the fold of these facets must know, of one snapshot.

        Args:
            facets: whose words are to be known.
            snapshot: what is known of contents.
            keep: let the cache of vectors remember words that it did not know; False writes nothing.
        """
        texts = texts_of(facets)
        vectors = (
            await self._encoder.vectors(texts, keep=keep)
            if texts and self._encoder.id == snapshot.encoder_id
            else ()
        )
        return SnapshotKnowledge(
            snapshot, dict(zip(texts, vectors, strict=False)), await self._labeller_of(snapshot)
        )

    async def _labeller_of(self, snapshot: CatalogueSnapshot) -> Labeller:
        """Return what names directions; learnt anew where names changed, which most new snapshots do not."""
        known = self._labeller
        if known is not None and known[0] is snapshot.contents:
            return known[1]
        texts = [naming(content) for content in snapshot.contents]
        if known is None or [naming(content) for content in known[0]] != texts:
            known = (snapshot.contents, await asyncio.to_thread(Labeller.fit, texts))
        self._labeller = (snapshot.contents, known[1])
        return known[1]


def folded_document(header: Header, facets: Sequence[LinkedFacet], knowledge: Knowledge) -> dict[str, object]:
    """Return the next version of a profile's document."""
    profile = fold(header.id, header.version + 1, facets, knowledge, former_ids=header.former_ids)
    return profile_to_document(
        profile,
        folded={facet.id: facet.version for facet in facets},
        catalogue_version=knowledge.version,
        unplaced=unplaced(facets, knowledge),
    )


def outdated(header: Header, snapshot: CatalogueSnapshot) -> bool:
    """Tell whether a fold must be made anew.

    Events wait, it was made in another way or by another encoder, or what had no vector may have one.
    """
    return (
        header.stale
        or header.folding
        or header.folded is None
        or header.made_by != FOLD
        or header.encoder_id != snapshot.encoder_id
        or (header.unplaced and header.catalogue_version != snapshot.version)
    )


def _is_behind(header: Header, facets: Sequence[LinkedFacet], snapshot: CatalogueSnapshot) -> bool:
    return outdated(header, snapshot) or dict(header.folded or {}) != {
        facet.id: facet.version for facet in facets
    }


def claims_of(stored: StoredEvent, facets: Mapping[str, LinkedFacet]) -> list[Claim]:
    """Return what an event says of who is its customer too."""
    event, facet = stored.event, facets[stored.facet_id]
    return [
        Claim(
            facet.id,
            facet.profile_id,
            facet.primary.type == "user_id",
            mention,
            event.at,
            event.id,
            event.received_at,
        )
        for mention in event.mentions
        if mention.type != "previous_id" or mention.value not in {event.user_id, event.anonymous_id}
    ]


def joined(waiting: Sequence[StoredEvent], facets: Mapping[str, LinkedFacet]) -> list[LinkedFacet]:
    """Return the facets that waiting events change, with their next version."""
    projections: dict[str, list[Facet]] = defaultdict(list)
    for stored in waiting:
        projections[stored.facet_id].append(project(stored.event))
    changed = []
    for facet_id, parts in projections.items():
        before = facets[facet_id]
        after = join_all([before.facet, *parts])
        if before.version == 0 or after != before.facet:
            changed.append(replace(before, version=before.version + 1, facet=after))
    return changed
