"""Laws 1, 5, 7, 8 and 9 at scale: whatever is asked, in whatever order, the house speaks with one voice.

A turn draws a customer of the demo house (or a stranger), a scenario, an instant, a mix and a question; looks at
it as a preview on one channel, then has it served on all three at one instant, and asks the question. Now and
then something is bought or looked at (and the event sent twice), and twenty times the configuration changes:
prices, claims, offers, answers, scenarios. What was said is held against a book of what was true at the time:

    1  every channel shows a part of one ranking; price, claim, offer and answer have one version everywhere
    5  an event sent twice counts once; what was acknowledged as served is in the ledger
    7  a preview changes nothing
    8  the books of the offers balance, and no budget or cap is exceeded
    9  every served id gives the bytes that were served, after all those changes and twenty more

The short run is part of every test run; `make prove` makes more than 20,000 calls and replays more than 10,000 rows.
"""

import hashlib
import html
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import structlog

from hub.app import open_services
from hub.channels.body import body_of
from hub.channels.slots import eligible, slots_of
from hub.channels.words import price
from hub.config import Settings
from hub.decisions.model import Channel, MixRequest
from hub.demo.histories import messages
from hub.demo.house import load_house
from hub.demo.personas import load_personas
from hub.demo.play import install
from hub.kit.clock import FixedClock, isoformat
from hub.kit.money import Money
from hub.profiles.model import CustomerRef
from hub.store.database import Store
from hub.store.migrate import migrate
from resolvers.context import Services

SHORT, LONG = 24, 3_700  # turns
CHANGES = 20
SCENARIOS = (
    "home", "newsletter", "service", "welcome_back", "guided_choice", "expected_and_unexpected", "people_like_me",
    "gift_for_a_friend", "in_control",
)  # fmt: skip
MIXES = (
    MixRequest(), MixRequest(), MixRequest(mute=("interests",)), MixRequest(solo=("base",)),
    MixRequest(weights={"needs": 3.0, "discovery": 1.0}),
)  # fmt: skip
QUESTIONS = (
    "how do I send something back?", "can I return this?", "where is my parcel", "do you deliver on saturdays",
    "is the toilet seat solid oak", "what is the capital of Australia", "my cat does not like the food",
    "how long does delivery take", "can I change my order", "are your candles vegan",
)  # fmt: skip


