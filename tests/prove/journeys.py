"""Customers' lives with a shop, drawn by chance, and an oracle that keeps a book of its own.

A journey is a list of messages in the Segment spec: looks, purchases of one or more pieces, for oneself and as
presents, returns of a line or of a whole order, cancelled orders, hidden items, baskets; begun without a name
in some lives and under one afterwards. The oracle knows what was bought and what came back, and what each
thing's need says; it shares no code with facets, folds and gates.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.catalogue.model import Content, Need, NeedPattern
from hub.kit.clock import isoformat
from tests.builders import NOW, make_content, make_facts

NEEDS = {
    "seats": Need(NeedPattern.DURABLE, 3650.0),
    "kettles": Need(NeedPattern.DURABLE, 900.0),
    "rings": Need(NeedPattern.ONCE),
    "coffee": Need(NeedPattern.REPLENISHABLE, 30.0),
    "stamps": Need(NeedPattern.COLLECTIBLE),
    "bread": Need(NeedPattern.CONSUMABLE),
}
# Of each sort five things: three of the house, two of its sister. What one sells closes the other's too.
CONTENTS = [
    make_content(
        f"{sort}-{n}",
        title=f"{sort} number{n}",
        category=f"home/{sort}",
        need=need,
        brand="house" if n < 3 else "sister",
    )
    for sort, need in NEEDS.items()
    for n in range(5)
]
FACTS = (
    make_facts("house", house=True, sender_email="hello@house.example", postal_address="1 Lane, Town"),
    make_facts("sister", name="The Sister"),
)
BY_KEY = {content.key: content for content in CONTENTS}
DEEDS = {"view": 5, "buy": 6, "several": 1, "present": 1, "refund": 2, "cancel": 1, "hide": 1, "add": 2}


@dataclass(slots=True)
class Line:
    """So many of one thing bought in one order, and when."""

    order: str
    key: str
    pieces: int
    at: datetime


@dataclass(slots=True)
class Journey:
    """One customer's life, and the oracle's book of it."""

    seed: int
    draw: random.Random = field(init=False)
    at: datetime = field(init=False)
    messages: list[dict[str, Any]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    named: bool = field(init=False)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.at = NOW - timedelta(days=self.draw.randint(30, 1500))
        self.named = self.draw.random() < 0.7

    @property
    def user(self) -> str:
        return f"u{self.seed}"

    @property
    def browser(self) -> str:
        return f"browser-{self.seed}"

    def begin(self) -> None:
        """Say who this is; who begins without a name gets one later."""
        if self.named:
            self._identify()

    def step(self) -> str:
        """Let some time pass and something happen; return what."""
        self.at = min(self.at + timedelta(days=self.draw.expovariate(1 / 60)), NOW - timedelta(minutes=1))
        if not self.named and self.draw.random() < 0.3:
            self.named = True
            self._identify()
            return "identify"
        deed = self.draw.choices(list(DEEDS), list(DEEDS.values()))[0]
        key = self.draw.choice(CONTENTS).key
        order = f"{self.user}-o{len(self.messages)}"
        if deed in {"buy", "several", "present"}:
            pieces = self.draw.randint(2, 3) if deed == "several" else 1
            present = {"gift": True} if deed == "present" else {}
            if not present:
                self.lines.append(Line(order, key, pieces, self.at))
            product = {"product_id": key, "quantity": pieces, **present}
            self.track("Order Completed", order_id=order, products=[product])
        elif deed == "refund" and self.lines:
            self._give_back(self.draw.choice(self.lines))
        elif deed == "cancel" and self.lines:
            line = self.draw.choice(self.lines)
            self.lines.remove(line)
            self.track("Order Cancelled", order_id=line.order)
        elif deed == "hide":
            self.hidden.add(key)
            self.track("Feedback Given", kind="HIDE", content_key=key)
        else:
            self.track("Product Added" if deed == "add" else "Product Viewed", product_id=key)
        return deed

    def _give_back(self, line: Line) -> None:
        if self.draw.random() < 0.4:  # the whole order, without naming what was in it
            self.lines.remove(line)
            self.track("Order Refunded", order_id=line.order)
            return
        back = self.draw.randint(1, line.pieces)
        line.pieces -= back
        if not line.pieces:
            self.lines.remove(line)
        self.track(
            "Order Refunded", order_id=line.order, products=[{"product_id": line.key, "quantity": back}]
        )

    def _identify(self) -> None:
        who = {"userId": self.user, "anonymousId": self.browser}
        self.say({"type": "identify", "traits": {"email": f"{self.user}@customers.example"}, **who})
        consent = {"purpose": "EMAIL_MARKETING", "state": "GRANTED"}
        self.track("Consent Preference Updated", **consent)

    def track(self, event: str, **properties: Any) -> None:
        who = {"userId": self.user} if self.named else {"anonymousId": self.browser}
        self.say({"type": "track", "event": event, "properties": properties, **who})

    def say(self, message: dict[str, Any]) -> None:
        self.messages.append(
            {"messageId": f"{self.user}-{len(self.messages)}", "timestamp": isoformat(self.at), **message}
        )

    def must_not_see(self, at: datetime) -> set[str]:
        """What the oracle forbids at an instant, from its own book."""
        closed = set(self.hidden)
        had = {line.key for line in self.lines}
        for key in had:
            content: Content = BY_KEY[key]
            last = max(line.at for line in self.lines if line.key == key)
            lasts = (at - last) < timedelta(days=content.need.days or 0)
            match content.need.pattern:
                case NeedPattern.ONCE:
                    closed |= self._like(content)
                case NeedPattern.DURABLE if lasts:
                    closed |= self._like(content)
                case NeedPattern.COLLECTIBLE:
                    closed.add(key)
                case NeedPattern.REPLENISHABLE if lasts:
                    closed.add(key)
        return closed

    @staticmethod
    def _like(content: Content) -> set[str]:
        return {other.key for other in CONTENTS if other.category == content.category}
