"""Nobody is shown a second toilet seat: simulated journeys over all channels, with an oracle of its own.

Two drives of the same journeys (`tests/prove/journeys.py`):

in memory          the hub's own parsing, facets, fold, consent gate, decision and slots, without a store; events
                   come late, in any order, and some of them twice; looked at at three instants, each admitted for
                   another channel, and the one decision presented on all of them
through the store  the hub's own services over a real MongoDB: each event is recorded as the ingest endpoint does,
                   and the very next experience, on a channel drawn by chance, is looked at, with its ledger row

Every test run lives a few; `make prove` lives ten thousand in memory and three hundred through the store, and
prints how long after an order and a refund was recorded the next page was there that heeds it.
"""

import time
from datetime import timedelta

import pytest

from hub.channels.model import Experience
from hub.channels.slots import slots_of
from hub.consent.gate import admit
from hub.decisions.decide import decide
from hub.decisions.model import Channel, Decision, MixRequest
from hub.decisions.shelf import arrange
from hub.events.segment import parse
from hub.layers.mix import resolve
from hub.layers.registry import own_layers
from hub.profiles.facets import join_all, project
from hub.profiles.fold import fold
from hub.profiles.identity import parse_ref
from hub.profiles.knowledge import SnapshotKnowledge
from hub.profiles.model import CustomerRef, LinkedFacet, Profile
from tests.builders import NOW, make_scenario, make_snapshot
from tests.channels.hub import Hub, open_hub
from tests.prove.journeys import CONTENTS, FACTS, Journey

LAYERS = {layer.name: layer for layer in own_layers()}
SHORT, LONG = 150, 10_000
FEW, MANY = 4, 300
SNAPSHOT = make_snapshot(CONTENTS, popularity={content.key: 0.5 for content in CONTENTS}, facts=FACTS)
SHELF = arrange(SNAPSHOT)
SCENARIO = make_scenario()


class Labels:
    """Names nothing: labels play no part here."""

    def label(self, texts, weights, taken=()):
        return "things"


def lived(seed: int) -> Journey:
    journey = Journey(seed)
    journey.begin()
    for _ in range(journey.draw.randint(3, 25)):
        journey.step()
    return journey


def profile_of(journey: Journey) -> Profile:
    """Fold what was sent, late and some of it twice: one facet for the browser, one for the name."""
    sent = [*journey.messages, *journey.draw.sample(journey.messages, min(2, len(journey.messages)))]
    journey.draw.shuffle(sent)
    linked = []
    for kind in ("userId", "anonymousId"):
        mine = [m for m in sent if (kind == "userId") == ("userId" in m)]
        if mine:
            facet = join_all([project(parse(m, received_at=NOW, source="test")) for m in mine])
            ref = (
                CustomerRef("user_id", journey.user) if kind == "userId" else CustomerRef("anonymous_id", "b")
            )
            linked.append(LinkedFacet(id=kind, version=1, profile_id="prf", primary=ref, facet=facet))
    return fold("prf", 1, linked, SnapshotKnowledge(SNAPSHOT, {}, Labels()))


def shown_by(decision: Decision, channel: Channel) -> list[str]:
    """Whatever stands in a slot or anywhere in the ranking."""
    keys = [item.content.key for slot in slots_of(decision, channel) for item in slot.items]
    return keys + [content.key for content in decision.ranking.contents]


def violations(count: int, first: int = 0) -> tuple[int, int, int]:
    """Return how many items were shown that must not be, how many were shown, and how many were forbidden."""
    wrong = shown = forbidden = 0
    for seed in range(first, first + count):
        journey = lived(seed)
        profile = profile_of(journey)
        dials = MixRequest(
            weights=dict.fromkeys(LAYERS, 1.0),
            stretch=journey.draw.choice([None, None, 0.5]),
            diversity=journey.draw.choice([None, None, 0.7]),
        )
        mix = resolve(SCENARIO.mix, dials, LAYERS)
        for look, admitted in enumerate(Channel):
            at = NOW + timedelta(days=look * journey.draw.choice([0.0, 10.0, 400.0]))
            closed = journey.must_not_see(at)
            view = admit(profile, SNAPSHOT, channel=admitted.value, at=at).view
            decision = decide(view, SHELF, SCENARIO, mix, LAYERS)
            assert decision.degraded is None
            for channel in Channel:
                keys = shown_by(decision, channel)
                wrong += sum(key in closed for key in keys)
                shown += len(keys)
                forbidden += len(closed)
    return wrong, shown, forbidden


