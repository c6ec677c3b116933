"""What groups of customers have in common: counted, large enough not to tell of persons, and known everywhere."""

from dataclasses import replace

import pytest

from embeddings.cache import CachedEncoder
from hub.catalogue.audience import LEAST
from hub.catalogue.model import Segment
from hub.catalogue.repository import CatalogueRepository
from hub.catalogue.service import CatalogueService
from hub.profiles import audience
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from tests.profiles.rooms import WordsEncoder, make_rooms, track

SCOTS = Segment(key="scots", title="our Scottish friends", rule={"trait": "visit_country", "is": "SC"})


@pytest.mark.mongod
class TestAudience:
    async def people(self, rooms, count, *, country, seen, campaign="spring", prefix="u"):
        for number in range(count):
            user = f"{prefix}{number}"
            message = track("Product Viewed", user, product_id=seen)
            message["context"] = {"campaign": {"name": campaign}, "location": {"country": country}}
            await rooms.send(message)

    async def test_counts_segments_and_ways_of_coming(self, store, clock):
        rooms = make_rooms(store, clock)
        rooms.snapshot = replace(rooms.snapshot, segments=(SCOTS,))
        await self.people(rooms, LEAST, country="SC", seen="climbing-rose")
        await self.people(rooms, LEAST - 1, country="IE", seen="rye-bread", prefix="v")
        assert await audience.refresh(store, rooms.snapshot, clock)
        assert not await audience.refresh(store, rooms.snapshot, clock)

        catalogue = CatalogueService(store, CachedEncoder(WordsEncoder()), clock)
        await catalogue.refresh()
        known = catalogue.snapshot.audience
        assert known.everybody.members == 2 * LEAST - 1
        assert set(known.groups) == {"segment:scots", "visit_country=SC", "campaign=spring"}
        scots = known.groups["segment:scots"]
        assert (scots.members, dict(scots.categories)) == (LEAST, {"garden/roses": LEAST})
        assert scots.hints == {"visit_country=SC": LEAST, "campaign=spring": LEAST}

    async def test_another_process_follows_them(self, store, clock):
        rooms = make_rooms(store, clock)
        other = CatalogueService(store, CachedEncoder(WordsEncoder()), clock)
        await CatalogueRepository(store.db).announce(clock.now())
        await other.refresh()
        await self.people(rooms, LEAST, country="SC", seen="climbing-rose")
        assert await audience.refresh(store, rooms.snapshot, clock)
        await other.refresh()
        assert other.snapshot.audience.groups["visit_country=SC"].members == LEAST

    async def test_goes_on_where_a_profile_waits_to_be_folded(self, store, clock):
        rooms = make_rooms(store, clock)
        await self.people(rooms, LEAST, country="SC", seen="climbing-rose")
        await store.db["profiles"].insert_one(
            {"_id": "prf_zz", "version": 1, "facet_ids": ["fct_zz"], "stale": True}
        )
        assert await audience.refresh(store, rooms.snapshot, clock)

    async def test_leaves_out_who_refused(self, store, clock):
        rooms = make_rooms(store, clock)
        await self.people(rooms, LEAST, country="SC", seen="climbing-rose")
        await rooms.control.set_consent(
            CustomerRef("user_id", "u0"), Purpose.PERSONALIZATION, None, ConsentState.DENIED
        )
        before = await rooms.require("u0")
        tallies = audience.Tallies(rooms.snapshot, clock.now())
        tallies.add(before)
        refused = any(c.state.value == "DENIED" for c in before.consents)
        assert refused
        assert tallies.document()["groups"] == []
        assert tallies._groups[""].members == 0
