"""What must not be shown: nobody wants a second toilet seat, and everybody is told why it is gone."""

from datetime import timedelta

import pytest

from hub.catalogue.model import Availability, ContentKind, Need, NeedPattern
from hub.profiles.model import Ownership, SignalKind
from tests.builders import (
    NOW,
    make_content,
    make_facts,
    make_ownership,
    make_scenario,
    make_signal,
    make_snapshot,
    make_stranger,
    make_view,
)
from tests.decisions.strategies import play

ONCE = Need(NeedPattern.ONCE)
DURABLE = Need(NeedPattern.DURABLE, 1000)
REFILL = Need(NeedPattern.REPLENISHABLE, 30)
COLLECTIBLE = Need(NeedPattern.COLLECTIBLE)

SHOP = (
    make_content("oak-seat", title="Oak toilet seat", category="bath/seats", need=ONCE),
    make_content("pine-seat", title="Pine toilet seat", category="bath/seats", need=ONCE),
    make_content("towel", title="Linen towel", category="bath/towels"),
    make_content("kettle", title="Steel kettle", category="kitchen/kettles", need=DURABLE),
    make_content("glass-kettle", title="Glass kettle", category="kitchen/kettles", need=DURABLE),
    make_content("pan", title="Iron pan", category="kitchen/pans"),
    make_content("coffee", title="House coffee", category="grocery/coffee", need=REFILL),
    make_content("decaf", title="Decaf coffee", category="grocery/coffee", need=REFILL),
    make_content("heron", title="Tin heron", category="birds", need=COLLECTIBLE),
    make_content("wren", title="Tin wren", category="birds", need=COLLECTIBLE),
    make_content("candle", title="Beeswax candle", category="candles", need=NeedPattern.CONSUMABLE),
)
SNAPSHOT = make_snapshot(SHOP)


def shown(view, scenario=None, snapshot=SNAPSHOT):
    return {content.key for content in play(snapshot, view, scenario or make_scenario()).ranking.contents}


def absences(view, scenario=None, snapshot=SNAPSHOT):
    decision = play(snapshot, view, scenario or make_scenario())
    return {removal.content.key: (removal.gate, removal.rule) for removal in decision.removed}


def sentence_about(key, view, snapshot=SNAPSHOT):
    removed = play(snapshot, view, make_scenario()).removed
    (sentence,) = {removal.sentence for removal in removed if removal.content.key == key}
    return sentence


class TestBoughtOnce:
    def test_closes_its_whole_category_for_ever(self):
        view = make_view(owned={"oak-seat": 3000})
        closed = ("suppression", "bought_once")
        assert absences(view) == {"oak-seat": closed, "pine-seat": closed}
        assert "towel" in shown(view)

    def test_says_what_was_bought_and_when(self):
        view = make_view(owned={"oak-seat": 3})
        told = "You bought the 'Oak toilet seat' on Friday, and one is enough"
        assert sentence_about("oak-seat", view) == told
        assert sentence_about("pine-seat", view) == told

    def test_a_refund_opens_it_again(self):
        view = make_view(owned={"oak-seat": make_ownership(count=0)})
        assert absences(view) == {}
        assert {"oak-seat", "pine-seat"} <= shown(view)

    def test_without_a_category_only_the_item_is_closed(self):
        snapshot = make_snapshot(
            [make_content("will", category="", need=ONCE), make_content("pen", category="", need=ONCE)]
        )
        assert shown(make_view(owned={"will": 5}), snapshot=snapshot) == {"pen"}

    def test_a_purchase_in_the_future_of_the_view_counts_for_nothing(self):
        assert absences(make_view(owned={"oak-seat": -1})) == {}


class TestDurable:
    def test_closes_its_category_while_it_lasts(self):
        closed = ("suppression", "still_lasting")
        assert absences(make_view(owned={"kettle": 999})) == {"kettle": closed, "glass-kettle": closed}
        assert "pan" in shown(make_view(owned={"kettle": 999}))

    def test_opens_again_when_it_is_worn_out(self):
        assert absences(make_view(owned={"kettle": 1000})) == {}

    def test_says_until_when_it_lasts(self):
        told = sentence_about("glass-kettle", make_view(owned={"kettle": 10}))
        assert told == "The 'Steel kettle' you bought last week should last until 16 November 2028"

    def test_of_two_the_one_that_lasts_longer_is_told(self):
        told = sentence_about("kettle", make_view(owned={"kettle": 900, "glass-kettle": 1}))
        assert "Steel kettle" in told  # the item's own purchase says more than its neighbour's
        snapshot = make_snapshot([*SHOP, make_content("copper-kettle", category="kitchen/kettles")])
        other = sentence_about("copper-kettle", make_view(owned={"kettle": 900, "glass-kettle": 1}), snapshot)
        assert "Glass kettle" in other


class TestReplenishable:
    def test_closes_the_item_alone_until_it_runs_out(self):
        view = make_view(owned={"coffee": 29})
        assert absences(view) == {"coffee": ("suppression", "not_yet_run_out")}
        assert "decaf" in shown(view)

    def test_comes_back_on_the_day_it_runs_out(self):
        assert absences(make_view(owned={"coffee": 30})) == {}


class TestCollectible:
    def test_closes_the_item_and_leaves_the_rest_of_the_collection(self):
        view = make_view(owned={"heron": 400})
        assert absences(view) == {"heron": ("suppression", "already_collected")}
        assert "wren" in shown(view)


def test_a_consumable_is_never_closed():
    assert absences(make_view(owned={"candle": 0.1})) == {}


