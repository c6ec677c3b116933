"""The demo's customers: that their file is understood, and that their histories are the same every time."""

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from hub.catalogue.model import Availability, NeedPattern
from hub.demo.histories import messages
from hub.demo.house import load_house
from hub.demo.personas import Step, load_personas, parse_ago, parse_step
from hub.errors import InvalidInput
from hub.events.names import HANDLED


@pytest.fixture(scope="module")
def content():
    return load_house().content


@pytest.fixture(scope="module")
def personas():
    return {persona.user_id.removeprefix("persona-"): persona for persona in load_personas()}


def tracked(persona, content, now, event):
    return [m for m in messages(persona, content, now) if m.get("event") == event]


def bought(persona, content, now):
    return {
        product["product_id"]
        for message in tracked(persona, content, now, "Order Completed")
        for product in message["properties"]["products"]
    }


class TestWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("12 days ago", timedelta(days=12)),
            ("1 days 3 hours ago", timedelta(days=1, hours=3)),
            ("20 minutes ago", timedelta(minutes=20)),
            ("1 hours 55 minutes ago", timedelta(hours=1, minutes=55)),
        ],
    )
    def test_a_time_is_read(self, text, expected):
        assert parse_ago(text) == expected

    @pytest.mark.parametrize(
        "text", ["", "ago", "yesterday", "12 days", "in 3 days", "3 hours 2 days ago", "-1 days ago"]
    )
    def test_what_is_no_time_is_refused(self, text):
        with pytest.raises(ValueError, match="is no time such as"):
            parse_ago(text)

    def test_a_step_is_read(self):
        assert parse_step("orders rose-arden x2, rose-food") == Step(
            "orders", items=(("rose-arden", 2), ("rose-food", 1))
        )
        assert parse_step("searches climbing rose, white") == Step("searches", words="climbing rose, white")

    @pytest.mark.parametrize(
        "text", ["", "views", "eats rose", "views a, b", "orders rose x0", "orders Rose!", "adds rose x"]
    )
    def test_what_is_no_step_is_refused(self, text):
        with pytest.raises(ValueError):  # noqa: PT011 - each has a sentence of its own
            parse_step(text)

    def test_a_file_that_is_wrong_is_refused_with_the_place(self):
        wrong = (
            '[[personas]]\nuser_id = "persona-x"\nstory = "s"\nlook_at = "l"\njoined = "soon"\ntraits = {}\n'
        )
        with pytest.raises(InvalidInput) as refused:
            load_personas(wrong)
        assert refused.value.path == ("personas.toml", "personas", 0, "joined")

    def test_a_field_that_nobody_knows_is_refused(self):
        wrong = '[[personas]]\nuser_id = "persona-x"\nstory = "s"\nlook_at = "l"\njoined = "1 days ago"\ntraits = {}\nmood = "fine"\n'
        with pytest.raises(InvalidInput) as refused:
            load_personas(wrong)
        assert refused.value.path == ("personas.toml", "personas", 0, "mood")

    def test_visits_before_joining_need_a_device(self):
        wrong = (
            '[[personas]]\nuser_id = "persona-x"\nstory = "s"\nlook_at = "l"\njoined = "1 days ago"\ntraits = {}\n'
            'visits = [{ at = "2 days ago", steps = ["views rug-jute-round"] }]\n'
        )
        with pytest.raises(InvalidInput, match="a device is needed"):
            load_personas(wrong)

    def test_what_is_no_toml_is_refused(self):
        with pytest.raises(InvalidInput):
            load_personas("[[personas")


