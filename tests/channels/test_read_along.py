"""Grants, and the end of the ledger's chain, that are read along with a profile are those that would be read alone."""

import pytest

from hub.ledger.service import LedgerService
from hub.profiles.beside import Along
from hub.profiles.model import CustomerRef
from tests.channels.house import OFFER
from tests.channels.hub import IDENTIFY, open_hub, track
from tests.ledger.test_ledger import served

ROSA, NOBODY = CustomerRef("user_id", "rosa"), CustomerRef("user_id", "nobody")


@pytest.fixture
async def hub(store, clock, settings):
    hub = await open_hub(store, clock, settings)
    await hub.send(IDENTIFY)
    return hub


async def held(hub, ref):
    """Return where a customer stands by what is read along, and by reading alone."""
    offers, now = hub.catalogue.snapshot.offers, hub.clock.now()
    profile, documents = await hub.profiles.find_along(ref, [hub.offers.beside])
    along = await hub.offers.standing(profile, offers, now, documents)
    return documents, along, await hub.offers.standing(profile, offers, now)


async def test_they_are_the_same(hub):
    profile = await hub.profiles.find(ROSA)
    await hub.offers.promise(profile, [OFFER], channel="WEB", at=hub.clock.now())
    documents, along, alone = await held(hub, ROSA)
    assert [document["profile_id"] for document in documents["grants"]] == [profile.id]
    assert along == alone
    assert set(along.live) == {OFFER.key}


async def test_those_of_a_visit_that_became_the_customer_are_among_them(hub):
    await hub.send(track("Product Viewed", product_id="rose") | {"userId": None, "anonymousId": "phone"})
    visitor = await hub.profiles.find(CustomerRef("anonymous_id", "phone"))
    await hub.offers.promise(visitor, [OFFER], channel="WEB", at=hub.clock.now())
    await hub.send({**IDENTIFY, "anonymousId": "phone", "messageId": "meet"})
    merged = await hub.profiles.find(ROSA)
    assert visitor.id in merged.former_ids
    documents, along, alone = await held(hub, ROSA)
    assert [document["profile_id"] for document in documents["grants"]] == [visitor.id]
    assert along == alone
    assert set(along.live) == {OFFER.key}


async def test_where_the_profile_had_to_be_folded_first_they_are_left_to_be_read_alone(hub):
    await hub.store.db["profiles"].update_one({}, {"$set": {"stale": True}, "$inc": {"version": 1}})
    profile, documents = await hub.profiles.find_along(ROSA, [hub.offers.beside])
    assert (profile.id, documents) == ((await hub.profiles.find(ROSA)).id, None)


async def test_nobody_brings_nothing(hub):
    assert await hub.profiles.find_along(NOBODY, [hub.offers.beside]) == Along(None)


class TestTheEndOfTheChain:
    async def test_it_is_the_last_row_of_the_customer_as_they_are_now(self, hub):
        for _ in range(3):
            await hub.assemble()
        profile, documents = await hub.profiles.find_along(ROSA, [hub.ledger.beside])
        last = await hub.store.db["served"].find_one({"profile_id": profile.id}, sort=[("seq", -1)])
        assert last["seq"] == 3
        assert documents["served"] == [{name: last[name] for name in ("seq", "hash", "expires_at")}]

    async def test_a_customer_who_was_served_nothing_has_none(self, hub):
        assert (await hub.profiles.find_along(ROSA, [hub.ledger.beside])).documents == {"served": []}

    async def test_it_is_found_by_its_index_however_many_rows_there_are(self, hub):
        for _ in range(5):
            await hub.assemble()
        steps = [
            {"$lookup": {"from": "served", "localField": "_id", "foreignField": "profile_id", "as": "end",
                         "pipeline": list(hub.ledger.beside.steps)}}
        ]  # fmt: skip
        told = await hub.store.db.command(
            "explain",
            {"aggregate": "profiles", "pipeline": steps, "cursor": {}},
            verbosity="executionStats",
        )
        lookup = next(stage for stage in told["stages"] if "$lookup" in stage)
        assert lookup["indexesUsed"] == ["chain"]
        assert lookup["totalDocsExamined"] <= 1

    async def test_the_row_follows_it_though_another_process_wrote_meanwhile(self, hub, monkeypatch):
        await hub.assemble()
        hub.ledger.forget()
        asked = []
        ends = hub.ledger._repository._ends
        monkeypatch.setattr(hub.ledger._repository, "_ends", lambda ids: (asked.append(ids), ends(ids))[1])
        await hub.assemble()
        assert asked == []  # it came along with the customer
        other = LedgerService(hub.store, hub.clock)
        profile = await hub.profiles.find(ROSA)
        await other.record(served(profile_id=profile.id))
        await hub.assemble()
        rows = await hub.store.db["served"].find({"profile_id": profile.id}).sort("seq", 1).to_list()
        assert [row["seq"] for row in rows] == [1, 2, 3, 4]
        assert asked == []
        assert (await hub.ledger.verify()).faults == ()
