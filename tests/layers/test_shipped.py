"""What each layer says, layer by layer: segment, lookalike, moment, value, cross_brand, discovery."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.catalogue.audience import Audience, Group
from hub.catalogue.model import ContentKind, NeedPattern, Segment
from hub.decisions.moment import detect
from hub.kit.money import Money
from hub.layers.base import Candidates, Moment
from hub.profiles.model import FeedbackKind, SignalKind
from tests.builders import (
    NOW,
    make_content,
    make_facts,
    make_scenario,
    make_signal,
    make_snapshot,
    make_stranger,
    make_view,
)
from tests.decisions.strategies import LAYERS, play

DAY = timedelta(days=1)


def heard(name, snapshot, view, moment=None):
    """Return what a layer says of every content: key -> (score, sentence)."""
    found = LAYERS[name].score(
        view, Candidates(snapshot, np.arange(len(snapshot))), moment or detect(view, view.at)
    )
    return {
        content.key: (float(found.scores[row]), found.sentence(row))
        for row, content in enumerate(snapshot.contents)
    }


CONTENTS = [
    make_content("rose", title="Climbing rose", category="garden/roses"),
    make_content("spade", title="Ash spade", category="garden/tools"),
    make_content("coffee", title="House coffee", category="kitchen/coffee"),
    make_content("lamp", title="Night lamp", category="home/lamps"),
]
GOLD = Segment(key="gold", title="gold customers", rule={"trait": "tier", "is": "gold"}, favours=("kitchen",))
EVERYBODY = Group(
    1000, {"garden/roses": 200, "kitchen/coffee": 200, "home/lamps": 200}, {"campaign=spring": 200}
)
AUDIENCE = Audience(
    EVERYBODY,
    {
        "segment:gold": Group(100, {"garden/roses": 80, "home/lamps": 1}, {"campaign=spring": 20}),
        "campaign=spring": Group(200, {"garden/roses": 160, "kitchen/coffee": 10}, {"campaign=spring": 200}),
    },
    "a1",
)


class TestSegment:
    SNAPSHOT = make_snapshot(CONTENTS, segments=[GOLD], audience=AUDIENCE)

    def test_raises_what_it_favours_and_what_its_members_deal_with(self):
        said = heard("segment", self.SNAPSHOT, make_view(segments=("gold",)))
        assert said["coffee"] == (0.8, "Chosen for gold customers")
        assert 0.5 < said["rose"][0] <= 0.6
        assert said["lamp"][0] < 0
        assert said["spade"] == (0.0, "")

    def test_is_silent_for_others(self):
        assert not any(score for score, _ in heard("segment", self.SNAPSHOT, make_view()).values())


class TestLookalike:
    SNAPSHOT = make_snapshot(CONTENTS, segments=[GOLD], audience=AUDIENCE)

    def test_shows_a_new_visitor_what_those_like_who_came_the_same_way(self):
        said = heard("lookalike", self.SNAPSHOT, make_view(traits={"campaign": "spring"}))
        assert said["rose"][0] > 0.5
        assert said["rose"][1] == "Liked by visitors who came here as you did"
        assert said["coffee"][0] < 0

    def test_guesses_a_segment_from_the_first_thing_looked_at(self):
        first = make_view(recent=(make_signal(SignalKind.VIEWED, "rose", ago=timedelta(minutes=1)),))
        said = heard("lookalike", self.SNAPSHOT, first)
        assert said["rose"][0] > 0.1 > said["lamp"][0]

    def test_gives_way_as_the_visitor_shows_more(self):
        came = {"traits": {"campaign": "spring"}}
        views = tuple(make_signal(SignalKind.VIEWED, "lamp", ago=n * DAY) for n in range(1, 13))
        fresh = heard("lookalike", self.SNAPSHOT, make_view(**came))["rose"][0]
        later = heard("lookalike", self.SNAPSHOT, make_view(**came, recent=views))["rose"][0]
        known = make_view(**came, owned={"rose": 9, "spade": 9, "lamp": 9})
        assert 0 < later < fresh / 3
        assert heard("lookalike", self.SNAPSHOT, known)["rose"][0] == 0

    def test_says_nothing_without_groups_or_consent(self):
        plain = make_snapshot(CONTENTS)
        came = make_view(traits={"campaign": "spring"})
        assert not any(score for score, _ in heard("lookalike", plain, came).values())
        refused = make_view(traits={"campaign": "spring"}, personal=False)
        assert not any(score for score, _ in heard("lookalike", self.SNAPSHOT, refused).values())


def priced(key, amount, category="kitchen/coffee"):
    return make_content(key, title=key, category=category, price=Money(Decimal(amount), "GBP"))


class TestValue:
    SNAPSHOT = make_snapshot(
        [
            *(priced(f"coffee-{amount}", amount) for amount in (2, 4, 8, 16, 32)),
            *(priced(f"chair-{amount}", amount, "home/chairs") for amount in (50, 100, 200, 400, 800)),
            make_content("story", kind=ContentKind.STORY, category="kitchen/coffee"),
        ]
    )

    def said(self, **given):
        return heard("value", self.SNAPSHOT, make_view(**given))

    def test_prefers_the_band_of_what_was_bought_within_each_kind_of_thing(self):
        said = self.said(owned={"coffee-32": 3, "chair-800": 3, "coffee-16": 3})
        assert said["coffee-32"][0] > 0.4
        assert said["coffee-2"][0] < 0
        assert said["chair-800"][0] > 0.4
        assert said["chair-50"][0] < 0
        assert said["chair-800"][1] == "In the price range that you usually choose"
        assert said["coffee-2"][1] == ""

    def test_says_nothing_of_what_has_no_price_nor_to_whom_it_does_not_know(self):
        assert self.said(owned={"coffee-32": 3})["story"] == (0.0, "")
        assert not any(score for score, _ in self.said().values())

    def test_a_look_counts_less_than_a_purchase(self):
        looked = (make_signal(SignalKind.VIEWED, "coffee-32"),)
        assert (
            0 < self.said(recent=looked)["coffee-32"][0] < self.said(owned={"coffee-32": 3})["coffee-32"][0]
        )


class TestCrossBrand:
    SNAPSHOT = make_snapshot(
        [
            make_content(
                "pot", title="Rose pot", brand="house", category="garden", goes_with=("kitchen/mugs",)
            ),
            make_content("tea", title="Rose tea", brand="sister", category="rose/rose-tea"),
            make_content("mug", title="Blue mug", brand="sister", category="kitchen/mugs"),
            make_content("rug", title="Wool rug", brand="sister", category="kitchen/rugs"),
        ],
        facts=(make_facts("house", house=True), make_facts("sister", name="The Sister")),
    )

    def test_offers_the_sister_what_is_like_or_goes_with_the_known_brands(self):
        said = heard("cross_brand", self.SNAPSHOT, make_view(interests=("rose",), owned={"pot": 5}))
        assert said["tea"][0] > 0.3
        assert said["tea"][1] == "From The Sister, since you like rose"
        assert said["mug"][0] == 0.7
        assert said["rug"][0] < 0.2
        assert said["pot"] == (0.0, "")

    def test_is_silent_for_who_knows_all_brands_or_none(self):
        for owned in ({}, {"pot": 5, "rug": 5}):
            view = make_view(interests=("rose",), owned=owned)
            assert not any(score for score, _ in heard("cross_brand", self.SNAPSHOT, view).values())


class TestMoment:
    SNAPSHOT = make_snapshot(
        [
            make_content("rose", title="Climbing rose", category="garden/roses"),
            make_content("rose-red", title="Climbing rose red", category="garden/roses"),
            make_content("care", kind=ContentKind.GUIDE, title="Climbing rose care", category="journal"),
            make_content("bread", kind=ContentKind.GUIDE, title="Baking bread", category="journal"),
            make_content("pick", title="Editors pick", editorial=0.7, category="home"),
            make_content("new", title="Fresh thing", category="home", published_at=NOW - DAY),
            make_content("tonic", title="Plant tonic", category="tonic", need=NeedPattern.CONSUMABLE),
        ]
    )

    def said(self, key, view=None, *about):
        return heard("moment", self.SNAPSHOT, view or make_view(), Moment(key, "", NOW, about))

    def test_of_looking_around_says_nothing(self):
        assert not any(score for score, _ in self.said("browsing").values())

    def test_first_visit_begins_with_what_editors_chose_and_guides(self):
        said = self.said("first_visit", make_stranger())
        assert said["pick"] == (pytest.approx(0.7), "A good place to begin")
        assert said["bread"][0] == 0.4
        assert said["rose"][0] == 0

    def test_who_refused_is_met_as_a_stranger_is(self):
        refused = make_view(personal=False)
        assert self.said("browsing", refused) == self.said("first_visit", make_stranger())

    def test_return_shows_what_is_new_since(self):
        view = make_view(
            last_seen_at=NOW - 60 * DAY, recent=(make_signal(SignalKind.VIEWED, "rose", ago=60 * DAY),)
        )
        said = self.said("return_after_absence", view)
        assert said["new"] == (0.8, "New since you were last here")
        assert said["rose"][0] == 0

    def test_cart_left_shows_what_belongs_to_the_basket_and_not_itself(self):
        said = self.said("cart_left", None, "rose")
        assert said["rose"][0] == 0
        assert said["rose-red"][0] > 0.3
        assert said["rose-red"][1] == "Goes with the 'Climbing rose' in your basket"

    def test_just_bought_brings_something_to_read_about_it(self):
        said = self.said("just_bought", None, "rose")
        assert said["care"][0] > 0.3
        assert said["rose-red"][0] == 0
        assert said["bread"][0] < 0.2
        assert said["care"][1] == "To read with the 'Climbing rose' you bought"

    def test_running_out_shows_others_of_the_kind(self):
        said = self.said("replenishment_due", None, "rose")
        assert said["rose-red"][0] > 0.3
        assert said["rose"][0] == said["care"][0] == 0

    def test_birthday_brings_what_they_saved(self):
        said = self.said("birthday", make_view(feedback={"rose": FeedbackKind.SAVE}))
        assert said["rose"] == (0.9, "You saved this, and it is your birthday")

    def test_anniversary_remembers_the_first_purchase(self):
        said = self.said("anniversary", make_view(owned={"rose": 365}))
        assert said["rose-red"][0] > 0.3
        assert said["rose-red"][1] == "Like the first thing you bought from us, 'Climbing rose'"

    def test_who_asked_for_help_gets_help_and_nothing_to_buy(self):
        said = self.said("contacted_service", make_view(owned={"rose": 3}))
        assert said["care"][0] > 0.3
        assert said["care"][1] == "Good to know about your 'Climbing rose'"
        assert said["rose-red"][0] < 0


class TestDiscovery:
    SNAPSHOT = make_snapshot(
        [
            *(make_content(f"rose-{n}", title=f"Climbing rose {n}", category="garden") for n in range(6)),
            *(make_content(f"lamp-{n}", title=f"Oak lamp {n}", category=f"lamps-{n}") for n in range(20)),
            *(make_content(f"rug-{n}", title=f"Wool rug {n}", category=f"rugs-{n}") for n in range(20)),
        ]
    )

    def said(self, at=NOW, **given):
        view = make_view(interests=("climbing rose",), at=at, **given)
        return {key: score for key, (score, _) in heard("discovery", self.SNAPSHOT, view).items()}

    def weekly(self, at):
        said = self.said(at)
        return set(sorted(said, key=lambda key: -said[key])[:10])

    def test_scores_what_lies_beyond_the_known_and_nothing_else(self):
        said = self.said()
        assert all((score > 0) == (not key.startswith("rose")) for key, score in said.items())

    def test_brings_the_same_set_all_week_and_another_one_the_next(self):
        weeks = [self.weekly(NOW + days * DAY) for days in range(14)]  # NOW is a Monday
        assert all(week == weeks[0] for week in weeks[:7])
        assert all(week == weeks[7] for week in weeks[7:])
        assert len(weeks[0] & weeks[7]) < 8

    def test_goes_by_what_was_popular_on_monday_and_not_by_what_sells_since(self):
        view = make_view(interests=("climbing rose",))
        said = [
            heard(
                "discovery",
                make_snapshot(self.SNAPSHOT.contents, popularity={selling: 1.0}, settled={"rug-1": 1.0}),
                view,
            )
            for selling in ("lamp-1", "lamp-2")
        ]
        assert said[0] == said[1]

    def test_what_was_popular_on_monday_is_still_looked_for_when_other_things_sell(self):
        many = [make_content(f"mug-{n}", title=f"Mug of kind{n}", category=f"mugs-{n}") for n in range(200)]
        now = {f"mug-{n}": 0.9 for n in range(100)}
        snapshot = make_snapshot(many, popularity=now, settled={"mug-150": 0.5})
        decision = play(snapshot, make_stranger(), make_scenario())
        assert "mug-150" in {content.key for content in decision.ranking.contents}

    def test_brings_each_customer_a_set_of_their_own(self):
        assert self.said() != self.said(profile_id="prf_2")

    @pytest.mark.parametrize(
        ("kind", "higher"),
        [
            (FeedbackKind.SAVE, True),
            (FeedbackKind.REPEAT, True),
            (FeedbackKind.SKIP, False),
            (FeedbackKind.LESS, False),
        ],
    )
    def test_learns_from_one_answer_about_all_that_is_like_it(self, kind, higher):
        before, after = self.said(), self.said(feedback={"lamp-0": kind})
        moved = [after[f"lamp-{n}"] - before[f"lamp-{n}"] for n in range(1, 20)]
        assert all((change > 0) if higher else (change < 0) for change in moved)
        assert all(abs(change) <= 0.5 for change in moved)
        others = [after[f"rug-{n}"] - before[f"rug-{n}"] for n in range(20)]
        assert abs(np.mean(others)) < abs(np.mean(moved)) / 5


class TestFeedback:
    """SKIP, REPEAT, LESS, MORE and SAVE act on the next call, and none of them more than so much."""

    SNAPSHOT = TestDiscovery.SNAPSHOT

    @settings(max_examples=60, deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from([content.key for content in SNAPSHOT.contents]),
            st.sampled_from([kind for kind in FeedbackKind if kind is not FeedbackKind.HIDE]),
            max_size=12,
        )
    )
    def test_however_much_is_given_no_layer_leaves_its_range(self, feedback):
        view = make_view(interests=("climbing rose",), feedback=feedback)
        for name in ("declared", "discovery"):
            assert all(-1 <= score <= 1 for score, _ in heard(name, self.SNAPSHOT, view).values())
        plain = heard("declared", self.SNAPSHOT, make_view(interests=("climbing rose",)))
        given_ = heard("declared", self.SNAPSHOT, view)
        for key, (score, _) in given_.items():
            kind = feedback.get(key)
            if kind is None:
                assert score == plain[key][0]
            elif kind in {FeedbackKind.SKIP, FeedbackKind.LESS}:
                assert score < plain[key][0]
            else:
                assert score > plain[key][0]

    def test_a_skip_weighs_less_than_less_of_it(self):
        said = heard(
            "declared",
            self.SNAPSHOT,
            make_view(feedback={"rug-0": FeedbackKind.SKIP, "rug-1": FeedbackKind.LESS}),
        )
        assert said["rug-1"][0] < said["rug-0"][0] < 0


def test_layers_see_no_more_than_consent_allows():
    snapshot = replace(TestSegment.SNAPSHOT)
    view = make_view(personal=False, owned={"rose": 5}, recent=(), profile_id="prf_1")
    for name in ("lookalike", "value", "cross_brand", "discovery"):
        assert not any(score for score, _ in heard(name, snapshot, view).values()), name