class TestTheCustomersWord:
    def test_hidden_items_are_gone(self):
        view = make_view(hidden=frozenset({"pan"}))
        assert absences(view) == {"pan": ("suppression", "hidden")}

    def test_hidden_holds_for_those_who_refused_personalization_too(self):
        assert "pan" not in shown(make_view(personal=False, hidden=frozenset({"pan"})))

    def test_hidden_is_told_before_any_later_rule(self):
        view = make_view(hidden=frozenset({"oak-seat"}), owned={"oak-seat": 3})
        assert absences(view)["oak-seat"] == ("suppression", "hidden")

    def test_what_lies_in_the_basket_is_not_recommended(self):
        assert absences(make_view(cart=("pan",))) == {"pan": ("suppression", "in_cart")}

    def test_a_basket_that_was_left_is_shown(self):
        left = make_signal(SignalKind.ADDED, "pan", ago=timedelta(days=1))
        assert "pan" in shown(make_view(cart=("pan",), recent=(left,)))

    def test_what_only_personal_data_found_is_not_shown_to_those_who_refused(self):
        popular = [make_content(f"best-{n}", category="best") for n in range(100)]
        snapshot = make_snapshot([*SHOP, *popular], popularity={content.key: 0.9 for content in popular})
        refused = make_view(personal=False, owned={"coffee": 31})
        assert absences(refused, snapshot=snapshot) == {"coffee": ("consent", "personalization_refused")}
        allowed = make_view(personal=True, owned={"coffee": 31})
        assert "coffee" in shown(allowed, snapshot=snapshot)

    def test_a_refusal_keeps_what_is_popular_and_what_was_bought_once_closed(self):
        refused = make_view(personal=False, owned={"oak-seat": 30})
        assert absences(refused)["pine-seat"] == ("suppression", "bought_once")
        assert "pan" in shown(refused)


class TestAvailability:
    @pytest.mark.parametrize(
        ("availability", "rule"),
        [(Availability.OUT_OF_STOCK, "out_of_stock"), (Availability.DISCONTINUED, "discontinued")],
    )
    def test_what_cannot_be_had_is_not_shown(self, availability, rule):
        snapshot = make_snapshot([make_content("vase", availability=availability), make_content("jug")])
        view = make_view(interests=("vase",))
        assert absences(view, snapshot=snapshot) == {"vase": ("availability", rule)}

    @pytest.mark.parametrize("availability", [Availability.LOW_STOCK, Availability.PREORDER])
    def test_what_can_be_had_is_shown(self, availability):
        snapshot = make_snapshot([make_content("vase", availability=availability)])
        assert shown(make_stranger(), snapshot=snapshot) == {"vase"}

    def test_what_is_published_tomorrow_is_not_shown_today(self):
        story = make_content(
            "spring", title="Spring", kind=ContentKind.STORY, published_at=NOW + timedelta(days=1)
        )
        snapshot = make_snapshot([story])
        view = make_view(interests=("spring",))
        assert absences(view, snapshot=snapshot) == {"spring": ("availability", "not_published_yet")}
        assert sentence_about("spring", view, snapshot) == "Not published before 3 March"


class TestBrand:
    FACTS = (make_facts("house", house=True, forbidden=("cheap",)), make_facts("sister"))

    def test_a_forbidden_word_and_an_unknown_claim_are_not_said(self):
        snapshot = make_snapshot(
            [
                make_content("jug", summary="A cheap jug."),
                make_content("vase", claims=("heals",)),
                make_content("bowl", claims=("returns",)),
            ],
            facts=self.FACTS,
        )
        view = make_view(interests=("jug", "vase", "bowl"))
        assert absences(view, snapshot=snapshot) == {
            "jug": ("brand", "forbidden_word"),
            "vase": ("brand", "unknown_claim"),
        }
        assert shown(view, snapshot=snapshot) == {"bowl"}

    def test_a_scenario_of_one_brand_does_not_show_its_sister(self):
        snapshot = make_snapshot(
            [make_content("jug"), make_content("vase", brand="sister")], facts=self.FACTS
        )
        view = make_view(interests=("jug", "vase"))
        assert absences(view, make_scenario(brands=("house",)), snapshot) == {
            "vase": ("brand", "sister_brand")
        }
        assert shown(view, make_scenario(), snapshot) == {"jug", "vase"}


class TestOrder:
    def test_the_customers_purchase_is_told_before_the_stock_and_the_stock_before_the_brand(self):
        snapshot = make_snapshot(
            [
                make_content("seat", need=ONCE, availability=Availability.OUT_OF_STOCK, claims=("heals",)),
                make_content("vase", availability=Availability.OUT_OF_STOCK, claims=("heals",)),
            ]
        )
        owned = Ownership(1, NOW - timedelta(days=9), NOW - timedelta(days=9))
        view = make_view(interests=("seat", "vase"), owned={"seat": owned})
        gates = absences(view, snapshot=snapshot)
        assert gates["seat"] == ("suppression", "bought_once")
        assert gates["vase"] == ("suppression", "bought_once")  # same category "home"
        assert absences(make_view(interests=("vase",)), snapshot=snapshot)["vase"] == (
            "availability",
            "out_of_stock",
        )

    def test_what_was_removed_is_listed_by_gate_then_rule(self):
        view = make_view(owned={"oak-seat": 9, "kettle": 9, "heron": 9}, hidden=frozenset({"pan"}))
        rules = [removal.rule for removal in play(SNAPSHOT, view, make_scenario()).removed]
        assert rules == ["hidden", "bought_once", "bought_once", "still_lasting", "still_lasting", "already_collected"]  # fmt: skip
