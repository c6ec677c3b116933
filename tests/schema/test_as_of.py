"""A customer as of a moment, over GraphQL: what an agent needs who is asked why something was shown last month."""

from datetime import timedelta

from hub.auth.model import Scope
from hub.kit.clock import isoformat
from tests.builders import NOW
from tests.schema.conftest import identify, track

READ = """query($by: CustomerRef!, $at: DateTime) { customer(by: $by, at: $at) { traits { key value } } }"""


async def read(house, days_ago, **how):
    at = None if days_ago is None else isoformat(NOW - timedelta(days=days_ago))
    return await house.data(READ, {"by": {"userId": "asof"}, "at": at}, by=Scope.AGENT, **how)


async def test_traits_are_those_that_had_been_told(house):
    await house.services.ingest.record(
        [
            identify("asof", days_ago=20, city="Lund"),
            {**identify("asof", days_ago=5, city="Ghent"), "messageId": "i-asof-2"},
        ],
        source="test",
    )
    for days_ago, city in ((None, "Ghent"), (2, "Ghent"), (10, "Lund")):
        found = (await read(house, days_ago))["customer"]
        assert {"key": "city", "value": city} in found["traits"], days_ago
    assert (await read(house, 25))["customer"] is None


async def test_the_future_is_refused(house):
    asked = {"by": {"userId": "asof"}, "at": isoformat(NOW + timedelta(days=1))}
    assert await house.refusal(READ, asked, by=Scope.AGENT) == "INVALID_INPUT"


async def test_it_is_for_agents_alone(house):
    asked = {"by": {"userId": "asof"}, "at": isoformat(NOW - timedelta(days=1))}
    assert await house.refusal(READ, asked, by=Scope.RENDERER) == "FORBIDDEN"


async def test_it_writes_nothing(house):
    await track_one(house)
    names = ("events", "facets", "profiles", "identities", "served")
    before = [await house.rows(name) for name in names]
    await read(house, 1)
    assert [await house.rows(name) for name in names] == before


async def track_one(house):
    message = track("Product Viewed", "asof-view", 3, {"product_id": "rose"}, userId="asof")
    await house.services.ingest.record([message], source="test")
