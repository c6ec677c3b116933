import asyncio
import contextlib
import gc
import time
from dataclasses import replace

import httpx
import numpy as np
import pytest
from pymongo.uri_parser import parse_uri
from starlette.applications import Starlette

from hub.decisions.model import Channel, MixRequest
from hub.errors import InvalidInput, NotFound
from hub.kit.clock import FixedClock
from hub.layers.base import Contribution
from hub.layers.guard import GuardedLayer
from hub.ledger.items import items_of
from hub.profiles.merge_model import ReviewState
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from hub.store.database import Store, connect, database_of
from hub.web.unsubscribe import routes
from tests.builders import NOW
from tests.channels.house import LAYERS
from tests.channels.hub import HISTORY, IDENTIFY, open_hub, shown, track

ROSA = CustomerRef("user_id", "rosa")


@pytest.fixture
async def hub(store, clock, settings):
    return await open_hub(store, clock, settings)


async def agree(hub, state=ConsentState.GRANTED, purpose=Purpose.EMAIL_MARKETING):
    await hub.control.set_consent(ROSA, purpose, None, state)


class TestServing:
    async def test_it_is_in_the_ledger_when_it_is_answered(self, hub):
        await hub.send(*HISTORY)
        for channel in (Channel.WEB, Channel.SERVICE_DESK):
            experience = await hub.assemble(channel=channel)
            served = await hub.ledger.get(experience.served_id)
            assert served.profile_id == (await hub.profiles.require(ROSA)).id
            assert served.channel == channel
            assert served.expires_at > served.at

    async def test_a_row_lists_what_its_body_tells_on_every_channel(self, hub):
        await hub.send(*HISTORY)
        await agree(hub)
        for channel, scenario in (
            (Channel.WEB, "home"),
            (Channel.EMAIL, "newsletter"),
            (Channel.SERVICE_DESK, "service"),
        ):
            experience = await hub.assemble(channel=channel, scenario=scenario)
            row = await hub.ledger.get(experience.served_id)
            assert row.listing is not None
            listed, read = items_of(row), items_of(replace(row, listing=None))
            assert listed
            for one, other in zip(listed, read, strict=True):
                assert (one.position, one.score, one.slot) == (other.position, other.score, other.slot)
                assert one.content.key == other.content.key
                assert one.content.title == other.content.title
                assert one.content.version == other.content.version
                assert one.content.price == other.content.price
                assert one.why.sentence == other.why.sentence
                assert one.why.contributions == other.why.contributions
            assert (row.html is not None) == (channel is Channel.EMAIL)

    async def test_somebody_unknown_gets_the_base_experience_and_nothing_is_made_of_them(self, hub):
        experience = await hub.assemble("nobody")
        assert shown(experience)
        assert experience.degraded is None
        assert experience.decision.profile_id is None
        assert (await hub.ledger.get(experience.served_id)).profile_id is None
        assert await hub.store.db["profiles"].count_documents({}) == 0

    async def test_an_agent_sees_what_was_served_on_the_other_channels(self, hub):
        await hub.send(*HISTORY)
        web = await hub.assemble()
        desk = await hub.assemble(channel=Channel.SERVICE_DESK, scenario="service")
        assert f"Last shown on the website today, first of all {shown(web)[0].content.title}." in desk.brief
        page = await hub.ledger.for_profile(await hub.profiles.require(ROSA))
        assert [s.id for s in page.nodes] == [desk.served_id, web.served_id]

    async def test_an_agent_is_told_of_an_open_complaint_and_review_until_they_are_settled(self, hub):
        def cautions(desk):
            return {note.code for note in desk.cautions} & {"OPEN_COMPLAINT", "MERGE_REVIEW"}

        await hub.send(*HISTORY, track("Complaint Opened", complaint_id="c1", subject="It arrived dry"))
        await hub.send({**IDENTIFY, "userId": "rosina"})
        for user, minded in (("rosa", {"OPEN_COMPLAINT", "MERGE_REVIEW"}), ("rosina", {"MERGE_REVIEW"})):
            desk = await hub.assemble(user, channel=Channel.SERVICE_DESK, scenario="service")
            assert cautions(desk) == minded
        await hub.send(track("Complaint Closed", complaint_id="c1"))
        [review] = await hub.profiles.open_reviews(await hub.profiles.require(ROSA), most=5)
        await hub.profiles.repository.reviews.decide(
            review.id, ReviewState.REFUSED, at=hub.clock.now(), by="agent", reason=None
        )
        desk = await hub.assemble(channel=Channel.SERVICE_DESK, scenario="service")
        assert cautions(desk) == set()

    @pytest.mark.parametrize("channel", Channel)
    async def test_an_unknown_scenario_or_an_impossible_mix_is_refused_and_nothing_written(
        self, hub, channel
    ):
        before = await hub.dump()
        with pytest.raises(NotFound) as unknown:
            await hub.assemble(channel=channel, scenario="moon")
        assert unknown.value.kind == "UNKNOWN_SCENARIO"
        with pytest.raises(InvalidInput):
            await hub.assemble(channel=channel, mix=MixRequest(weights={"base": float("nan")}))
        assert await hub.dump() == before


