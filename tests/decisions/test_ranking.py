"""Rankings that make sense, and reasons that a person would give."""

from datetime import timedelta

import pytest

from hub.catalogue.model import ContentKind, Need, NeedPattern, Offer
from hub.decisions.model import Mix
from hub.profiles.model import Evidence, FeedbackKind, SignalKind
from tests.builders import (
    NOW,
    make_content,
    make_directions,
    make_facts,
    make_scenario,
    make_signal,
    make_snapshot,
    make_stranger,
    make_view,
)
from tests.decisions.strategies import play

DAY = timedelta(days=1)
SHOP = (
    make_content("pruning", title="Pruning roses", kind=ContentKind.ARTICLE, category="read"),
    make_content("shears", title="Shears for roses", category="garden/tools"),
    make_content("gloves", title="Gloves for roses", category="garden/tools"),
    make_content("lily", title="White lily bulbs", category="garden/bulbs"),
    make_content("rose", title="White rose bush", category="garden/bushes", goes_with=("garden/tools",)),
    make_content("kettle", title="Steel kettle", category="kitchen", need=Need(NeedPattern.DURABLE, 900)),
    make_content("coffee", title="House coffee, 500 g", summary="Dark house coffee.", category="grocery/coffee", need=Need(NeedPattern.REPLENISHABLE, 30)),
    make_content("heron", title="Tin heron", category="tin-birds", need=NeedPattern.COLLECTIBLE),
    make_content("wren", title="Copper wren", category="tin-birds", need=NeedPattern.COLLECTIBLE),
    make_content("bestseller", title="Glass lantern", category="lights"),
    make_content("chosen", title="Oak tray", category="trays", editorial=0.9),
    make_content("fresh", title="Wool throw", category="throws", published_at=NOW - 2 * DAY),
)  # fmt: skip
SNAPSHOT = make_snapshot(SHOP, popularity={"bestseller": 0.9, "kettle": 0.4})


def ranking(view, snapshot=SNAPSHOT, **given):
    return play(snapshot, view, make_scenario(**given)).ranking


def reason(key, view, **given):
    found = ranking(view, **given)
    return next(item.why.sentence for item in found.first(len(found)) if item.content.key == key)


def keys(view, **given):
    return [content.key for content in ranking(view, **given).contents]


def reader(key="pruning", kind=SignalKind.READ, ago=6 * DAY):
    """Somebody interested in roses and what they need, which is evidenced by one deed."""
    evidence = [(Evidence(key, NOW - ago),)]
    return {
        "interests": make_directions("roses, garden tools", evidence=evidence),
        "recent": (make_signal(kind, key, ago=ago),),
    }


class TestSentences:
    def test_name_what_was_read_and_when(self):
        assert reason("shears", make_view(**reader())) == "Because you read 'Pruning roses' on Tuesday"

    @pytest.mark.parametrize(
        ("days", "told"),
        [
            ((6, 2), "Because you read 'Pruning roses' twice this week"),
            ((6, 4, 2), "Because you read 'Pruning roses' three times this week"),
            ((6, 5, 4, 3, 2, 1), "Because you read 'Pruning roses' 6 times this week"),
            ((20, 6), "Because you read 'Pruning roses' on Tuesday"),
        ],
    )
    def test_say_how_often_within_a_week(self, days, told):
        read = tuple(make_signal(SignalKind.READ, "pruning", ago=ago * DAY) for ago in days)
        assert reason("shears", make_view(**reader() | {"recent": read})) == told

    @pytest.mark.parametrize(
        ("kind", "told"),
        [
            (SignalKind.VIEWED, "Because you looked at 'White rose bush' yesterday"),
            (SignalKind.PURCHASED, "Because you bought 'White rose bush' yesterday"),
            (SignalKind.SAVED, "Because you saved 'White rose bush' yesterday"),
            (SignalKind.ADDED, "Because you put 'White rose bush' in your basket yesterday"),
        ],
    )
    def test_name_the_deed(self, kind, told):
        assert reason("gloves", make_view(**reader("rose", kind, DAY))) == told

    def test_say_this_of_the_item_itself(self):
        told = reason("shears", make_view(**reader("shears", SignalKind.VIEWED, DAY)))
        assert told == "You looked at this yesterday"

    def test_fall_back_on_the_interests_name_where_its_evidence_is_unknown(self):
        assert reason("shears", make_view(interests=("roses",))) == "Because you are interested in roses"

    def test_tell_a_refill_that_is_due(self):
        told = reason("coffee", make_view(owned={"coffee": 32}))
        assert told == "Your house coffee should be running out about now"

    def test_tell_what_goes_with_a_purchase(self):
        told = reason("gloves", make_view(owned={"rose": 3}))
        assert told == "Goes well with the 'White rose bush' you bought on Friday"

    def test_tell_a_collection(self):
        told = reason("wren", make_view(owned={"heron": 100}))
        assert told == "You collect tin birds, and do not have this one yet"

    def test_tell_what_the_customer_said(self):
        assert reason("rose", make_view(declared=("white roses",))) == "You told us you like white roses"
        assert reason("kettle", make_view(feedback={"kettle": FeedbackKind.SAVE})) == "You saved this"

    def test_tell_this_visit(self):
        session = {"session": make_directions("glass lantern")}
        told = reason("bestseller", make_view(**session), mix=Mix({"session": 1.0}))
        assert told == "Because you are looking for glass lantern"

    def test_tell_a_basket_that_was_left(self):
        left = make_signal(SignalKind.ADDED, "kettle", ago=DAY)
        assert reason("kettle", make_view(cart=("kettle",), recent=(left,))) == "Still waiting in your basket"

    def test_tell_strangers_what_is_popular_chosen_and_new(self):
        assert reason("bestseller", make_stranger()) == "Popular this month"
        assert reason("chosen", make_stranger()) == "Chosen by our editors"
        assert reason("fresh", make_stranger()) == "New this week"
        assert reason("kettle", make_stranger()) == "Liked by many of our customers"

    def test_are_never_empty(self):
        found = ranking(make_stranger())
        assert all(item.why.sentence for item in found.first(len(found)))
        assert reason("lily", make_stranger()) == "Something else from our bulbs"

    def test_tell_what_sets_an_item_apart_not_what_all_have(self):
        snapshot = make_snapshot(SHOP, popularity={content.key: 1.0 for content in SHOP})
        found = ranking(make_view(**reader()), snapshot)
        told = {item.content.key: item.why.sentence for item in found.first(len(found))}
        assert told["shears"] == "Because you read 'Pruning roses' on Tuesday"
        assert told["kettle"] == "Popular this month"