def test_nobody_is_shown_what_a_purchase_has_closed():
    wrong, shown, forbidden = violations(SHORT)
    assert shown > 10 * SHORT
    assert forbidden > 10 * SHORT
    assert wrong == 0


@pytest.mark.prove
def test_nobody_in_ten_thousand_journeys(capsys):
    began = time.monotonic()
    wrong, shown, forbidden = violations(LONG)
    with capsys.disabled():
        print(  # noqa: T201 - the proof's own figures
            f"\n{LONG:,} journeys in memory, {len(Channel) * LONG:,} decisions on {len(Channel)} channels each: {shown:,} items shown, "
            f"{forbidden:,} forbidden, {wrong} violations; {time.monotonic() - began:.0f} s"
        )
    assert wrong == 0


async def stocked(store, clock, settings) -> Hub:
    """A hub over a real store, with this house's things."""
    hub = await open_hub(store, clock, settings, LAYERS, seed=False)
    await hub.catalogue.put_brand_facts(FACTS)
    await hub.catalogue.put_contents(CONTENTS)
    await hub.scenarios.seed()
    return hub


class Watch:
    """Looks at a customer's next page after each thing that happens, and keeps count."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.wrong = self.kept = self.pages = 0
        self.withheld: list[str] = []
        self.heeded: dict[str, list[float]] = {"Order Completed": [], "Order Refunded": []}

    async def live(self, seed: int) -> None:
        journey = Journey(seed)
        journey.begin()
        sent, before = 0, set()
        for _ in range(journey.draw.randint(3, 25)):
            deed = journey.step()
            self.hub.clock.instant = journey.at
            began = time.monotonic()
            messages, sent = journey.messages[sent:], len(journey.messages)
            receipt = await self.hub.ingest.record(messages, source="test")
            assert receipt.rejected == ()
            page = await self.look(journey)
            took = time.monotonic() - began
            before = self.judge(page, journey, before)
            if deed != "identify" and messages[-1]["event"] in self.heeded:
                self.heeded[messages[-1]["event"]].append(took)

    async def look(self, journey: Journey) -> Experience:
        channels = list(Channel) if journey.named else [Channel.WEB]
        kind, value = ("user_id", journey.user) if journey.named else ("anonymous_id", journey.browser)
        return await self.hub.experiences.assemble(
            parse_ref(kind, value), channel=journey.draw.choice(channels), scenario="home"
        )

    def judge(self, page: Experience, journey: Journey, before: set[str]) -> set[str]:
        """Count what is shown and must not be, and what is kept away and was given back; return what is closed."""
        assert page.decision.degraded is None
        self.pages += page.served_id is not None
        if page.withheld is not None:
            self.withheld.append(page.withheld.code)
        closed = journey.must_not_see(page.decision.at)
        self.wrong += sum(key in closed for key in shown_by(page.decision, page.channel))
        lifted = before - closed
        away = {
            r.content.key for r in page.decision.removed if r.gate == "suppression" and r.rule != "in_cart"
        }
        self.kept += len(lifted & away)
        return closed


async def watched(store, clock, settings, count: int) -> Watch:
    watch = Watch(await stocked(store, clock, settings))
    for seed in range(count):
        await watch.live(seed)
    assert watch.pages > 5 * count
    assert set(watch.withheld) <= {"NOTHING_TO_SHOW"}  # of a small shop one can have all that there is
    return watch


@pytest.mark.mongod
async def test_the_next_page_heeds_what_was_just_bought_or_sent_back(store, clock, settings):
    watch = await watched(store, clock, settings, FEW)
    assert (watch.wrong, watch.kept) == (0, 0)


@pytest.mark.prove
@pytest.mark.mongod
async def test_the_next_page_heeds_it_in_three_hundred_journeys(store, clock, settings, capsys):
    began = time.monotonic()
    watch = await watched(store, clock, settings, MANY)
    with capsys.disabled():
        slowest = ", ".join(
            f"{event} to the next page {max(took) * 1000:.0f} ms at most ({len(took)} times)"
            for event, took in watch.heeded.items()
        )
        print(  # noqa: T201 - the proof's own figures
            f"\n{MANY} journeys through the store, {watch.pages:,} pages served: {watch.wrong} violations, "
            f"{watch.kept} kept away though given back; {slowest}; {time.monotonic() - began:.0f} s"
        )
    assert (watch.wrong, watch.kept) == (0, 0)
    assert all(max(took) < 1 for took in watch.heeded.values())
