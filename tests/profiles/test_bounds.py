"""What one visit can do to a profile, and how large a customer can grow: both within stated bounds."""

import random
from datetime import timedelta
from typing import Any

import pytest
from bson import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.kit.clock import isoformat
from hub.profiles import interests
from hub.profiles.facet_codec import facet_to_document
from hub.profiles.facets import MOST_BYTES, join, join_all, project
from hub.profiles.joining import (
    MOST_BOUGHT,
    MOST_FACTS,
    MOST_KEPT,
    MOST_OF_A_DAY,
    MOST_SAID,
    MOST_SIGNALS,
    ORDERED,
)
from hub.profiles.model import Facet, InterestKind, Profile, Signal, SignalKind, Stamp
from tests.builders import NOW
from tests.profiles.rooms import Rooms, track
from tests.profiles.strategies import parsed

LARGEST_DOCUMENT = 16 * 1024 * 1024  # bytes, of BSON


def weights(profile: Profile) -> dict[str, float]:
    """How heavy the long-term interest in each content's world is."""
    return {
        proof.content_key: one.weight
        for one in profile.interests
        if one.kind is InterestKind.LONG_TERM
        for proof in one.evidence
    }


class TestAHostileSession:
    """Somebody else at the screen, a child, a crawler: what they look at is not who the customer is."""

    async def visit(self, rooms: Rooms, name: str, times: int, **properties: Any) -> None:
        """So many events within the last half hour."""
        messages = [track(name, ago=n / 3_600 * 5, id=f"{name}{n}", **properties) for n in range(times)]
        await rooms.send(*messages)

    async def roses(self, rooms: Rooms, pieces: int = 6) -> float:
        """A past of so many carts with roses, a day each; returns what it weighs as seen from now."""
        for n in range(pieces):
            await rooms.track("Product Added", ago=24 * (n + 2), product_id="climbing-rose", id=f"past{n}")
        return sum(0.6 * 0.5 ** ((n + 2) / 45) for n in range(pieces))

    @pytest.mark.parametrize(
        ("name", "properties"),
        [
            ("Product Viewed", {"product_id": "desk-lamp"}),
            ("Product Added", {"product_id": "desk-lamp"}),
            ("Product Added to Wishlist", {"product_id": "desk-lamp"}),
            ("Products Searched", {"query": "desk lamp"}),
        ],
    )
    async def test_weighs_at_most_as_much_as_two_purchases(
        self, rooms: Rooms, name: str, properties: dict[str, Any]
    ) -> None:
        past = await self.roses(rooms)
        await self.visit(rooms, name, 340, **properties)
        share = weights(await rooms.require())["climbing-rose"]
        assert share == pytest.approx(past / (past + interests.HEAVIEST_DAY), abs=0.01)

    async def test_a_few_views_weigh_as_ever(self, rooms: Rooms) -> None:
        past = await self.roses(rooms)
        await self.visit(rooms, "Product Viewed", 3, product_id="desk-lamp")
        assert weights(await rooms.require())["climbing-rose"] == pytest.approx(past / (past + 0.6), abs=0.01)

    async def test_pushes_out_no_more_than_its_share_of_what_is_kept(self, rooms: Rooms) -> None:
        past = [
            track("Product Viewed", ago=24 * (2 + n), product_id="climbing-rose", id=f"past{n}")
            for n in range(MOST_SIGNALS)
        ]
        await rooms.send(*past)
        await self.visit(rooms, "Product Viewed", 340, product_id="desk-lamp")
        profile = await rooms.require()
        [facet] = await rooms.profiles.repository.facets_of([profile.id])
        kept = [signal.content_key for signal in facet.facet.signals]
        assert kept == ["climbing-rose"] * (MOST_SIGNALS - MOST_OF_A_DAY) + ["desk-lamp"] * MOST_OF_A_DAY

    async def test_feedback_of_one_day_does_not_drown_what_was_said_in_words(self, rooms: Rooms) -> None:
        await rooms.track("Preferences Set", ago=48, preferences={"likes": "roses"})
        said = [
            track("Feedback Given", ago=0.1, kind="MORE", content_key=key)
            for key in ("desk-lamp", "rye-bread", "rye-flour", "lily-bulb")
        ]
        await rooms.send(*said)
        profile = await rooms.require()
        roses = next(one for one in profile.interests if "roses" in {proof.text for proof in one.evidence})
        assert roses.weight >= 1 / (1 + interests.HEAVIEST_DAY) - 0.01

    async def test_what_was_ordered_counts_in_full(self, rooms: Rooms) -> None:
        past = await self.roses(rooms)
        products = [{"sku": "rye-bread"}, {"sku": "rye-flour"}, {"sku": "desk-lamp"}]
        await rooms.track("Order Completed", ago=0.1, products=products)
        assert weights(await rooms.require())["climbing-rose"] == pytest.approx(past / (past + 3), abs=0.01)


