"""What runs out comes back when it does, though nobody told the hub how long it lasts: a simulated shop.

Each item has a true interval that is written nowhere, each customer a rate of their own, and each gap its chance;
one purchase in twenty is made elsewhere. A third of the shop is bought at no rhythm at all. The hub learns from
orders before NOW; then each customer buys once more, and is looked at through the hub's own decisions until the item
is shown again. `pytest -m prove tests/prove/test_learned_intervals.py -s` prints the shares.
"""

import math
import random
import sys
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from hub.catalogue.intervals import learn_intervals
from hub.catalogue.model import NeedOrigin
from hub.consent.gate import admit
from hub.decisions.decide import decide
from hub.decisions.model import MixRequest
from hub.decisions.shelf import arrange
from hub.events.segment import parse
from hub.kit.clock import isoformat
from hub.layers.mix import resolve
from hub.layers.registry import own_layers
from hub.profiles.facets import join_all, project
from hub.profiles.fold import fold
from hub.profiles.knowledge import SnapshotKnowledge
from hub.profiles.model import CustomerRef, LinkedFacet, Profile
from hub.profiles.needs import lasting_days
from tests.builders import NOW, make_content, make_scenario, make_snapshot

LAYERS = {layer.name: layer for layer in own_layers()}
SCENARIO = make_scenario()
MIX = resolve(SCENARIO.mix, MixRequest(), LAYERS)
DAY = timedelta(days=1)
HISTORY = 400.0  # days
RATES, CHANCE, ELSEWHERE = 0.2, 0.1, 0.05  # spreads of logarithms, and a share of purchases
WITHIN = 0.2
SHORT, LONG = 12, 60  # items; four customers of each are looked at


class Labels:
    """Names nothing: labels play no part here."""

    def label(self, texts: Any, weights: Any, taken: Any = ()) -> str:
        return "things"


@dataclass
class Shop:
    """Items with their hidden intervals, and everybody's purchases of them: customer -> item -> instants."""

    items: int
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    true: dict[str, float] = field(default_factory=dict)
    bought: dict[str, dict[str, list[datetime]]] = field(default_factory=dict)
    gaps: dict[tuple[str, str], float] = field(default_factory=dict)  # the next one, after NOW

    def open(self) -> None:
        for number in range(self.items):
            key = f"item-{number}"
            if number % 3:
                self.true[key] = math.exp(self.chance.uniform(math.log(10), math.log(75)))
            for one in range(24):
                self._live(f"{key}-{one}", key)

    def _live(self, user: str, key: str) -> None:
        rate = math.exp(self.chance.gauss(0, RATES))
        at = NOW - timedelta(days=HISTORY - self.chance.random() * 30)
        made = []
        while at < NOW:
            if self.chance.random() > ELSEWHERE or not made:
                made.append(at)
            at += self._gap(key, rate) * DAY
        self.bought.setdefault(user, {})[key] = made
        self.gaps[user, key] = self._gap(key, rate)

    def _gap(self, key: str, rate: float) -> float:
        if key not in self.true:
            return math.exp(self.chance.gauss(math.log(40), 1.0))
        return self.true[key] * rate * math.exp(self.chance.gauss(0, CHANCE))


def profile_of(user: str, orders: dict[str, list[datetime]], snapshot: Any) -> Profile:
    facet = join_all(
        [
            project(
                parse(
                    {
                        "type": "track", "event": "Order Completed", "userId": user,
                        "messageId": f"{user}-{key}-{n}", "timestamp": isoformat(at),
                        "properties": {"products": [{"product_id": key, "quantity": 1}]},
                    },
                    received_at=NOW,
                    source="test",
                )
            )
            for key, times in orders.items()
            for n, at in enumerate(times)
        ]
    )  # fmt: skip
    linked = LinkedFacet(
        id="fct", version=1, profile_id="prf", primary=CustomerRef("user_id", user), facet=facet
    )
    return fold("prf", 1, [linked], SnapshotKnowledge(snapshot, {}, Labels()))  # type: ignore[arg-type]


def simulate(items: int) -> dict[str, float]:
    """Return shares: of items whose learned interval, and of returns that, are within a fifth of what is true."""
    shop = Shop(items)
    shop.open()
    lines = [
        (user, key, at) for user, mine in shop.bought.items() for key, times in mine.items() for at in times
    ]
    last = max(at for *_, at in lines)
    learned = learn_intervals(
        [user for user, *_ in lines],
        [key for _, key, _ in lines],
        np.array([(last - at) / DAY for *_, at in lines]),
        {},
    )
    contents = [make_content(f"item-{n}", title=f"Item number{n}") for n in range(items)]
    snapshot = make_snapshot(contents, intervals=learned)
    shelf = arrange(snapshot)
    by_key = {content.key: content for content in snapshot.contents}
    rhythmic = [key for key in shop.true if by_key[key].need.origin is NeedOrigin.LEARNED]
    right = [key for key in rhythmic if abs((by_key[key].need.days or 0) / shop.true[key] - 1) <= WITHIN]
    as_learned, as_needed, looked = 0, 0, 0
    for key in rhythmic:
        for one in range(4):
            user = f"{key}-{one}"
            orders = {key: [*shop.bought[user][key], NOW]}
            profile = profile_of(user, orders, snapshot)

            def shown(day: float, profile: Profile = profile, key: str = key) -> bool:
                view = admit(profile, snapshot, channel="WEB", at=NOW + day * DAY).view
                ranked = decide(view, shelf, SCENARIO, MIX, LAYERS).ranking.contents
                return any(content.key == key for content in ranked)

            assert not shown(0.5)
            back = bisect_left(range(1, 400), True, key=shown) + 1
            interval = lasting_days(by_key[key].need, profile.owned[key]) or 0
            looked += 1
            as_learned += abs(back / interval - 1) <= WITHIN
            as_needed += abs(back / shop.gaps[user, key] - 1) <= WITHIN
    return {
        "rhythms found": len(rhythmic) / len(shop.true),
        "rhythms imagined": sum(
            content.need.origin is NeedOrigin.LEARNED for content in snapshot.contents if content.key not in shop.true
        ) / (items - len(shop.true)),
        "learned interval within a fifth of the true one": len(right) / len(rhythmic),
        "back within a fifth of the learned interval": as_learned / looked,
        "back within a fifth of the customer's next need": as_needed / looked,
    }  # fmt: skip


def check(found: dict[str, float]) -> None:
    for name, share in found.items():
        sys.stdout.write(f"{share:7.1%}  {name}\n")
    assert found["rhythms found"] >= 0.9
    assert found["rhythms imagined"] == 0
    assert found["learned interval within a fifth of the true one"] >= 0.9
    assert found["back within a fifth of the learned interval"] >= 0.9
    assert found["back within a fifth of the customer's next need"] >= 0.8


def test_what_runs_out_comes_back_within_a_fifth_of_the_learned_interval() -> None:
    check(simulate(SHORT))


@pytest.mark.prove
def test_in_a_larger_shop() -> None:
    check(simulate(LONG))
