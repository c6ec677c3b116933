"""Layers that listen to what others bought: in a visit, after feedback, and for what nobody has bought yet."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from hub.catalogue.model import Need, NeedPattern
from hub.catalogue.neighbours import learn
from hub.catalogue.table import Table
from hub.catalogue.tendencies import Tendencies
from hub.decisions.moment import detect
from hub.layers.base import Candidates
from hub.layers.company import affinity, said, skipping
from hub.profiles.model import Evidence, FeedbackKind, SignalKind
from tests.builders import NOW, make_content, make_directions, make_signal, make_snapshot, make_view
from tests.decisions.strategies import LAYERS
from tests.layers.test_shipped import heard

CONTENTS = [
    make_content("cup", title="Blue cup"),
    make_content("saucer", title="White saucer"),
    make_content("rake", title="Ash rake"),
    make_content("spade", title="Steel spade"),
    make_content("spade-new", title="Steel spade, long"),
]
BASKETS = [(f"c{n}", key) for n in range(8) for key in ("cup", "saucer")]
BASKETS += [(f"d{n}", key) for n in range(8) for key in ("rake", "spade")]
LEARNED = learn([who for who, _ in BASKETS], [key for _, key in BASKETS], np.ones(len(BASKETS)))
SNAPSHOT = make_snapshot(CONTENTS, neighbours=LEARNED)


def looking_at(key, title):
    evidence = ((Evidence(key, NOW - timedelta(minutes=2)),),)
    return make_view(
        session=make_directions(title, evidence=evidence),
        recent=(make_signal(SignalKind.VIEWED, key, ago=timedelta(minutes=2)),),
    )


class TestSession:
    def test_what_others_have_with_it_comes_before_what_is_nothing_like_it(self):
        said = heard("session", SNAPSHOT, looking_at("cup", "Blue cup"))
        assert said["saucer"][0] > said["spade"][0]
        assert said["saucer"][1] == "Often bought with 'Blue cup'"

    def test_without_anything_learned_likeness_alone_counts(self):
        plain = make_snapshot(CONTENTS)
        said = heard("session", plain, looking_at("spade", "Steel spade"))
        assert said["spade-new"][0] > said["rake"][0]
        assert said["spade-new"][0] > 0.3


class TestFeedback:
    @pytest.mark.parametrize("kind", list(FeedbackKind))
    def test_speaks_for_or_against_what_goes_with_it(self, kind):
        spread = affinity(make_view(feedback={"cup": kind}), SNAPSHOT)
        against = kind in {FeedbackKind.SKIP, FeedbackKind.LESS, FeedbackKind.HIDE}
        assert np.sign(spread[SNAPSHOT.rows["saucer"]]) == (-1 if against else 1)
        assert spread[SNAPSHOT.rows["spade"]] == 0

    def test_a_skip_of_who_wants_little_says_little(self):
        """Thirty skips beside one wish: together they must not outweigh what was wanted, and one thing more."""
        often = {f"x{n}": FeedbackKind.SKIP for n in range(30)}
        once, many, liked = (
            skipping(make_view(feedback=answers))
            for answers in (
                {"cup": FeedbackKind.SKIP},
                often,
                often | {f"y{n}": FeedbackKind.REPEAT for n in range(9)},
            )
        )
        assert once == pytest.approx(-1 / 3.5)
        assert once < many < 0
        assert 30 * many > -1
        assert liked < once

    def test_a_wish_counts_the_more_the_more_they_have(self):
        few, many = ({f"thing-{n}": 9.0 for n in range(count)} for count in (1, 100))
        for owned, wish in ((few, 2.0), (many, 10.0)):
            assert said(make_view(owned=owned, feedback={"cup": FeedbackKind.SAVE}), SNAPSHOT) == [
                (SNAPSHOT.rows["cup"], wish)
            ]

    def test_what_shares_an_order_with_a_wish_is_wanted_with_it_and_not_with_what_they_have(self):
        nothing = Table.empty(len(LEARNED.keys))
        baskets = replace(LEARNED, together=nothing, next=nothing)
        snapshot = make_snapshot(CONTENTS[:4], neighbours=baskets)
        saucer = snapshot.rows["saucer"]
        assert affinity(make_view(feedback={"cup": FeedbackKind.SAVE}), snapshot)[saucer] > 0
        assert affinity(make_view(owned={"cup": 3.0}), snapshot)[saucer] == 0

    def test_of_somebody_who_is_not_to_be_profiled_says_nothing(self):
        view = make_view(personal=False, feedback={"cup": FeedbackKind.REPEAT})
        assert affinity(view, SNAPSHOT) is None


class TestNeighbours:
    def heard(self, gain, **owned):
        snapshot = make_snapshot(CONTENTS, neighbours=replace(LEARNED, gain=gain))
        return heard("neighbours", snapshot, make_view(owned=owned))["saucer"][0]

    def test_it_is_as_loud_as_the_shop_has_taught_it_to_be(self):
        faint, plain, loud = (self.heard(gain, cup=3.0) for gain in (0.5, 1.0, 2.0))
        assert 0 < faint < plain < loud <= 1
        assert np.arctanh(loud) == pytest.approx(4 * np.arctanh(faint))

    def test_for_what_the_customer_has_it_is_no_louder(self):
        assert self.heard(4.0, cup=3.0, saucer=3.0) == pytest.approx(self.heard(1.0, cup=3.0, saucer=3.0))
        assert self.heard(0.5, cup=3.0, saucer=3.0) < self.heard(1.0, cup=3.0, saucer=3.0)


def test_what_nobody_bought_borrows_of_what_it_is_like():
    spread = affinity(make_view(owned={"rake": 3.0}), SNAPSHOT)
    rows = SNAPSHOT.rows
    assert 0 < spread[rows["spade-new"]] < spread[rows["spade"]]


class TestInterests:
    def evidence(self, *keys):
        return (tuple(Evidence(key, NOW - timedelta(days=3)) for key in keys),)

    def test_the_more_that_speaks_for_it_the_more_it_counts(self):
        snapshot = make_snapshot([*CONTENTS, make_content("fork", title="Steel fork")])
        few = make_directions("Steel spade", evidence=self.evidence("spade", "cup", "saucer"))
        many = make_directions("Steel spade", evidence=self.evidence("spade", "spade-new"))
        scores = [heard("interests", snapshot, make_view(interests=one))["fork"][0] for one in (few, many)]
        assert scores[0] < scores[1]

    def test_what_is_new_is_known_by_all_that_the_customer_has_of_its_kind(self):
        interests = make_directions("Steel spade", evidence=self.evidence("spade"))
        more, less = (
            heard("interests", SNAPSHOT, make_view(interests=interests, owned=owned))["spade-new"][0]
            for owned in ({"spade": 3.0}, {"spade": 3.0, "rake": 3.0, "cup": 3.0})
        )
        assert more >= less > 0

    def test_evidence_that_left_the_catalogue_is_no_fault(self):
        view = make_view(interests=make_directions("Steel spade", evidence=self.evidence("gone")))
        assert heard("interests", SNAPSHOT, view)["spade"][0] > 0


LEANINGS = Tendencies(
    ("cup", "rake", "saucer", "spade"),
    np.array([0.2, 1.0, 0.0, 0.1]),
    np.array([2.0, -2.0, 0.0, -6.0]),
    np.array([-1.0, 1.0, -0.5, 0.0, 0.0]),
    np.array([0.01, 0.01, 0.01, 0.2]),
    "learned",
)


class TestHabit:
    def test_what_others_buy_again_comes_before_what_they_do_not(self):
        snapshot = make_snapshot(CONTENTS, tendencies=LEANINGS)
        said = heard("habit", snapshot, make_view(owned={"cup": 9.0, "rake": 9.0}))
        assert said["cup"][0] > said["rake"][0] > 0
        assert said["saucer"][0] == 0

    def test_to_have_what_is_likelier_bought_by_who_has_it_not_speaks_against_it(self):
        snapshot = make_snapshot(CONTENTS, tendencies=LEANINGS)
        said = heard("habit", snapshot, make_view(owned={"spade": 9.0}))["spade"]
        assert -0.1 < said[0] < 0
        assert said[1] == "You bought this last week, and hardly anybody buys it again"

    def test_to_have_what_is_known_to_run_out_never_speaks_against_it(self):
        need = Need(NeedPattern.REPLENISHABLE, days=30)
        refill = make_content("spade", title="Steel spade", need=need)
        snapshot = make_snapshot([*CONTENTS[:3], refill], tendencies=LEANINGS)
        assert heard("habit", snapshot, make_view(owned={"spade": 9.0}))["spade"][0] > 0

    def test_the_longer_ago_the_less(self):
        snapshot = make_snapshot(CONTENTS, tendencies=LEANINGS)
        soon, late = (
            heard("habit", snapshot, make_view(owned={"cup": days}))["cup"][0] for days in (3.0, 90.0)
        )
        assert soon > late

    def test_who_answers_that_they_want_again_what_they_have_is_taken_at_their_word(self):
        snapshot = make_snapshot(CONTENTS, tendencies=LEANINGS)
        owned = {"cup": 9.0, "rake": 9.0}
        scores = {
            kind: heard("habit", snapshot, make_view(owned=owned, feedback={"rake": kind}))["cup"][0]
            for kind in (FeedbackKind.REPEAT, FeedbackKind.SKIP)
        }
        silent = heard("habit", snapshot, make_view(owned=owned))["cup"][0]
        assert scores[FeedbackKind.REPEAT] > silent > scores[FeedbackKind.SKIP]

    def test_answers_to_what_is_shown_no_more_count_too(self):
        """What was skipped is a candidate no more; how eager its owner is, it tells all the same."""
        snapshot = make_snapshot(CONTENTS, tendencies=LEANINGS)
        owned = {"cup": 9.0, "rake": 9.0}
        cup = np.array([snapshot.rows["cup"]])
        scores = {
            kind: LAYERS["habit"].score(view, Candidates(snapshot, cup), detect(view, view.at)).scores[0]
            for kind in (FeedbackKind.REPEAT, FeedbackKind.SKIP)
            for view in (make_view(owned=owned, feedback={"rake": kind}),)
        }
        assert scores[FeedbackKind.REPEAT] > scores[FeedbackKind.SKIP]

    def test_where_nothing_was_learned_days_are_counted(self):
        said = heard("habit", make_snapshot(CONTENTS), make_view(owned={"cup": 9.0, "rake": 9.0}))
        assert said["cup"][0] == said["rake"][0] > 0

    def test_of_what_has_run_out_that_is_told(self):
        need = Need(NeedPattern.REPLENISHABLE, days=30)
        snapshot = make_snapshot([make_content("tea", title="House tea", need=need)])
        told = {
            days: heard("habit", snapshot, make_view(owned={"tea": days}))["tea"][1] for days in (20.0, 40.0)
        }
        assert told[20.0].startswith("You bought this")
        assert told[40.0] == "Your 'House tea' should be running out about now"


class TestNewcomers:
    SNAPSHOT = make_snapshot(
        CONTENTS, tendencies=LEANINGS, popularity={"cup": 1.0, "rake": 0.5, "saucer": 0.4, "spade": 0.1}
    )

    def test_are_shown_what_newcomers_choose_more_than_everybody_does(self):
        said = heard("lookalike", self.SNAPSHOT, make_view())
        assert said["rake"][0] > said["spade"][0] > said["cup"][0]
        assert said["rake"][1] == "Often among the first things that our customers choose"
        assert said["cup"][1] == ""

    def test_who_is_not_to_be_profiled_is_met_as_a_newcomer(self):
        refused = make_view(personal=False, owned=dict.fromkeys(("cup", "rake", "spade"), 2.0))
        assert heard("lookalike", self.SNAPSHOT, refused) == heard("lookalike", self.SNAPSHOT, make_view())

    def test_who_bought_three_things_is_none(self):
        known = make_view(owned=dict.fromkeys(("cup", "rake", "spade"), 2.0))
        assert not any(score for score, _ in heard("lookalike", self.SNAPSHOT, known).values())