class TestOrder:
    def test_an_interest_comes_before_what_is_merely_popular(self):
        assert keys(make_view(**reader())).index("shears") < keys(make_view(**reader())).index("bestseller")

    def test_a_stranger_sees_the_brands_best(self):
        assert keys(make_stranger())[:2] == ["bestseller", "chosen"]

    def test_a_due_refill_comes_first(self):
        assert keys(make_view(owned={"coffee": 31}))[0] == "coffee"

    def test_a_refill_long_overdue_is_no_longer_pressed(self):
        assert keys(make_view(owned={"coffee": 70}))[0] != "coffee"

    def test_declared_beats_inferred(self):
        view = make_view(interests=("white lily bulbs",), avoided=("lily bulbs",), declared=("white rose",))
        order = keys(view, variety=0.0)
        assert order[0] == "rose"
        assert order[-1] == "lily"

    def test_roses_not_lilies_spares_the_roses(self):
        liked = make_view(declared=("white rose",), avoided=("white lily",))
        scores = {
            item.content.key: item.score for item in ranking(liked, mix=Mix({"declared": 1.0})).first(20)
        }
        assert scores["rose"] > 0.8
        assert scores["lily"] < -0.5

    def test_less_of_an_item_puts_it_last(self):
        view = make_view(**reader(), feedback={"shears": FeedbackKind.LESS})
        assert keys(view).index("shears") > keys(view).index("gloves")

    def test_what_was_just_looked_at_gives_way_to_its_like(self):
        session = make_directions("shears gloves roses", evidence=[(Evidence("shears", NOW),)])
        order = keys(make_view(session=session), mix=Mix({"session": 1.0}))
        assert order.index("gloves") < order.index("shears")

    def test_what_was_sent_back_is_not_pressed_and_its_like_may_be(self):
        back = (
            make_signal(SignalKind.PURCHASED, "shears", ago=9 * DAY),
            make_signal(SignalKind.REFUNDED, "shears", ago=5 * DAY),
        )
        interest = make_directions("shears gloves roses", evidence=[(Evidence("shears", NOW - 9 * DAY),)])
        found = ranking(make_view(interests=interest, recent=back), mix=Mix({"interests": 1.0}))
        scores = {item.content.key: item.score for item in found.first(len(found))}
        assert scores["shears"] == 0
        assert scores["gloves"] > 0.2
        told = {item.content.key: item.why.sentence for item in found.first(len(found))}
        assert told["gloves"] == "Because you are interested in shears gloves roses"

    def test_what_was_read_gives_way_to_what_was_not(self):
        more = make_content("more", title="Pruning roses", kind=ContentKind.ARTICLE, category="read")
        found = ranking(make_view(**reader()), make_snapshot([*SHOP, more]), mix=Mix({"interests": 1.0}))
        order = [content.key for content in found.contents]
        assert order.index("more") < order.index("pruning")

    def test_needs_fall_silent_where_personalization_is_refused(self):
        found = ranking(make_view(personal=False, owned={"rose": 3}))
        (gloves,) = [i for i in found.first(len(found)) if i.content.key == "gloves"]
        assert {part.layer: part.score for part in gloves.why.contributions}["needs"] == 0

    def test_of_equals_the_order_is_that_of_the_catalogue(self):
        snapshot = make_snapshot([make_content(key, title="Same", category="") for key in "dcab"])
        assert [content.key for content in ranking(make_stranger(), snapshot).contents] == list("abcd")


