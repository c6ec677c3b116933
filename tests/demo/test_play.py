"""Installing the house and playing the histories: done twice, killed and done again, and refused."""

from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette

from hub.auth.model import Scope
from hub.auth.repository import KeyRepository
from hub.auth.service import AuthService
from hub.auth.tokens import Signer
from hub.catalogue.putting import PutResult
from hub.catalogue.service import CatalogueService
from hub.demo import play as playing
from hub.demo.histories import messages
from hub.demo.house import load_house
from hub.demo.personas import load_personas
from hub.demo.play import install, persona_ids, play
from hub.errors import InvalidInput, Unavailable
from hub.profiles.segments import segments_of
from hub.web.ingest import routes
from tests.builders import NOW, make_snapshot
from tests.catalogue.conftest import DrawnEncoder
from tests.profiles.rooms import Rooms, make_rooms

URL = "http://hub.test"


@dataclass
class Services:
    catalogue: CatalogueService


class Flaky(httpx.AsyncBaseTransport):
    """Passes on to a hub, but fails the requests whose numbers are given: before or after the hub took them."""

    def __init__(self, inner, *, lost_before=(), lost_after=(), busy=()):
        self.inner, self.asked = inner, 0
        self.lost_before, self.lost_after, self.busy = set(lost_before), set(lost_after), set(busy)

    async def handle_async_request(self, request):
        self.asked += 1
        if self.asked in self.busy:
            return httpx.Response(503, json={"detail": "the store cannot answer now"})
        if self.asked in self.lost_before:
            raise httpx.ConnectError("nobody there")
        response = await self.inner.handle_async_request(request)
        if self.asked in self.lost_after:
            raise httpx.ReadError("gone")
        return response


class Killed(BaseException):
    """What a process that is killed does not come back from."""


@dataclass
class Hub:
    rooms: Rooms
    app: Starlette
    key: str

    @property
    def transport(self):
        return httpx.ASGITransport(self.app)

    async def play(self, *, transport=None, on_progress=None, key=None, later=timedelta()):
        async with httpx.AsyncClient(transport=transport or self.transport) as client:
            self.rooms.clock.instant += later
            return await play(URL, key or self.key, self.rooms.clock.now(), on_progress, client=client)


@pytest.fixture
async def hub(store, clock):
    house = load_house()
    rooms = make_rooms(store, clock, make_snapshot(house.contents, facts=house.brand_facts))
    auth = AuthService(KeyRepository(store.db), Signer(b"s" * 32, clock), clock)
    key = await auth.create_key(Scope.INGEST, "demo")
    return Hub(rooms, Starlette(routes=routes(rooms.ingest, auth.authenticate)), key)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(playing, "FIRST_PAUSE", 0.001)


def everything(now):
    content = load_house().content
    return [m for persona in load_personas() for m in messages(persona, content, now)]


class TestInstall:
    async def test_a_second_time_changes_nothing(self, store, clock):
        services = Services(CatalogueService(store, DrawnEncoder(), clock))
        house = load_house()
        report = await install(services)
        assert report.contents == PutResult(added=len(house.contents))
        assert report.answers == PutResult(added=60)
        assert report.offers == PutResult(added=12)
        assert report.brand_facts == PutResult(added=2)
        assert report.segments == PutResult(added=6)
        version = services.catalogue.snapshot.version
        again = await install(services)
        assert again.contents == PutResult(unchanged=len(house.contents))
        assert again.answers == PutResult(unchanged=60)
        assert again.offers == PutResult(unchanged=12)
        assert again.brand_facts == PutResult(unchanged=2)
        assert again.segments == PutResult(unchanged=6)
        assert services.catalogue.snapshot.version == version
        assert "approved answers: 0 added, 0 changed, 60 as before" in str(again)

    async def test_what_was_put_is_what_the_snapshot_holds(self, store, clock):
        services = Services(CatalogueService(store, DrawnEncoder(), clock))
        await install(services)
        snapshot = services.catalogue.snapshot
        assert {c.key: c for c in snapshot.contents} == dict(load_house().content)
        assert snapshot.house_brand == "thrushcombe"
        broken = {snapshot.contents[row].key: rule for row, rule in snapshot.brand_faults.items()}
        assert broken == dict.fromkeys(("cheap-and-cheerful-pots", "tea-nettle-spring"), "forbidden_word")


