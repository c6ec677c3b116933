"""Who may watch whom, and until when."""

import asyncio

from hub.auth.model import Scope
from hub.profiles.model import CustomerRef
from tests.schema.conftest import track, watching
from tests.serving.conftest import until

WATCH = "subscription($by: CustomerRef!) { customerChanged(by: $by) { version displayName } }"


async def refused(house, whom, **how):
    """Return the code and the argument of a refusal."""
    async with watching(house, {"by": whom}, query=WATCH, **how) as told:
        (error,) = (await told())["errors"]
        assert await told() == {}
    return error["extensions"]["code"], error["extensions"].get("argument")


class TestAccess:
    async def test_an_agent_watches_anybody_by_any_name(self, house):
        await house.person("anybody")
        profile = await house.services.profiles.require(CustomerRef("user_id", "anybody"))
        for by in ({"userId": "anybody"}, {"email": "ANYBODY@example.com"}, {"id": profile.id}):
            async with watching(house, {"by": by}, query=WATCH, by=Scope.AGENT) as told:
                assert (await told())["data"]["customerChanged"]["version"] == profile.version

    async def test_a_front_end_watches_the_customer_of_its_token(self, house):
        async with watching(
            house, {"by": {"email": "ada@example.com"}}, query=WATCH, by=Scope.BROWSE, customer="ada"
        ) as told:
            assert (await told())["data"]["customerChanged"]["displayName"] == "Ada"

    async def test_and_nobody_else(self, house):
        for by in ({"userId": "bob"}, {"userId": "never-seen"}, {"anonymousId": "visitor-1"}):
            assert await refused(house, by, by=Scope.BROWSE, customer="ada") == ("FORBIDDEN", ["by"])

    async def test_without_a_token_it_watches_nobody(self, house):
        code, _ = await refused(house, {"anonymousId": "visitor-1"}, by=Scope.BROWSE)
        assert code == "FORBIDDEN"

    async def test_other_keys_watch_nobody(self, house):
        for scope in (Scope.INGEST, Scope.RENDERER):
            assert (await refused(house, {"userId": "ada"}, by=scope))[0] == "FORBIDDEN"

    async def test_somebody_never_seen(self, house):
        assert await refused(house, {"userId": "never-seen"}) == ("UNKNOWN_CUSTOMER", ["by"])

    async def test_a_name_that_cannot_be_one(self, house):
        code, argument = await refused(house, {"email": "nonsense"})
        assert code == "INVALID_INPUT"
        assert argument[0] == "by"


class TestUntilWhen:
    async def test_a_front_end_stays_with_its_customer_when_two_are_split(self, house):
        await house.person("splitter")
        await house.person("other")
        splitter, other = (CustomerRef("user_id", name) for name in ("splitter", "other"))
        await house.services.merges.merge(splitter, [other], by="ann")
        how = {"query": WATCH, "by": Scope.BROWSE, "customer": "splitter"}
        async with watching(house, {"by": {"userId": "other"}}, **how) as told:
            await told()
            await house.services.merges.split(splitter, [other], by="ann")
            seen = (await told())["data"]["customerChanged"]
            own = await house.services.profiles.require(splitter)
            while seen["version"] != own.version:
                seen = (await told())["data"]["customerChanged"]
        theirs = await house.services.profiles.require(other)
        assert own.id != theirs.id

    async def test_a_token_that_ends_is_told_no_more(self, house):
        await house.person("leaver")
        how = {"query": WATCH, "by": Scope.BROWSE, "customer": "leaver"}
        before = house.services.clock.instant
        try:
            async with watching(house, {"by": {"userId": "leaver"}}, **how) as told:
                await told()
                house.services.clock.instant = before.replace(year=before.year + 1)
                event = track("Product Viewed", "l1", 0, {"product_id": "mug-1"}, userId="leaver")
                await house.services.ingest.record([event], source="test")
                answer = await told()
        finally:
            house.services.clock.instant = before
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_TOKEN"]

    async def test_who_leaves_frees_the_place_at_once(self, house):
        async with watching(house, {"by": {"userId": "ada"}}, query=WATCH) as told:
            await told()
            assert house.services.watches.open == 1
        await until(lambda: house.services.watches.open == 0)

    async def test_the_erased_complete_the_stream(self, house):
        await house.person("forgotten")
        async with watching(house, {"by": {"userId": "forgotten"}}, query=WATCH) as told:
            await told()
            erasing = asyncio.create_task(
                house.services.privacy.erasures.erase(
                    CustomerRef("user_id", "forgotten"), requested_by="test"
                )
            )
            assert await told() == {}
            await erasing