SIGNALS = st.builds(
    lambda hours, minute, kind, key: Signal(
        Stamp(NOW - timedelta(hours=hours, minutes=minute), f"m{minute}"), kind, key
    ),
    st.integers(0, 40),
    st.integers(0, 59),
    st.sampled_from([SignalKind.VIEWED, SignalKind.ADDED, SignalKind.PURCHASED]),
    st.sampled_from(["climbing-rose", "desk-lamp"]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(SIGNALS, min_size=60, max_size=400), st.randoms(use_true_random=False))
def test_the_cut_of_a_day_is_a_join(signals: list[Signal], chance: random.Random) -> None:
    whole = join_all([Facet(signals=(signal,)) for signal in signals])
    parts = [Facet(signals=(signal,)) for signal in signals]
    chance.shuffle(parts)
    one_by_one = Facet()
    for part in parts:
        one_by_one = join(one_by_one, part)
    place = chance.randrange(1, len(parts))
    halves = join(join_all(parts[:place]), join_all(parts[place // 2 :]))
    assert one_by_one == halves == whole == join(whole, whole)
    days = [signal.stamp.at.date() for signal in whole.signals if signal.kind not in ORDERED]
    assert max(map(days.count, days), default=0) <= MOST_OF_A_DAY


class TestAFlood:
    """A facet is one document; nobody may send more than it can take."""

    def flood(self) -> list[Facet]:
        """One of everything that makes a facet longer, as long as ingest lets it be, and more often than is kept."""
        name, text = "n" * 190, "é" * 4_000
        made = []
        for n in range(MOST_BOUGHT + 50):
            stamp = {"messageId": f"{n:05}{'m' * 250}", "timestamp": isoformat(NOW - timedelta(minutes=n))}
            key = f"{n:05}{'k' * 240}"
            told: list[dict[str, Any]] = [
                {"event": "Order Completed", "properties": {"order_id": key, "products": [{"sku": key}]}}
            ]
            if n < MOST_SAID + 50:
                told.append({"event": "Feedback Given", "properties": {"kind": "HIDE", "content_key": key}})
            if n < MOST_KEPT + 50:
                told += [
                    {"event": "Product Added", "properties": {"product_id": key}},
                    {"event": "Order Cancelled", "properties": {"order_id": key}},
                    {
                        "event": "Interest Corrected",
                        "properties": {
                            "interest_id": "i", "action": "RENAME", "label": "l" * 100, "subjects": [key * 2],
                        },
                    },
                ]  # fmt: skip
            if n < MOST_FACTS + 50:
                told.append(
                    {"event": "Preferences Set", "properties": {"preferences": {f"p{n}": text[:1_000]}}}
                )
                told.append(
                    {"type": "identify", "traits": {f"{n:05}{name}": text, "email": f"{n}@{name}.example"}}
                )
            made += [
                project(parsed({"type": "track", "userId": "mia", **stamp, **message})) for message in told
            ]
        return made

    def test_is_cut_to_what_a_document_can_hold(self) -> None:
        parts = self.flood()
        whole = join_all(parts)
        assert (len(whole.traits), len(whole.preferences)) == (MOST_FACTS, MOST_FACTS)
        assert (len(whole.feedback), len(whole.purchases)) == (MOST_SAID, MOST_BOUGHT)
        assert {len(one) for one in (whole.carts, whole.void_orders, whole.names)} == {MOST_KEPT}
        assert len(encode(facet_to_document(whole))) < LARGEST_DOCUMENT
        random.Random(3).shuffle(parts)
        assert join(join_all(parts[:5_000]), join_all(parts[4_000:])) == whole

    def test_keeps_what_was_said_last(self) -> None:
        whole = join_all(self.flood())
        assert max(fact.stamp.at for fact in whole.traits.values()) == NOW
        assert min(at for _, (_, (at, _)) in whole.feedback.items()) == NOW - timedelta(minutes=MOST_SAID - 1)

    async def test_a_trait_too_long_to_be_kept_is_in_its_event_alone(self, rooms: Rooms) -> None:
        await rooms.identify(city="Bath", story=["x" * 4_096] * 3, note="y" * (MOST_BYTES - 2))
        assert set((await rooms.require()).traits) == {"city", "note"}
        [event] = await rooms.profiles.events.of_facet((await rooms.require()).facet_ids[0])
        assert set(event.traits) == {"city", "note", "story"}