class TestHistories:
    def test_there_are_a_dozen_people_with_addresses_that_reach_nobody(self, personas):
        assert len(personas) == 12
        addresses = [persona.traits["email"] for persona in personas.values()]
        assert len(set(addresses)) == 12
        assert all(address.endswith(("@example.com", ".example")) for address in addresses)

    def test_the_same_instant_gives_the_same_bytes(self, personas, content, clock):
        for persona in personas.values():
            once, again = (json.dumps(messages(persona, content, clock.now())) for _ in range(2))
            assert once == again

    def test_ids_do_not_depend_on_the_clock_and_are_unique(self, personas, content, clock):
        now, later = clock.now(), clock.now() + timedelta(days=3, minutes=7)
        seen = []
        for persona in personas.values():
            ids = [m["messageId"] for m in messages(persona, content, now)]
            assert ids == [m["messageId"] for m in messages(persona, content, later)]
            seen.extend(ids)
        assert len(seen) == len(set(seen)) > 200

    def test_they_are_told_oldest_first_and_none_lies_ahead(self, personas, content, clock):
        for persona in personas.values():
            times = [m["timestamp"] for m in messages(persona, content, clock.now())]
            assert times == sorted(times)
            assert times[-1] < clock.now().isoformat()

    def test_every_event_is_one_that_the_hub_acts_on(self, personas, content, clock):
        names = {
            m["event"] for p in personas.values() for m in messages(p, content, clock.now()) if "event" in m
        }
        assert names <= set(HANDLED)
        assert {
            "Product Viewed", "Product Added", "Order Completed", "Order Refunded", "Products Searched", "Article Read",
            "Feedback Given", "Preferences Set", "Consent Preference Updated",
        } <= names  # fmt: skip

    def test_an_order_says_prices_quantities_and_a_total_that_adds_up(self, personas, content, clock):
        for persona in personas.values():
            for order in tracked(persona, content, clock.now(), "Order Completed"):
                said = order["properties"]
                assert said["total"] == pytest.approx(
                    sum(p["price"] * p["quantity"] for p in said["products"])
                )
                assert said["currency"] == "GBP"

    def test_nobody_bought_what_cannot_be_had(self, personas, content, clock):
        gone = {Availability.OUT_OF_STOCK, Availability.DISCONTINUED, Availability.PREORDER}
        for persona in personas.values():
            assert {
                k for k in bought(persona, content, clock.now()) if content[k].availability in gone
            } == set()

    def test_meeting_what_the_house_does_not_have_is_refused(self, content, clock):
        (persona,) = load_personas(
            '[[personas]]\nuser_id = "persona-x"\nstory = "s"\nlook_at = "l"\njoined = "9 days ago"\ntraits = {}\n'
            'visits = [{ at = "2 days ago", steps = ["views unicorn"] }]\n'
        )
        with pytest.raises(InvalidInput, match="unicorn"):
            messages(persona, content, clock.now())

    def test_returning_what_was_never_ordered_is_refused(self, content, clock):
        (persona,) = load_personas(
            '[[personas]]\nuser_id = "persona-x"\nstory = "s"\nlook_at = "l"\njoined = "9 days ago"\ntraits = {}\n'
            'visits = [{ at = "2 days ago", steps = ["returns rug-jute-round"] }]\n'
        )
        with pytest.raises(InvalidInput, match="without having ordered it"):
            messages(persona, content, clock.now())


