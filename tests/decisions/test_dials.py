"""The dials of a mix: how unlike each other the items of a list are, and how many lie beyond the known."""

from datetime import timedelta
from itertools import permutations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.catalogue.model import ContentKind
from hub.decisions.diversity import BOUND, beginnings
from hub.decisions.model import Mix, MixRequest
from hub.decisions.scenario_files import shipped_scenarios
from hub.decisions.variety import Dials, diversity_of, vary
from hub.errors import InvalidInput
from hub.layers.base import Candidates
from hub.layers.discovery import beyond_what_is_known
from hub.layers.mix import resolve
from hub.profiles.model import FeedbackKind
from tests.builders import NOW, make_content, make_scenario, make_snapshot, make_stranger, make_view
from tests.decisions.strategies import LAYERS, play


def worlds(seed: int, *, count: int = 300, groups: int = 10, dimensions: int = 32):
    """Return (count, dimensions) vectors of several worlds, as catalogues are: alike within, unlike between."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((groups, dimensions))
    vectors = centres[random.integers(groups, size=count)] + 0.7 * random.standard_normal((count, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def arranged(vectors, dials, seed=0, beyond=None):
    scores = np.random.default_rng(seed).random(len(vectors))
    order = np.argsort(-scores, kind="stable")
    return vary(order, scores, vectors, np.zeros(len(vectors), np.int32), dials, beyond)


class TestDiversity:
    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, 2**31), st.floats(0.45, 1.0), st.integers(5, 30))
    @example(3501, 0.45, 10)
    def test_of_any_list_is_within_a_twentieth_of_the_setting(self, seed, setting, groups):
        vectors = worlds(seed, groups=groups)
        order = arranged(vectors, Dials(0.3, diversity=setting), seed).order
        for length in (6, 8, 10, 12):
            assert diversity_of(vectors[order[:length]]) == pytest.approx(setting, abs=0.05)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**31), st.floats(0.2, 1.2), st.integers(2, 7), st.integers(1, 4))
    def test_misses_no_length_that_an_order_of_few_things_could_have_met(self, seed, setting, count, groups):
        """Every order there is, looked at one by one: none of them misses fewer lengths."""
        vectors = worlds(seed, count=count, groups=groups)
        distances = 1.0 - vectors.astype(np.float64) @ vectors.astype(np.float64).T
        fewest = min(
            np.count_nonzero(np.abs(beginnings(np.array(order), distances) - setting) > BOUND)
            for order in permutations(range(count))
        )
        found = arranged(vectors, Dials(diversity=setting), seed).missed
        assert sum(run.longest - run.shortest + 1 for run in found.get(0, ())) == fewest

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 2**31), st.floats(0.2, 1.2), st.integers(1, 80), st.sampled_from([None, 0.3]))
    def test_what_is_missed_is_told_and_nothing_else(self, seed, setting, count, stretch):
        vectors = worlds(seed, count=count, groups=3)
        beyond = np.random.default_rng(seed).random(count) < 0.5
        varied = arranged(vectors, Dials(0.3, setting, stretch), seed, beyond)
        assert sorted(varied.order.tolist()) == list(range(count))
        told = {n for run in varied.missed.get(0, ()) for n in range(run.shortest, run.longest + 1)}
        for length in range(2, min(count, 60) + 1):
            off = abs(diversity_of(vectors[varied.order[:length]]) - setting)
            if abs(off - 0.05) > 1e-4:  # the float32 of the one and the float64 of the other
                assert (length in told) == (off > 0.05)
        for run in varied.missed.get(0, ()):
            off = [
                abs(diversity_of(vectors[varied.order[:length]]) - setting)
                for length in range(run.shortest, run.longest + 1)
            ]
            assert abs(run.diversity - setting) == pytest.approx(max(off), abs=1e-4)

    def test_that_the_candidates_do_not_have_is_come_near_to(self):
        vectors = worlds(1, groups=1)
        highest = diversity_of(vectors[arranged(vectors, Dials(0.0, diversity=1.0)).order[:8]])
        plain = diversity_of(vectors[arranged(vectors, Dials()).order[:8]])
        assert plain < highest < 0.95

    def test_takes_the_best_that_keeps_to_it(self):
        vectors = worlds(2)
        scores = np.random.default_rng(0).random(len(vectors))
        first = arranged(vectors, Dials(diversity=0.8)).order
        assert first[0] == scores.argmax()
        assert scores[first[:12]].mean() > 0.7

    def test_of_one_item_is_nothing(self):
        assert diversity_of(worlds(1)[:1]) == 0.0


class TestStretch:
    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(0, 10_000),
        st.floats(0, 1),
        st.floats(0.2, 0.8),
        st.sampled_from([None, 0.7, 0.9]),
    )
    def test_has_its_share_after_each_item_within_one(self, seed, share, rate, diversity):
        vectors = worlds(seed)
        beyond = np.random.default_rng(seed).random(len(vectors)) < rate
        order = arranged(vectors, Dials(0.3, diversity, share), seed, beyond).order
        for length in range(1, 21):
            assert abs(int(beyond[order[:length]].sum()) - share * length) <= 1

    def test_reaches_below_the_window_for_what_it_needs(self):
        vectors = worlds(3, count=600)
        beyond = np.zeros(600, np.bool_)
        beyond[np.argsort(np.random.default_rng(0).random(600))[:30]] = True  # the thirty worst
        order = arranged(vectors, Dials(stretch=1.0), 0, beyond).order
        assert beyond[order[:30]].all()
        assert sorted(order.tolist()) == list(range(600))

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 10_000), st.floats(0, 1), st.integers(0, 70), st.integers(0, 70))
    @example(0, 1.0, 0, 3)
    @example(0, 0.0, 3, 0)
    def test_fills_up_with_the_other_sort_where_there_are_too_few(self, seed, share, stretch, known):
        """In a shop of one category nothing lies beyond who bought in it, and there is a page all the same."""
        beyond = np.random.default_rng(seed).permutation(np.arange(stretch + known) < stretch)
        order = arranged(worlds(seed, count=len(beyond)), Dials(stretch=share), seed, beyond).order
        assert sorted(order.tolist()) == list(range(len(beyond)))
        for length in range(1, min(len(beyond), 60) + 1):
            wanted = min(max(share * length, length - known), stretch)
            assert abs(int(beyond[order[:length]].sum()) - wanted) <= 1

    def test_means_nothing_to_a_stranger(self):
        snapshot = make_snapshot([make_content("vase"), make_content("lamp")])
        assert beyond_what_is_known(make_stranger(), Candidates(snapshot, np.arange(2))) is None

    def test_is_what_is_like_no_interest_and_of_no_category_bought_from(self):
        snapshot = make_snapshot(
            [
                make_content("rose", title="Climbing rose", category="garden"),
                make_content("spade", title="Ash spade", category="tools"),
                make_content("rake", title="Tin rake", category="tools"),
                make_content("mug", title="Blue mug", category="mugs"),
            ]
        )
        view = make_view(interests=("climbing rose",), owned={"spade": 5})
        beyond = beyond_what_is_known(view, Candidates(snapshot, np.arange(4)))
        assert dict(zip(snapshot.rows, beyond.tolist(), strict=True)) == {
            "mug": True, "rake": False, "rose": False, "spade": False,
        }  # fmt: skip


SHOP = [
    *(make_content(f"rose-{n}", title=f"Climbing rose {n}", category="garden") for n in range(20)),
    *(make_content(f"thing-{n}", title=f"Thing{n} for home{n}", category=f"home-{n}") for n in range(40)),
]


class TestInADecision:
    SNAPSHOT = make_snapshot(SHOP)
    VIEW = make_view(interests=("climbing rose",))

    def first(self, **dials):
        mix = resolve(make_scenario().mix, MixRequest(**dials), LAYERS.keys())
        return play(self.SNAPSHOT, self.VIEW, make_scenario(), mix)

    @pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
    def test_the_share_beyond_the_known_is_as_set(self, share):
        keys = [content.key for content in self.first(stretch=share).ranking.contents[:12]]
        assert sum(key.startswith("thing") for key in keys) == pytest.approx(12 * share, abs=1)

    def test_dials_move_items_and_leave_scores_alone(self):
        plain, turned = self.first().ranking, self.first(stretch=0.5, diversity=0.6).ranking
        scores = [{i.content.key: i.score for i in each.first(len(each))} for each in (plain, turned)]
        assert scores[0] == scores[1]

    def test_a_setting_that_cannot_be_had_is_told(self):
        assert self.first().out_of_reach == ()
        (told,) = self.first(diversity=0.0).out_of_reach
        assert (told.kind, told.longest) == (ContentKind.PRODUCT, 60)
        assert told.diversity > 0.05

    def test_dials_are_part_of_the_configuration(self):
        versions = {
            self.first(**dials).configuration_version for dials in ({}, {"stretch": 0.5}, {"diversity": 0.5})
        }
        assert len(versions) == 3

    @pytest.mark.parametrize("dial", ["stretch", "diversity"])
    @pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
    def test_a_dial_has_its_range(self, dial, value):
        with pytest.raises(InvalidInput) as refusal:
            resolve(Mix({"base": 1.0}), MixRequest(**{dial: value}), LAYERS.keys())
        assert (refusal.value.kind, refusal.value.path) == ("INVALID_DIAL", ("mix", dial))


class TestTheWeeklySet:
    """The scenario `weekly_discovery`: a set that stays for a week and learns from skips, repeats and saves."""

    SIZE = 10
    SNAPSHOT = make_snapshot(
        [
            *(make_content(f"rose-{n}", title=f"Climbing rose {n}", category="garden") for n in range(20)),
            *(
                make_content(f"{sort}-{n}", title=f"{material} {sort} {n}", category=f"{sort}s-{n % 4}")
                for sort, material in (("lamp", "Oak"), ("rug", "Wool"), ("mug", "Blue"), ("clock", "Brass"))
                for n in range(20)
            ),
        ]
    )
    SCENARIO = shipped_scenarios()["weekly_discovery"]

    def set_of(self, days=0, **given):
        view = make_view(interests=("climbing rose",), at=NOW + timedelta(days=days), **given)
        ranking = play(self.SNAPSHOT, view, self.SCENARIO).ranking
        return [content.key for content in ranking.contents[: self.SIZE]]

    def test_lies_beyond_the_known_to_the_last_item(self):
        assert not any(key.startswith("rose") for key in self.set_of())

    def test_stays_from_monday_to_sunday_and_is_another_one_then(self):
        weeks = [set(self.set_of(days)) for days in range(14)]  # NOW is a Monday
        assert all(week == weeks[0] for week in weeks[:7])
        assert all(week == weeks[7] for week in weeks[7:])
        assert len(weeks[0] & weeks[7]) <= self.SIZE // 2

    @pytest.mark.parametrize(
        ("kind", "learned"),
        [(FeedbackKind.SAVE, 3), (FeedbackKind.REPEAT, 3), (FeedbackKind.SKIP, -1), (FeedbackKind.LESS, -2)],
    )
    def test_learns_from_what_was_done_with_the_last_one(self, kind, learned):
        """So many more of the sort are in the next four sets together, for one answer about one lamp each week."""
        before = after = 0
        for week in range(1, 5):
            before += sum(key.startswith("lamp") for key in self.set_of(7 * week))
            after += sum(key.startswith("lamp") for key in self.set_of(7 * week, feedback={"lamp-3": kind}))
        assert before > 0
        assert after - before >= learned if learned > 0 else after - before <= learned

    def test_is_the_base_for_a_stranger(self):
        ranking = play(self.SNAPSHOT, make_stranger(), self.SCENARIO).ranking
        assert len(ranking) > self.SIZE