class TestPlay:
    async def test_every_message_is_taken_and_each_customer_is_told_of(self, hub):
        told = []
        report = await hub.play(on_progress=told.append)
        expected = everything(hub.rooms.clock.now())
        assert (report.personas, report.accepted, report.duplicates) == (12, len(expected), 0)
        assert (await hub.rooms.counts())["events"] == len(expected)
        assert [line.split()[1].rstrip(":") for line in told] == persona_ids()
        assert told[0].startswith("1/12 persona-ada: ")
        assert str(report) == f"12 customers: {len(expected)} events taken, 0 known already"

    async def test_a_second_time_some_days_later_changes_nothing(self, hub):
        first = await hub.play()
        before = await hub.rooms.counts()
        tom = await hub.rooms.require("persona-tom")
        again = await hub.play(later=timedelta(days=2, hours=5))
        assert (again.accepted, again.duplicates) == (0, first.accepted)
        assert await hub.rooms.counts() == before
        assert (await hub.rooms.require("persona-tom")).version == tom.version

    async def test_a_run_that_was_killed_is_completed_by_the_next(self, hub):
        def die(line):
            if line.startswith("5/"):
                raise Killed

        with pytest.raises(Killed):
            await hub.play(on_progress=die)
        expected = everything(hub.rooms.clock.now())
        assert 0 < (await hub.rooms.counts())["events"] < len(expected)
        report = await hub.play(later=timedelta(minutes=3))
        assert report.accepted + report.duplicates == len(expected)
        assert report.duplicates > 0
        assert (await hub.rooms.counts())["events"] == len(expected)

    async def test_lost_connections_and_a_busy_hub_are_tried_again_and_nothing_counts_twice(
        self, hub, impatient
    ):
        transport = Flaky(hub.transport, lost_before=(1, 9), lost_after=(3, 12), busy=(5, 6))
        report = await hub.play(transport=transport)
        expected = everything(hub.rooms.clock.now())
        assert report.accepted + report.duplicates == len(expected)
        assert report.duplicates > 0  # what the hub took while its answer was lost
        assert (await hub.rooms.counts())["events"] == len(expected)

    async def test_a_hub_that_never_answers_is_given_up_with_a_sentence(self, hub, impatient):
        transport = Flaky(hub.transport, lost_before=range(1, 100))
        with pytest.raises(Unavailable, match=r"does not take the demo's events: nobody there"):
            await hub.play(transport=transport)
        assert transport.asked == playing.ATTEMPTS
        assert (await hub.rooms.counts())["events"] == 0

    async def test_a_key_that_the_hub_does_not_know_is_refused_at_once(self, hub):
        with pytest.raises(InvalidInput, match="the hub refused the demo's events"):
            await hub.play(key="no-such-key")
        assert (await hub.rooms.counts())["events"] == 0

    async def test_an_answer_that_is_no_json_is_told_by_its_status(self):
        async with httpx.AsyncClient(
            transport=httpx.MockTransport(lambda _: httpx.Response(404, text="?"))
        ) as client:
            with pytest.raises(InvalidInput, match="HTTP 404"):
                await play(URL, "key", NOW, client=client)

    async def test_a_message_that_the_hub_rejects_is_not_passed_over(self):
        def reject_one(request):
            return httpx.Response(
                200,
                json={"success": True, "accepted": 1, "duplicates": 0, "rejected": [{"code": "TOO_LONG"}]},
            )

        async with httpx.AsyncClient(transport=httpx.MockTransport(reject_one)) as client:
            with pytest.raises(InvalidInput, match="TOO_LONG"):
                await play(URL, "key", NOW, client=client)


class TestProfiles:
    """That the hub understands the histories as they were meant."""

    async def test_the_past_of_a_visitor_belongs_to_who_signed_in(self, hub):
        await hub.play()
        viktor = await hub.rooms.require("persona-viktor")
        visitor = await hub.rooms.require("demo-device-viktor", "anonymous_id")
        assert viktor.id == visitor.id
        assert {"catfood-dry-kitten", "new-kitten-week-one"} <= {s.content_key for s in viktor.recent}

    async def test_segments_hold_whom_they_are_meant_for(self, hub):
        await hub.play()
        segments = load_house().segments
        hub.rooms.snapshot = replace(hub.rooms.snapshot, segments=segments)
        members = {segment.key: set() for segment in segments}
        for who in persona_ids():
            for key in segments_of(await hub.rooms.require(who), hub.rooms.snapshot, hub.rooms.clock.now()):
                members[key].add(who.removeprefix("persona-"))
        assert members == {
            "coffee_regulars": {"grace"},
            "first_home": {"nell"},
            "gardeners": {"ada", "henry", "oskar", "ruth"},
            "gold": {"ada"},
            "missed": {"ines"},
            "pet_club": {"grace", "oskar"},
        }

    async def test_what_was_returned_is_not_owned(self, hub):
        await hub.play()
        henry = await hub.rooms.require("persona-henry")
        assert henry.owned["lawn-feed-spring"].count == 1
        assert "mower-battery-34" not in henry.owned or henry.owned["mower-battery-34"].count == 0
        assert {key: str(kind) for key, kind in henry.feedback.items()} == {"mower-robot-quiet": "HIDE"}

    async def test_consents_and_the_cart_are_known(self, hub):
        await hub.play()
        leila, sam = await hub.rooms.require("persona-leila"), await hub.rooms.require("persona-sam")
        said = {str(c.purpose): str(c.state) for c in leila.consents}
        assert said["PERSONALIZATION"] == "DENIED"
        assert said["EMAIL_MARKETING"] == "GRANTED"
        assert set(sam.cart) == {"chair-heron-reading", "floorlamp-arc-black", "blanket-herringbone"}
        assert sam.display_name == "Sam Okafor"