class TestStories:
    """What docs/demo.md promises of each."""

    def test_tom_bought_a_toilet_seat_within_two_days(self, personas, content, clock):
        last = tracked(personas["tom"], content, clock.now(), "Order Completed")[-1]
        assert [p["product_id"] for p in last["properties"]["products"]] == ["seat-oak-slow-close"]
        assert content["seat-oak-slow-close"].need.days == 3650
        assert last["timestamp"] > (clock.now() - timedelta(days=2)).isoformat()

    @pytest.mark.parametrize(
        ("who", "key"),
        [("grace", "beans-harbour-house"), ("grace", "catfood-dry-chicken"), ("ada", "rose-food-granules")],
    )
    def test_something_has_run_out(self, personas, content, clock, who, key):
        need = content[key].need
        orders = [
            m["timestamp"]
            for m in tracked(personas[who], content, clock.now(), "Order Completed")
            if key in {p["product_id"] for p in m["properties"]["products"]}
        ]
        assert need.pattern is NeedPattern.REPLENISHABLE
        assert orders[-1] < (clock.now() - timedelta(days=need.days)).isoformat()

    def test_henry_gave_the_mower_back_under_its_order(self, personas, content, clock):
        (back,) = tracked(personas["henry"], content, clock.now(), "Order Refunded")
        (order,) = tracked(personas["henry"], content, clock.now(), "Order Completed")
        assert [p["product_id"] for p in back["properties"]["products"]] == ["mower-battery-34"]
        assert back["properties"]["order_id"] == order["properties"]["order_id"]

    def test_the_collectors_own_many_of_a_kind_and_not_all(self, personas, content, clock):
        for who, category in (("mabel", "tableware/enamel-mugs"), ("ada", "garden/roses")):
            own = {k for k in bought(personas[who], content, clock.now()) if content[k].category == category}
            series = {c.key for c in content.values() if c.category == category}
            assert len(own) == 8
            assert own < series
            assert {content[k].need.pattern for k in series} == {NeedPattern.COLLECTIBLE}

    def test_sam_left_a_cart_and_ordered_nothing_of_it(self, personas, content, clock):
        history = messages(personas["sam"], content, clock.now())
        added = {m["properties"]["product_id"] for m in history if m.get("event") == "Product Added"}
        removed = {m["properties"]["product_id"] for m in history if m.get("event") == "Product Removed"}
        assert added - removed == {"chair-heron-reading", "floorlamp-arc-black", "blanket-herringbone"}
        assert bought(personas["sam"], content, clock.now()).isdisjoint(added)

    def test_ines_was_not_seen_for_most_of_a_year(self, personas, content, clock):
        last = messages(personas["ines"], content, clock.now())[-1]
        assert last["timestamp"] < (clock.now() - timedelta(days=270)).isoformat()

    def test_oskar_shops_in_both_houses(self, personas, content, clock):
        brands = [content[k].brand for k in bought(personas["oskar"], content, clock.now())]
        assert min(brands.count("thrushcombe"), brands.count("kitterby")) >= 5

    def test_nell_has_done_nothing_but_say_what_she_likes(self, personas, content, clock):
        history = messages(personas["nell"], content, clock.now())
        assert {m.get("event", m["type"]) for m in history} == {
            "identify", "Consent Preference Updated", "Preferences Set",
        }  # fmt: skip

    def test_viktor_was_a_device_before_he_was_a_name_and_never_agreed_to_email(
        self, personas, content, clock
    ):
        history = messages(personas["viktor"], content, clock.now())
        signed_in = next(i for i, m in enumerate(history) if m["type"] == "identify")
        assert signed_in >= 5
        assert all("userId" not in m for m in history[:signed_in])
        assert {m["anonymousId"] for m in history} == {"demo-device-viktor"}
        assert all(m["userId"] == "persona-viktor" for m in history[signed_in:])
        assert {c.purpose for c in personas["viktor"].consents} == {"PERSONALIZATION"}

    def test_leila_took_her_consent_to_personalization_back(self, personas):
        said = [c for c in personas["leila"].consents if c.purpose == "PERSONALIZATION"]
        assert [c.state for c in sorted(said, key=lambda c: c.at, reverse=True)] == ["GRANTED", "DENIED"]

    def test_ruth_buys_here_and_there(self, personas, content, clock):
        rooms = [content[k].category.split("/")[0] for k in bought(personas["ruth"], content, clock.now())]
        assert len(set(rooms)) >= 5


class TestTour:
    def test_the_tour_names_every_customer_and_no_other(self, personas):
        tour = (Path(__file__).parents[2] / "docs" / "demo.md").read_text(encoding="utf-8")
        assert set(re.findall(r"persona-[a-z]+", tour)) == {p.user_id for p in personas.values()}

    def test_the_tour_counts_right(self, content):
        tour = (Path(__file__).parents[2] / "docs" / "demo.md").read_text(encoding="utf-8")
        products = Counter(c.brand for c in content.values() if c.price is not None)
        assert f"| products | {products['thrushcombe']} | {products['kitterby']} |" in tour
