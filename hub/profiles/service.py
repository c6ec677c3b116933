"""Profiles as others see them: found by any identity, fresh when read, with needs and a timeline."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from itertools import chain

from embeddings.cache import CachedEncoder
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import NotFound
from hub.events.names import TimelineKind
from hub.events.repository import EventRepository
from hub.kit.pages import Page, page_of
from hub.profiles import needs as needs_module
from hub.profiles.beside import Along, Beside
from hub.profiles.identity import PROFILE_ID
from hub.profiles.merge_model import OperationKind, Review
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.needs import NeedState
from hub.profiles.peeking import Peeker
from hub.profiles.profile_codec import Header
from hub.profiles.projection import Projector, outdated
from hub.profiles.repository import ProfileRepository
from hub.profiles.timeline import (
    TimelineEntry,
    TimelineSource,
    entry_of,
    entry_of_operation,
    parse_position,
    position_of,
)
from hub.store.database import Store

OPERATIONS = {OperationKind.MERGE: TimelineKind.MERGED, OperationKind.SPLIT: TimelineKind.SPLIT}
Position = tuple[datetime, str]
MOST_HOPS = 16  # merges followed from a former id


class ProfileService:
    """Finds profiles, and brings up to date on reading what lags behind."""

    def __init__(
        self,
        store: Store,
        snapshot: Callable[[], CatalogueSnapshot],
        encoder: CachedEncoder,
        sources: Sequence[TimelineSource] = (),
    ) -> None:
        """Take what profiles are made of.

        Args:
            store: where they are.
            snapshot: returns the catalogue as it is now; titles, vectors and needs come from it.
            encoder: embeds searches and declared likes; its id is the snapshot's.
            sources: what the timeline shows besides events, merges and splits.
        """
        self.snapshot = snapshot
        self.repository = ProfileRepository(store.db)
        self.events = EventRepository(store.db)
        self._sources = sources
        self.projector = Projector(self.repository, self.events, snapshot, encoder)
        self._peeker = Peeker(self.repository, self.events, self.projector)

    async def find(self, ref: CustomerRef, *, keep: bool = True) -> Profile | None:
        """Return the profile of whoever is meant, None for someone never seen; former ids are followed.

        Args:
            ref: who.
            keep: write down what had to be folded; False is for previews, and writes nothing at all.

        Raises:
            Unavailable: the store does not answer.
        """
        return (await self.find_along(ref, (), keep=keep)).profile

    async def find_along(self, ref: CustomerRef, besides: Sequence[Beside], *, keep: bool = True) -> Along:
        """Return the profile as `find` does, and what is to be read along with it.

        Raises:
            Unavailable: the store does not answer.
        """
        if ref.type == PROFILE_ID:
            return Along(await self.get(ref.value, keep=keep))
        found = await self.repository.of_identity(ref.key, besides)
        if found is None:
            return Along(None)
        header = found.header
        if header.merged_into is None and not outdated(header, self.snapshot()):
            return Along(found.profile, found.documents)
        return Along(await self._current((header, found.profile), keep=keep))

    async def as_of(self, ref: CustomerRef, at: datetime) -> Profile | None:
        """Return the profile as it was at an instant, None for someone of whom nothing had happened yet.

        Who belongs together is as it is known today; see `Peeker.as_of`. Nothing is written.

        Raises:
            Unavailable: the store does not answer.
        """
        profile = await self.find(ref, keep=False)
        return None if profile is None else await self._peeker.as_of(profile, at)

    async def page_of_ids(self, *, after: str = "", most: int) -> list[str]:
        """Return the ids of profiles that stand, in the order of their ids, at most so many after one."""
        return await self.repository.ids(after=after, most=most)

    async def require(self, ref: CustomerRef) -> Profile:
        """Return the profile of whoever is meant.

        Raises:
            NotFound: UNKNOWN_CUSTOMER.
        """
        profile = await self.find(ref)
        if profile is None:
            raise NotFound(
                f"no customer is known by this {ref.type}; check how it is written. A customer is known from their first event on",
                code="UNKNOWN_CUSTOMER",
            )
        return profile

    async def get(self, profile_id: str, *, keep: bool = True) -> Profile | None:
        """Return a profile by its own id or a former one; what lags behind is folded first, see `find`."""
        return await self._current(await self.repository.get_one_or_none(profile_id), keep=keep)

    async def _current(self, found: tuple[Header, Profile | None] | None, *, keep: bool) -> Profile | None:
        """Return the profile that what was found has become: merges followed, and folded if it lags behind."""
        for _ in range(MOST_HOPS):
            if found is None:
                return None
            header, profile = found
            if header.merged_into is not None:
                found = await self.repository.get_one_or_none(header.merged_into)
            elif outdated(header, self.snapshot()):
                return await (self._refreshed(header.id) if keep else self._peeker.profile(header))
            else:
                return profile
        return None

    async def open_reviews(self, profile: Profile, *, most: int) -> tuple[Review, ...]:
        """Return what waits for a decision whether this customer is another one too, newest first.

        Raises:
            Unavailable: the store does not answer.
        """
        return tuple(await self.repository.reviews.open_of(profile.facet_ids, most=most))

    async def get_many(self, profile_ids: Collection[str], *, keep: bool = True) -> dict[str, Profile]:
        """Return profiles by the ids they are asked for, as `get` would, reading and folding them together.

        `keep` as in `find`: what has to be folded is written down, or nothing is written at all.

        Raises:
            Unavailable: the store does not answer.
        """
        snapshot = self.snapshot()
        found = await self.repository.get_many(profile_ids)
        behind = [
            key
            for key, (header, _) in found.items()
            if header.merged_into is None and outdated(header, snapshot)
        ]
        if behind and keep:
            await self.projector.project(await self.repository.facets_by_id(behind))
            found |= await self.repository.get_many(behind)
        profiles: dict[str, Profile] = {}
        for key, (header, profile) in found.items():
            settled = profile
            if header.merged_into is not None or outdated(header, snapshot):
                settled = await self.get(
                    key, keep=keep
                )  # seldom: it was merged, or somebody is writing to it right now
            if settled is not None:
                profiles[key] = settled
        return profiles

    async def _refreshed(self, profile_id: str) -> Profile | None:
        """Fold a profile anew and return it; None where nothing was ever projected into it."""
        facet_ids = await self.repository.facet_ids_of(profile_id)
        await self.projector.project(dict.fromkeys(facet_ids, profile_id))
        found = await self.repository.get_one_or_none(profile_id)
        if found is None:
            return None
        header, profile = found
        return await self.get(header.merged_into) if header.merged_into is not None else profile

    async def timeline(
        self,
        profile: Profile,
        *,
        first: int,
        after: str | None = None,
        kinds: Collection[TimelineKind] | None = None,
    ) -> Page[TimelineEntry]:
        """Return what happened to a customer, newest first; cursors stay where they are when more happens.

        Args:
            profile: whose.
            first: how many, at most 200.
            after: the cursor of the entry behind which to go on.
            kinds: only these; None for all.

        Raises:
            InvalidInput: `first` or `after` is impossible.
        """
        before = parse_position(first, after)
        reads: list[Awaitable[Sequence[TimelineEntry]]] = [self._events(profile, first + 1, before, kinds)]
        if kinds is None or set(OPERATIONS.values()) & set(kinds):
            reads.append(self._operations(profile, first + 1, before, kinds))
        reads += [
            source.newest(profile, most=first + 1, before=before)
            for source in self._sources
            if kinds is None or set(source.kinds) & set(kinds)
        ]
        found = sorted(chain(*await asyncio.gather(*reads)), key=lambda one: (one.at, one.id), reverse=True)
        entries = [(position_of(entry), entry) for entry in found[: first + 1]]
        return page_of(entries, first=first, has_previous=before is not None)

    async def _events(
        self, profile: Profile, most: int, before: Position | None, kinds: Collection[TimelineKind] | None
    ) -> Sequence[TimelineEntry]:
        found = await self.events.newest(profile.facet_ids, most=most, before=before, kinds=kinds)
        snapshot = self.snapshot()
        return [entry_of(event, snapshot) for event in found]

    async def _operations(
        self, profile: Profile, most: int, before: Position | None, kinds: Collection[TimelineKind] | None
    ) -> Sequence[TimelineEntry]:
        ids = (profile.id, *profile.former_ids)
        wanted = [of for of, kind in OPERATIONS.items() if kinds is None or kind in kinds]
        found = await self.repository.operations.newest(ids, most=most, before=before, kinds=wanted)
        return [entry_of_operation(operation, profile.id) for operation in found]

    def needs(self, profile: Profile, snapshot: CatalogueSnapshot, at: datetime) -> tuple[NeedState, ...]:
        """Return what purchases have done to the customer's needs; see `hub.profiles.needs`."""
        return needs_module.needs(profile, snapshot, at)