class TestAsARanking:
    def test_items_are_made_once_and_positions_count_from_one(self):
        found = ranking(make_stranger())
        assert found.item(2) is found.item(2)
        assert [item.position for item in found.first(3)] == [1, 2, 3]
        assert found.first(10_000) == found.first(len(found))
        assert found.first(0) == ()
        assert [item.content for item in found.first(len(found))] == list(found.contents)

    @pytest.mark.parametrize("index", [-1, len(SHOP)])
    def test_there_is_nothing_outside(self, index):
        with pytest.raises(IndexError):
            ranking(make_stranger()).item(index)

    def test_an_empty_catalogue_has_an_empty_ranking(self):
        decision = play(make_snapshot(), make_view(**reader(), owned={"rose": 3}), make_scenario())
        assert len(decision.ranking) == 0
        assert decision.removed == ()
        assert decision.ranking.first(5) == ()


class TestVariety:
    TWINS = (
        *(make_content(f"mug-{n}", title=f"Blue mug {n}", category="mugs") for n in range(6)),
        make_content("rug", title="Wool rug", category="rugs"),
        make_content("lamp", title="Oak lamp", category="lamps"),
    )
    POPULARITY = {**{f"mug-{n}": 0.9 - n / 100 for n in range(6)}, "rug": 0.6, "lamp": 0.5}  # noqa: RUF012

    def order(self, variety):
        snapshot = make_snapshot(self.TWINS, popularity=self.POPULARITY)
        return ranking(make_stranger(), snapshot, variety=variety)

    def test_of_many_alike_not_all_come_first(self):
        assert [content.key for content in self.order(0.0).contents][:3] == ["mug-0", "mug-1", "mug-2"]
        assert {content.key for content in self.order(0.7).contents[:3]} == {"mug-0", "rug", "lamp"}

    def test_is_explained(self):
        rug = next(item for item in self.order(0.7).first(8) if item.content.key == "rug")
        assert (rug.why.variety.rank_by_score, rug.position) == (7, 2)
        mug = next(item for item in self.order(0.7).first(8) if item.content.key == "mug-1")
        assert mug.why.variety.closest_key == "mug-0"
        assert mug.why.variety.similarity > 0.5

    def test_kinds_do_not_push_each_other_about(self):
        guide = make_content("guide", title="Blue mug", kind=ContentKind.GUIDE, category="mugs")
        snapshot = make_snapshot([*self.TWINS, guide], popularity={**self.POPULARITY, "guide": 0.87})
        found = ranking(make_stranger(), snapshot, variety=0.7)
        (item,) = [item for item in found.first(9) if item.content.key == "guide"]
        assert item.why.variety.closest_key is None
        assert item.position == item.why.variety.rank_by_score


class TestOffers:
    def offers(self, view, *offers):
        snapshot = make_snapshot(SHOP, offers=offers)
        return [offer.key for offer in play(snapshot, view, make_scenario()).offers]

    def offer(self, key, **given):
        return Offer(key=key, title=key, terms="As long as it lasts.", **given)

    def test_hold_at_the_instant(self):
        past = self.offer("past", valid_until=NOW)
        future = self.offer("future", valid_from=NOW + DAY)
        assert self.offers(make_stranger(), past, future, self.offer("now", valid_from=NOW)) == ["now"]

    def test_go_to_their_audience_and_moment_alone(self):
        gold = self.offer("gold", audience={"tier": "gold"})
        first = self.offer("first", moments=("first_visit",))
        assert self.offers(make_view(traits={"tier": "gold"}), gold, first) == ["gold"]
        assert self.offers(make_stranger(), gold, first) == ["first"]

    def test_on_what_is_closed_to_the_customer_are_not_made(self):
        kettles = self.offer("kettles", categories=("kitchen",))
        assert self.offers(make_view(), kettles) == ["kettles"]
        assert self.offers(make_view(owned={"kettle": 9}), kettles) == []

    def test_on_what_stands_high_come_before_those_on_everything(self):
        tools = self.offer("tools", categories=("garden/tools",))
        assert self.offers(make_view(**reader()), self.offer("all"), tools) == ["tools", "all"]

    def test_are_at_most_three_the_most_particular_first(self):
        many = [self.offer(f"all-{n}") for n in range(4)]
        first = self.offer("zz-first", moments=("first_visit",))
        assert self.offers(make_stranger(), *many, first) == ["zz-first", "all-0", "all-1"]


def test_a_customers_words_that_the_brand_never_says_are_no_reason():
    told = make_view(declared=make_directions("cheap roses"))
    plain = make_snapshot(SHOP, facts=[make_facts()])
    assert "cheap roses" in " ".join(item.why.sentence for item in ranking(told, plain).first(12))
    careful = make_snapshot(SHOP, facts=[make_facts(forbidden=("cheap",))])
    found = ranking(told, careful)
    assert found.contents == ranking(told, plain).contents
    sentences = [item.why.sentence for item in found.first(12)]
    assert all(sentences)
    assert "cheap" not in " ".join(sentences).casefold()
