"""Nobody is shown a second toilet seat: simulated journeys over all channels, with an oracle of its own.

A journey is a customer's events in the Segment spec, in some order and now and then sent twice, which
become facets, a profile, a view, a decision and an experience on every channel, by the hub's own code.
The oracle keeps its own book of purchases and refunds, and shares no code with the gates.

The short run is part of every test run; `make prove` runs ten thousand journeys.
"""

import random
from datetime import timedelta

import pytest

from hub.catalogue.model import Content, Need, NeedPattern
from hub.channels.slots import slots_of
from hub.consent.gate import admit
from hub.decisions.decide import decide
from hub.decisions.model import Channel, MixRequest
from hub.decisions.shelf import arrange
from hub.events.segment import parse
from hub.kit.clock import isoformat
from hub.layers.mix import resolve
from hub.layers.registry import own_layers
from hub.profiles.facets import join_all, project
from hub.profiles.fold import fold
from hub.profiles.knowledge import SnapshotKnowledge
from hub.profiles.model import CustomerRef, LinkedFacet
from tests.builders import NOW, make_content, make_scenario, make_snapshot

LAYERS = {layer.name: layer for layer in own_layers()}
SHORT, LONG = 150, 10_000
LOOKS = 3  # instants at which each customer is looked at, on every channel
NEEDS = {
    "seats": Need(NeedPattern.DURABLE, 3650.0),
    "kettles": Need(NeedPattern.DURABLE, 900.0),
    "rings": Need(NeedPattern.ONCE),
    "coffee": Need(NeedPattern.REPLENISHABLE, 30.0),
    "stamps": Need(NeedPattern.COLLECTIBLE),
    "bread": Need(NeedPattern.CONSUMABLE),
}
CONTENTS = [
    make_content(f"{sort}-{n}", title=f"{sort} number{n}", category=f"home/{sort}", need=need)
    for sort, need in NEEDS.items()
    for n in range(5)
]
BY_KEY = {content.key: content for content in CONTENTS}
SNAPSHOT = make_snapshot(CONTENTS, popularity={content.key: 0.5 for content in CONTENTS})
SHELF = arrange(SNAPSHOT)
SCENARIO = make_scenario()


class Labels:
    """Names nothing: labels play no part here."""

    def label(self, texts, weights, taken=()):
        return "things"


class Journey:
    """One customer's life with the shop, and the oracle's book of it."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.user = f"u{seed}"
        self.at = NOW - timedelta(days=self.draw.randint(30, 1500))
        self.messages: list[dict] = []
        self.orders: list[tuple[str, str, object]] = []  # order id, key, bought at
        self.hidden: set[str] = set()

    def step(self) -> None:
        self.at = min(self.at + timedelta(days=self.draw.expovariate(1 / 60)), NOW - timedelta(minutes=1))
        key = self.draw.choice(CONTENTS).key
        deed = self.draw.choices(["view", "buy", "refund", "hide", "add"], [5, 6, 2, 1, 2])[0]
        if deed == "buy":
            order = f"{self.user}-o{len(self.messages)}"
            self.orders.append((order, key, self.at))
            self.track("Order Completed", order_id=order, products=[{"product_id": key, "quantity": 1}])
        elif deed == "refund" and self.orders:
            order, key, _ = self.orders.pop(self.draw.randrange(len(self.orders)))
            named = self.draw.random() < 0.5
            products = {"products": [{"product_id": key, "quantity": 1}]} if named else {}
            self.track("Order Refunded", order_id=order, **products)
        elif deed == "hide":
            self.hidden.add(key)
            self.track("Feedback Given", kind="HIDE", content_key=key)
        else:
            self.track("Product Viewed" if deed != "add" else "Product Added", product_id=key)

    def track(self, event: str, **properties) -> None:
        self.messages.append(
            {
                "type": "track", "event": event, "userId": self.user,
                "messageId": f"{self.user}-{len(self.messages)}",
                "timestamp": isoformat(self.at), "properties": properties,
            }
        )  # fmt: skip

    def profile(self):
        sent = [*self.messages, *self.draw.sample(self.messages, min(2, len(self.messages)))]
        self.draw.shuffle(sent)  # late, and some of them twice
        facet = join_all([project(parse(m, received_at=NOW, source="test")) for m in sent])
        linked = LinkedFacet(
            id="fct", version=1, profile_id="prf", primary=CustomerRef("user_id", self.user), facet=facet
        )
        return fold("prf", 1, [linked], SnapshotKnowledge(SNAPSHOT, {}, Labels()))

    def must_not_see(self, at) -> set[str]:
        """What the oracle forbids at an instant, from its own book."""
        closed = set(self.hidden)
        for _, key, bought in self.orders:
            content: Content = BY_KEY[key]
            age = (at - bought).total_seconds() / 86_400
            need = content.need
            if need.pattern is NeedPattern.ONCE or (
                need.pattern is NeedPattern.DURABLE and age < (need.days or 0)
            ):
                closed |= {other.key for other in CONTENTS if other.category == content.category}
            elif need.pattern is NeedPattern.COLLECTIBLE or (
                need.pattern is NeedPattern.REPLENISHABLE and age < (need.days or 0)
            ):
                closed.add(key)
        return closed


def violations(count: int) -> tuple[int, int, int]:
    """Return how many items were shown that must not be, how many were shown, and how many were forbidden."""
    wrong = shown = forbidden = 0
    for seed in range(count):
        journey = Journey(seed)
        for _ in range(journey.draw.randint(3, 25)):
            journey.step()
        profile = journey.profile()
        request = MixRequest(
            stretch=journey.draw.choice([None, None, 0.5]), diversity=journey.draw.choice([None, None, 0.7])
        )
        mix = resolve(
            SCENARIO.mix,
            MixRequest(
                weights=dict.fromkeys(LAYERS, 1.0), stretch=request.stretch, diversity=request.diversity
            ),
            LAYERS,
        )
        for look in range(LOOKS):
            at = NOW + timedelta(days=look * journey.draw.choice([0.0, 10.0, 400.0]))
            closed = journey.must_not_see(at)
            for channel in Channel:
                view = admit(profile, SNAPSHOT, channel=channel.value, at=at).view
                decision = decide(view, SHELF, SCENARIO, mix, LAYERS)
                assert decision.degraded is None
                keys = [item.content.key for slot in slots_of(decision, channel) for item in slot.items]
                keys += [content.key for content in decision.ranking.contents]
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
def test_nobody_in_ten_thousand_journeys():
    assert violations(LONG)[0] == 0
