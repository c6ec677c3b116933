"""Grants that are read along with a profile are those that would be read alone."""

import pytest

from hub.profiles.beside import Along
from hub.profiles.model import CustomerRef
from tests.channels.house import OFFER
from tests.channels.hub import IDENTIFY, open_hub, track

ROSA, NOBODY = CustomerRef("user_id", "rosa"), CustomerRef("user_id", "nobody")


@pytest.fixture
async def hub(store, clock, settings):
    hub = await open_hub(store, clock, settings)
    await hub.send(IDENTIFY)
    return hub


async def held(hub, ref):
    """Return where a customer stands by what is read along, and by reading alone."""
    offers, now = hub.catalogue.snapshot.offers, hub.clock.now()
    profile, documents = await hub.profiles.find_along(ref, hub.offers.beside)
    along = await hub.offers.standing(profile, offers, now, documents)
    return documents, along, await hub.offers.standing(profile, offers, now)


async def test_they_are_the_same(hub):
    profile = await hub.profiles.find(ROSA)
    await hub.offers.promise(profile, [OFFER], channel="WEB", at=hub.clock.now())
    documents, along, alone = await held(hub, ROSA)
    assert [document["profile_id"] for document in documents] == [profile.id]
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
    assert [document["profile_id"] for document in documents] == [visitor.id]
    assert along == alone
    assert set(along.live) == {OFFER.key}


async def test_where_the_profile_had_to_be_folded_first_they_are_left_to_be_read_alone(hub):
    await hub.store.db["profiles"].update_one({}, {"$set": {"stale": True}, "$inc": {"version": 1}})
    profile, documents = await hub.profiles.find_along(ROSA, hub.offers.beside)
    assert (profile.id, documents) == ((await hub.profiles.find(ROSA)).id, None)


async def test_nobody_brings_nothing(hub):
    assert await hub.profiles.find_along(NOBODY, hub.offers.beside) == Along(None)