class Voice:
    """A hub under test, and the book of what it said."""

    def __init__(self, services: Services, store: Store, clock: FixedClock, seed: int) -> None:
        self.services, self.store, self.clock = services, store, clock
        self.draw = random.Random(seed)
        self.people = [CustomerRef("user_id", p.user_id) for p in load_personas()]
        self.people.append(CustomerRef("anonymous_id", "somebody-never-seen"))
        self.keys = [content.key for content in load_house().contents]
        self.calls = 0
        self.served: dict[str, str] = {}  # id -> SHA-256 of the bytes
        self.said: dict[tuple[str, ...], Any] = {}  # what, under which catalogue -> what was said of it
        self.promised: dict[str, Any] = {}  # grant id -> the promise
        self.told: Counter[str] = Counter()

    async def turn(self, number: int) -> None:
        self.clock.instant += timedelta(minutes=self.draw.randint(1, 30))
        ref, scenario = self.draw.choice(self.people), self.draw.choice(SCENARIOS)
        mix = self.draw.choice(MIXES)
        if self.draw.random() < 0.3:
            await self.event(number)
        preview = await self.look(ref, scenario, mix, unchanged=number % 12 == 0)
        rankings = {tuple((c.key, c.version) for c in preview.decision.ranking.contents)}
        for channel in self.draw.sample(list(Channel), len(Channel)):
            experience = await self.assemble(ref, channel, scenario, mix)
            rankings.add(tuple((c.key, c.version) for c in experience.decision.ranking.contents))
            assert experience.decision.configuration_version == preview.decision.configuration_version
            assert experience.decision.removed == preview.decision.removed
            self.listen(experience, channel)
        assert len(rankings) == 1, f"turn {number}: channels rank differently"
        await self.ask()

    async def assemble(self, ref: CustomerRef, channel: Channel, scenario: str, mix: MixRequest) -> Any:
        self.calls += 1
        experience = await self.services.experiences.assemble(
            ref, channel=channel, scenario=scenario, mix=mix
        )
        if experience.withheld is None:
            assert experience.served_id is not None, experience.degraded
            self.served[experience.served_id] = hashlib.sha256(body_of(experience)).hexdigest()
        self.told[experience.withheld.code if experience.withheld else "SERVED"] += 1
        assert experience.decision.degraded is None
        return experience

    async def look(self, ref: CustomerRef, scenario: str, mix: MixRequest, *, unchanged: bool) -> Any:
        """Preview at this instant, and at another one, on channels drawn."""
        before = await self.trace() if unchanged else None
        elsewhen = self.clock.now() + timedelta(days=self.draw.randint(-40, 60))
        for at in (elsewhen, None):
            self.calls += 1
            channel = self.draw.choice(list(Channel))
            experience = await self.services.experiences.assemble(
                ref, channel=channel, scenario=scenario, mix=mix, preview=True, at=at
            )
            assert experience.served_id is None
            self.listen(experience, channel, at_now=at is None)
        if before is not None:
            assert await self.trace() == before, "a preview changed something"
        return experience

    async def trace(self) -> Any:
        """A hash of the whole database but for served bodies, which are counted."""
        names = [n for n in await self.store.db.list_collection_names() if n not in {"served", "embeddings"}]
        hashes = await self.store.db.command("dbHash", collections=sorted(names))
        return hashes["collections"], await self.store.db["served"].count_documents({})

    def listen(self, experience: Any, channel: Channel, *, at_now: bool = True) -> None:
        """Hold what is said against the book."""
        decision, version = experience.decision, self.services.catalogue.snapshot.version
        shown = sorted(
            (item for slot in slots_of(decision, channel) for item in slot.items), key=lambda i: i.position
        )
        contents = decision.ranking.contents
        for item in shown:
            assert contents[item.position - 1] is item.content
            assert eligible(item.content, channel)
        for content in contents:
            self.same(("content", version, content.key), (content.version, content.price, content.claims))
        for claim in decision.claims:
            self.same(("claim", version, decision.voice, claim.key), (claim.version, claim.text))
        for grant in decision.grants:
            promise = (grant.code, grant.offer, grant.profile_id, grant.expires_at)
            assert self.promised.setdefault(grant.id, promise) == promise
        held = {grant.offer.key for grant in decision.grants}
        for offer in decision.offers:
            if offer.key not in held:  # not promised yet: it is the offer as it is defined now
                self.same(("offer", version, offer.key), (offer.version, offer.title, offer.terms))
        if channel is Channel.EMAIL and experience.withheld is None and at_now:
            words = html.unescape(experience.html)
            for item in shown:
                if item.content.price is not None:
                    assert price(item.content.price) in words
            assert all(claim.text in words for claim in decision.claims[:3])

    def same(self, what: tuple[str, ...], said: Any) -> None:
        assert self.said.setdefault(what, said) == said, what

    async def ask(self) -> None:
        """The same question gets the same answer and version, whoever asks for whichever channel."""
        question = self.draw.choice(QUESTIONS)
        self.calls += 1
        result = await self.services.answers.answer(question, at=self.clock.now())
        answer = (
            None if result.answer is None else (result.answer.key, result.answer.version, result.answer.text)
        )
        self.same(("answer", self.services.catalogue.snapshot.version, question), (answer, result.confidence))

    async def event(self, number: int) -> None:
        """Something is looked at or bought, and the message arrives twice."""
        user = self.draw.choice(self.people[:-1]).value
        key = self.draw.choice(self.keys)
        products = [{"product_id": key, "quantity": 1}]
        bought = self.draw.random() < 0.2
        message = {
            "type": "track",
            "userId": user,
            "messageId": f"turn-{number}",
            "timestamp": isoformat(self.clock.now()),
            "event": "Order Completed" if bought else "Product Viewed",
            "properties": {"order_id": f"o-{number}", "products": products}
            if bought
            else {"product_id": key},
        }
        first = await self.services.ingest.record([message], source="test")
        again = await self.services.ingest.record([message], source="test")
        assert (first.accepted, again.accepted, again.duplicates) == (1, 0, 1)
        self.told["EVENT"] += 1

    async def change(self, number: int) -> None:
        """Change the configuration in five ways; what is said from now on is said of a new catalogue."""
        catalogue, house = self.services.catalogue, load_house()
        chosen = self.draw.sample([c for c in house.contents if c.price is not None], 5)
        await catalogue.put_contents(
            [
                replace(c, price=Money(c.price.amount + Decimal(number + 1), c.price.currency))
                for c in chosen
                if c.price is not None
            ],
            keep_faulty=True,
        )
        facts = self.draw.choice(house.brand_facts)
        claims = tuple(
            replace(c, text=f"{c.text} ({number})", version=c.version + number + 1) for c in facts.claims
        )
        await catalogue.put_brand_facts([replace(facts, claims=claims)])
        offer = self.draw.choice(house.offers)
        await catalogue.put_offers([replace(offer, terms=f"{offer.terms} Edition {number}.")])
        answer = self.draw.choice(house.answers)
        await catalogue.put_answers([replace(answer, text=f"{answer.text} ({number})")])
        await self.store.db["scenarios"].update_one(
            {"_id": self.draw.choice(SCENARIOS)},
            {"$inc": {"version": 1}, "$set": {"mix.weights.base": 0.1 * (number + 1)}},
        )
        self.services.scenarios.forget()
        await catalogue.refresh()
        await self.services.answers.prepare(self.clock.now())

    async def settle(self, changes: int) -> None:
        """Everything that was said, once more, after further changes."""
        for number in range(changes, 2 * changes):
            await self.change(number)
        ids = list(self.served)
        replayed = 0
        for start in range(0, len(ids), 100):
            rows = await self.services.ledger.known(ids[start : start + 100])
            for served_id, row in rows.items():
                assert hashlib.sha256(row.body).hexdigest() == self.served[served_id], served_id
                replayed += 1
        assert replayed == len(self.served)
        assert await self.store.db["served"].count_documents({}) == len(self.served)
        report = await self.services.ledger.verify()
        assert report.faults == ()
        assert await self.services.offers.audit() == ()
        await self.no_cap_is_exceeded()
        sent = await self.store.db["events"].count_documents({"_id": {"$regex": "^turn-"}})
        assert sent == self.told["EVENT"]

    async def no_cap_is_exceeded(self) -> None:
        offers = {offer.key: offer for offer in load_house().offers}
        held: Counter[tuple[str, str]] = Counter()
        async for grant in self.store.db["grants"].find({}, {"profile_id": 1, "offer_key": 1}):
            held[grant["profile_id"], grant["offer_key"]] += 1
        for (_, key), count in held.items():
            most = offers[key].per_person
            assert most is None or count <= most
        granted = Counter[str]()
        for (_, key), count in held.items():
            granted[key] += count
        assert granted
        assert all(
            offers[key].most_grants is None or n <= offers[key].most_grants for key, n in granted.items()
        )