class TestWithheld:
    async def refused(self, hub, code):
        message = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert message.withheld.code == code
        assert (message.served_id, message.html, message.to, message.headers) == (None, None, None, ())
        assert await hub.store.db["served"].count_documents({}) == 0

    async def test_without_consent(self, hub):
        await hub.send(IDENTIFY)
        await self.refused(hub, "NO_CONSENT")

    async def test_after_a_refusal(self, hub):
        await hub.send(IDENTIFY)
        await agree(hub)
        await agree(hub, ConsentState.DENIED)
        await self.refused(hub, "NO_CONSENT")

    async def test_without_an_address(self, hub):
        await hub.send(track("Product Viewed", product_id="rose"))
        await agree(hub)
        await self.refused(hub, "NO_ADDRESS")

    async def test_somebody_unknown(self, hub):
        message = await hub.assemble("nobody", Channel.EMAIL, "newsletter")
        assert message.withheld.code == "NO_ADDRESS"

    async def test_with_consent_and_an_address_it_goes_out(self, hub):
        await hub.send(IDENTIFY)
        await agree(hub)
        message = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert message.withheld is None
        assert message.to == "rosa@customers.example"
        assert (await hub.ledger.get(message.served_id)).html == message.html


class TestUnsubscribing:
    async def test_the_link_in_the_message_ends_the_messages(self, hub):
        await hub.send(IDENTIFY)
        await agree(hub)
        message = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        link = next(h.value for h in message.headers if h.name == "List-Unsubscribe").strip("<>")
        assert link in message.html
        assert link in message.text
        app = httpx.ASGITransport(Starlette(routes=routes(hub.control, hub.signer)))
        async with httpx.AsyncClient(transport=app) as client:
            tampered = await client.post(link[:-3] + "AAA", data={"List-Unsubscribe": "One-Click"})
            assert tampered.status_code == 400
            assert (await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")).withheld is None
            for _ in range(2):
                answer = await client.post(link, data={"List-Unsubscribe": "One-Click"})
                assert answer.status_code == 200
        withheld = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert withheld.withheld.code == "NO_CONSENT"
        consents = {c.purpose: c for c in (await hub.profiles.require(ROSA)).consents}
        assert consents[Purpose.EMAIL_MARKETING].state is ConsentState.DENIED
        assert consents[Purpose.EMAIL_MARKETING].source == "one_click_unsubscribe"


class TestRefusedPersonalization:
    async def test_nothing_personal_is_shown_or_said(self, hub):
        await hub.send(*HISTORY)
        await agree(hub, ConsentState.DENIED, Purpose.PERSONALIZATION)
        web = await hub.assemble()
        personal = {"interests", "session", "declared"}
        assert all(
            part.contribution == 0
            for item in shown(web)
            for part in item.why.contributions
            if part.layer in personal
        )
        desk = await hub.assemble(channel=Channel.SERVICE_DESK, scenario="service")
        assert "NO_PERSONALIZATION" in [c.code for c in desk.cautions]


class Broken:
    name, version, title, description = "interests", 1, "Broken", "Raises."

    def score(self, view, candidates, moment):
        raise ZeroDivisionError


class NotANumber(Broken):
    def score(self, view, candidates, moment):
        return Contribution(np.full(len(candidates), np.nan))


class Slow(Broken):
    def score(self, view, candidates, moment):
        time.sleep(1)
        return Contribution(np.zeros(len(candidates)))


@pytest.mark.parametrize("layer", [Broken(), NotANumber(), Slow()], ids=["raises", "NaN", "late"])
@pytest.mark.parametrize("channel", [Channel.WEB, Channel.EMAIL, Channel.SERVICE_DESK])
async def test_a_plug_in_that_fails_costs_no_channel_its_page(store, clock, settings, layer, channel):
    """As `load_layers` loads what is not ours: in a thread of its own, with a limit."""
    guarded = GuardedLayer(layer)
    hub = await open_hub(store, clock, settings, {**LAYERS, "interests": guarded})
    await hub.send(IDENTIFY)
    await agree(hub)
    experience = await hub.assemble(channel=channel)
    assert (experience.withheld, experience.degraded.code) == (None, "LAYER_FAILED")
    assert "interests" in experience.degraded.message
    assert "interests" not in experience.decision.mix.weights
    assert shown(experience)
    assert (await hub.ledger.get(experience.served_id)).channel == channel


class Mute:
    name, version, title, description = "interests", 1, "Mute", "Says nothing."

    def score(self, view, candidates, moment):
        return Contribution(np.zeros(len(candidates)))


async def test_a_layer_that_breaks_costs_its_own_part_and_not_the_page(store, clock, settings):
    hub = await open_hub(store, clock, settings, {**LAYERS, "interests": Broken()})
    experience = await hub.assemble()
    assert experience.degraded.code == "LAYER_FAILED"
    assert shown(experience)
    played = set(experience.decision.mix.weights)
    assert played == set(experience.decision.scenario.mix.weights) - {"interests"}
    assert {"base", "session", "declared", "needs"} <= played
    assert experience.served_id is not None
    healthy = await open_hub(store, clock, settings, {**LAYERS, "interests": Mute()}, seed=False)
    assert (await healthy.assemble()).degraded is None


class Line:
    """A line to the store that can be cut (connections die, new ones are refused) or blocked (nothing moves)."""

    def __init__(self, host: str, port: int) -> None:
        self.target, self.blocked = (host, port), asyncio.Event()
        self.writers, self.serving = set(), set()
        self.blocked.set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.blocked.set()
        await self.cut()
        await asyncio.gather(*self.serving, return_exceptions=True)

    async def cut(self):
        self.server.close()
        for writer in list(self.writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self.serving.add(asyncio.current_task())
        ends = [writer]
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
            ends.append(far_writer)
            self.writers.update(ends)
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            for each in ends:
                each.close()
                with contextlib.suppress(ConnectionError):
                    await each.wait_closed()

    async def _pump(self, reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await self.blocked.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
async def far(store, clock, settings, mongodb_uri):
    """A hub whose line to the store can be cut or blocked, half a second patient."""
    hub = await open_hub(store, clock, settings)
    await hub.send(*HISTORY)
    await agree(hub)
    parsed = parse_uri(mongodb_uri)
    host, port = parsed["nodelist"][0]
    who = f"{parsed['username']}:{parsed['password']}@" if parsed["username"] else ""
    async with Line(host, port) as line:
        uri = f"mongodb://{who}127.0.0.1:{line.port}/?directConnection=true&authSource=admin"
        async with connect(uri) as client:
            distant = Store(client, database_of(client, settings.database))
            patient = replace_settings(settings, store_deadline=0.5)
            opened = await open_hub(distant, FixedClock(NOW), patient, seed=False)
            await opened.assemble()
            yield opened, line
            line.blocked.set()
    gc.collect()  # so that what the driver left behind is told of here and in no other test


def replace_settings(settings, **given):
    return settings.model_copy(update=given)


# PyMongo leaves a socket to the garbage collector when it is cancelled while connecting
# (pymongo.pool_shared._async_create_connection closes it on OSError alone), which the deadline does here.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", ["cut", "blocked"])
class TestStoreGone:
    async def fail(self, line, fault):
        if fault == "cut":
            await line.cut()
        else:
            line.blocked.clear()

    async def test_a_shopper_gets_the_base_experience_in_time_and_marked(self, far, fault):
        hub, line = far
        await self.fail(line, fault)
        for channel in (Channel.WEB, Channel.SERVICE_DESK):
            began = time.perf_counter()
            experience = await hub.assemble(channel=channel)
            assert time.perf_counter() - began < 1.5
            assert experience.degraded.code == "STORE_UNAVAILABLE"
            assert experience.served_id is None
            assert shown(experience)
            assert experience.decision.profile_id is None

    async def test_a_message_waits_since_consent_cannot_be_known(self, far, fault):
        hub, line = far
        await self.fail(line, fault)
        message = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert message.withheld.code == "TRY_AGAIN"
        assert (message.served_id, message.html) == (None, None)


class StuckLedger:
    """A ledger that reads and never writes."""

    def __init__(self, ledger):
        self._ledger = ledger

    @property
    def beside(self):
        return self._ledger.beside

    def expect(self, profile_id, told, asked_at):
        pass

    async def latest(self, profile, *, most):
        return await self._ledger.latest(profile, most=most)

    async def record(self, served):
        await asyncio.sleep(60)


class TestLedgerCannotWrite:
    @pytest.fixture
    async def hub(self, store, clock, settings):
        opened = await open_hub(store, clock, replace_settings(settings, store_deadline=0.5))
        await opened.send(*HISTORY)
        await agree(opened)
        opened.experiences._ledger = StuckLedger(opened.ledger)
        return opened

    async def test_the_page_is_shown_and_says_that_it_was_not_counted(self, hub):
        for channel in (Channel.WEB, Channel.SERVICE_DESK):
            experience = await hub.assemble(channel=channel)
            assert (experience.served_id, experience.degraded.code) == (None, "NOT_RECORDED")
            assert experience.decision.profile_id is not None
            assert shown(experience)

    async def test_a_message_that_could_not_be_recorded_is_not_handed_out(self, hub):
        message = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert message.withheld.code == "TRY_AGAIN"
        assert (message.served_id, message.html, message.headers) == (None, None, ())
        assert replace(message, withheld=None).to is None
