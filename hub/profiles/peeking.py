"""A profile as it would be, were it brought up to date: folded in memory, and nothing is written.

Previews read profiles this way (law 7): neither the fold nor what waits for it, neither a link between
visitor and user nor a vector of new words is kept. The next one who reads in earnest does that.
"""

from dataclasses import replace
from datetime import datetime

from hub.events.repository import ALL, EventRepository, StoredEvent
from hub.profiles.facets import project
from hub.profiles.fold import fold
from hub.profiles.joining import join_all
from hub.profiles.linking import Linker
from hub.profiles.model import Facet, Link, LinkedFacet, Profile
from hub.profiles.profile_codec import Header
from hub.profiles.projection import Projector, claims_of, joined
from hub.profiles.repository import ProfileRepository


class Peeker:
    """Looks at profiles without touching them."""

    def __init__(self, profiles: ProfileRepository, events: EventRepository, projector: Projector) -> None:
        self._profiles = profiles
        self._events = events
        self._projector = projector
        self._linker = Linker(profiles)

    async def profile(self, header: Header) -> Profile | None:
        """Return the profile that projecting and folding would give; None where there is nothing to fold.

        Args:
            header: of a profile that was not merged away.

        Raises:
            Unavailable: the store does not answer.
        """
        facets, waiting = await self._read(header.id, header.id)
        claims = [claim for stored in waiting for claim in claims_of(stored, facets)]
        linked = await self._linker.foresee(claims, header.id) if claims else {}
        for visitor_id, claim in linked.items():
            more, events = await self._read(
                header.id, visitor_id, Link(claim.at, claim.message_id, visitor_id)
            )
            facets |= more
            waiting += events
        facets |= {facet.id: facet for facet in joined(waiting, facets)}
        if not facets:
            return None
        snapshot = self._projector.snapshot()
        known = await self._projector.knowledge(
            [linked.facet for linked in facets.values()], snapshot, keep=False
        )
        return fold(
            header.id,
            header.version + (2 if header.stale else 1),  # to begin folding what is stale makes a version too
            list(facets.values()),
            known,
            former_ids=sorted({*header.former_ids, *linked}),
        )

    async def as_of(self, profile: Profile, at: datetime) -> Profile | None:
        """Return the profile as what had happened by `at` makes it; None where nothing had.

        It is rebuilt from the events of all who are linked today, by when they happened and not by when the
        hub heard of them, so that a history that was imported later reads as it was lived.

        Raises:
            Unavailable: the store does not answer.
        """
        facets = []
        for linked in await self._profiles.facets_of([profile.id]):
            happened = [event for event in await self._events.of_facet(linked.id) if event.at <= at]
            if happened:
                facets.append(replace(linked, facet=join_all([project(event) for event in happened])))
        if not facets:
            return None
        snapshot = self._projector.snapshot()
        known = await self._projector.knowledge([linked.facet for linked in facets], snapshot, keep=False)
        return fold(profile.id, profile.version, facets, known, former_ids=profile.former_ids)

    async def _read(
        self, into: str, profile_id: str, link: Link | None = None
    ) -> tuple[dict[str, LinkedFacet], list[StoredEvent]]:
        """Return the facets of a profile, as they are or would be once linked, and what waits for them."""
        facets = {facet.id: facet for facet in await self._profiles.facets_of([profile_id])}
        awaited = set(await self._profiles.facet_ids_of(profile_id))
        elsewhere = await self._profiles.owners(awaited - facets.keys())
        waiting = await self._events.unprojected(facets.keys() | awaited - elsewhere.keys(), most=ALL)
        for stored in waiting:
            facets.setdefault(
                stored.facet_id,
                LinkedFacet(
                    id=stored.facet_id,
                    version=0,
                    profile_id=profile_id,
                    primary=stored.event.primary,
                    facet=Facet(),
                ),
            )
        if link is not None:
            facets = {
                key: replace(facet, profile_id=into, links=(*facet.links, link))
                for key, facet in facets.items()
            }
        return facets, waiting