@pytest.fixture
async def voice(settings: Settings, store: Store, clock: FixedClock) -> AsyncIterator[Voice]:
    await migrate(store.db)
    patient = settings.model_copy(update={"store_deadline": 60.0, "log_level": "error"})
    async with open_services(patient, clock=clock) as (services, _auth, _signer, opened):
        await install(services)
        await services.catalogue.refresh()
        told = [m for p in load_personas() for m in messages(p, load_house().content, clock.now())]
        for start in range(0, len(told), 500):
            receipt = await services.ingest.record(told[start : start + 500], source="test")
            assert receipt.rejected == ()
        await services.answers.prepare(clock.now())
        yield Voice(services, opened, clock, seed=2026)
        await services.ledger.close()
        await services.offers.issuer.close()


@pytest.mark.parametrize("turns", [SHORT, pytest.param(LONG, marks=pytest.mark.prove)])
async def test_the_house_speaks_with_one_voice(voice: Voice, turns: int) -> None:
    changes = CHANGES if turns == LONG else 4
    for number in range(turns):
        if number % (turns // changes) == 0:
            await voice.change(number * changes // turns)
        await voice.turn(number)
    await voice.settle(changes)
    assert voice.told["SERVED"] == len(voice.served)
    structlog.get_logger().info("spoken", calls=voice.calls, replayed=len(voice.served), **voice.told)
    if turns == LONG:
        assert voice.calls >= 10_000
        assert len(voice.served) >= 10_000
