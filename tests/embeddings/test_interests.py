"""Interest arithmetic: a few directions from many signals, and scores from directions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.interests import (
    avoidance,
    best_similarity,
    cluster,
    decayed,
    quotas,
    strongest_direction,
    weighted_similarity,
)

DAY = 86_400.0


def axis(*numbers, dimensions=6):
    """Unit vectors along axes: axis(0, 0, 1) are two alike and one that has nothing to do with them."""
    return np.eye(dimensions, dtype=np.float32)[list(numbers)]


def tilted(number, towards, share, dimensions=6):
    vector = np.zeros(dimensions, np.float32)
    vector[number], vector[towards] = np.sqrt(1 - share**2), share
    return vector[None]


@st.composite
def signals(draw):
    """Some signals around a few tastes, at whole days so that the arithmetic is exact."""
    count = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    tastes = rng.normal(size=(draw(st.integers(1, 12)), 16))
    vectors = tastes[rng.integers(0, len(tastes), count)] + 0.4 * rng.normal(size=(count, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    weights = rng.choice([0.5, 1.0, 2.0, 4.0], count)
    times = rng.integers(0, 400, count) * DAY
    return vectors, weights, times


def alike(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.vector.tobytes() == b.vector.tobytes()
        assert a.weight == b.weight


class TestCluster:
    def test_two_tastes_are_two_directions_and_never_their_average(self):
        vectors = axis(0, 1, 0, 1, 0)
        found = cluster(vectors, np.ones(5), np.arange(5) * DAY)
        assert [direction.members for direction in found] == [(0, 2, 4), (1, 3)]
        np.testing.assert_allclose([d.vector for d in found], axis(0, 1), atol=1e-6)
        assert found[0].weight > found[1].weight

    def test_no_signals_are_no_directions(self):
        assert cluster(np.zeros((0, 6), np.float32), np.zeros(0), np.zeros(0)) == []

    def test_signals_that_say_nothing_are_left_out(self):
        vectors = np.vstack([axis(0), np.zeros((1, 6), np.float32), axis(1), axis(2)])
        found = cluster(vectors, np.array([1.0, 1.0, 0.0, -1.0]), np.zeros(4))
        assert [direction.members for direction in found] == [(0,)]

    def test_the_threshold_decides_what_belongs_together(self):
        vectors = np.vstack([axis(0), tilted(0, 1, 0.8)])  # cosine .6
        assert len(cluster(vectors, np.ones(2), np.zeros(2), threshold=0.55)) == 1
        assert len(cluster(vectors, np.ones(2), np.zeros(2), threshold=0.65)) == 2

    def test_a_signal_weighs_half_after_a_half_life(self):
        found = cluster(axis(0, 1), np.ones(2), np.array([0.0, 45 * DAY]))
        assert [d.members for d in found] == [(1,), (0,)]
        np.testing.assert_allclose([d.weight for d in found], [2 / 3, 1 / 3])

    def test_the_lightest_are_dropped_where_there_are_too_many(self):
        found = cluster(axis(0, 1, 2), np.array([1.0, 3.0, 2.0]), np.zeros(3), most=2)
        assert [d.members for d in found] == [(1,), (2,)]
        assert sum(d.weight for d in found) == pytest.approx(1)

    def test_the_leader_is_the_member_nearest_to_the_direction(self):
        vectors = np.vstack([tilted(0, 1, 0.5), axis(0), tilted(0, 1, -0.5)])
        (found,) = cluster(vectors, np.ones(3), np.arange(3.0))
        assert found.leader == 1

    def test_what_is_a_century_old_has_faded_to_nothing(self):
        found = cluster(axis(0, 1), np.ones(2), np.array([0.0, 36_500 * DAY]))
        assert [d.members for d in found] == [(1,)]

    @pytest.mark.parametrize("bad", [{"threshold": 0.0}, {"half_life_days": 0.0}, {"most": 0}])
    def test_settings_that_make_no_sense_are_refused(self, bad):
        with pytest.raises(ValueError, match="above 0"):
            cluster(axis(0), np.ones(1), np.zeros(1), **bad)

    def test_what_is_not_finite_is_refused(self):
        with pytest.raises(ValueError, match="finite"):
            cluster(axis(0), np.array([np.nan]), np.zeros(1))
        with pytest.raises(ValueError, match="shapes"):
            cluster(axis(0), np.ones(2), np.zeros(1))

    @given(signals())
    def test_directions_are_units_whose_weights_sum_to_one_heaviest_first(self, given_signals):
        found = cluster(*given_signals)
        assert 1 <= len(found) <= 8
        np.testing.assert_allclose([np.linalg.norm(d.vector) for d in found], 1, atol=1e-5)
        assert sum(d.weight for d in found) == pytest.approx(1)
        assert [d.weight for d in found] == sorted((d.weight for d in found), reverse=True)

    @given(signals())
    def test_members_are_signals_each_in_one_direction_with_the_leader_among_them(self, given_signals):
        found = cluster(*given_signals)
        members = [member for direction in found for member in direction.members]
        assert len(set(members)) == len(members)
        assert set(members) <= set(range(len(given_signals[0])))
        assert all(direction.leader in direction.members for direction in found)

    @given(signals(), st.randoms(use_true_random=False))
    def test_the_order_in_which_signals_are_handed_over_does_not_matter(self, given_signals, random):
        shuffled = list(range(len(given_signals[0])))
        random.shuffle(shuffled)
        alike(cluster(*given_signals), cluster(*(array[shuffled] for array in given_signals)))

    @given(signals(), st.integers(1, 5_000))
    def test_the_passing_of_time_alone_changes_nothing(self, given_signals, days):
        vectors, weights, times = given_signals
        alike(cluster(vectors, weights, times), cluster(vectors, weights, times + days * DAY))

    @given(signals(), st.sampled_from([0.25, 2.0, 1024.0]))
    def test_only_the_proportion_of_weights_counts(self, given_signals, factor):
        vectors, weights, times = given_signals
        alike(cluster(vectors, weights, times), cluster(vectors, weights * factor, times))


class TestDecay:
    def test_weights_are_counted_back_from_the_last_signal(self):
        faded = decayed(np.full(3, 8.0), np.array([0.0, 10.0, 20.0]) * DAY, half_life_days=10)
        np.testing.assert_allclose(faded, [2, 4, 8])

    def test_nothing_fades_to_nothing(self):
        assert decayed(np.zeros(0), np.zeros(0)).shape == (0,)


class TestScores:
    def test_best_similarity_is_the_nearest_direction(self):
        vectors = np.vstack([axis(0), tilted(0, 1, 0.6), axis(5)])
        np.testing.assert_allclose(best_similarity(vectors, axis(0, 1)), [1, 0.8, 0], atol=1e-6)

    def test_without_directions_everything_scores_nothing(self):
        none = np.zeros((0, 6), np.float32)
        assert best_similarity(axis(0, 1), none).tolist() == [0, 0]
        assert avoidance(axis(0, 1), none).tolist() == [0, 0]
        assert weighted_similarity(axis(0, 1), none, np.zeros(0)).tolist() == [0, 0]

    def test_avoiding_costs_only_what_is_truly_alike(self):
        vectors = np.vstack([axis(0), tilted(1, 0, 0.39), tilted(1, 0, 0.6)])
        np.testing.assert_allclose(avoidance(vectors, axis(0)), [-0.3, 0, -0.1], atol=1e-6)

    def test_a_small_interest_is_heard_and_a_large_one_better(self):
        scores = weighted_similarity(axis(0, 1, 2), axis(0, 1), np.array([0.9, 0.1]))
        np.testing.assert_allclose(scores, [1, (1 / 9) ** 0.25, 0], atol=1e-6)

    def test_an_item_need_not_resemble_every_interest(self):
        one = weighted_similarity(axis(0), axis(0), np.ones(1))
        many = weighted_similarity(axis(0), axis(0, 1, 2, 3), np.full(4, 0.25))
        np.testing.assert_allclose(one, many, atol=1e-6)

    def test_the_strongest_direction_is_the_one_that_gave_the_score(self):
        strongest = strongest_direction(axis(1, 0), axis(0, 1), np.array([0.9, 0.1]))
        assert strongest.tolist() == [1, 0]

    @given(signals(), st.integers(0, 100))
    def test_scores_keep_to_their_bounds(self, given_signals, seed):
        vectors, weights, _ = given_signals
        rng = np.random.default_rng(seed)
        directions = rng.normal(size=(len(weights), 16)).astype(np.float32)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        scores = weighted_similarity(vectors, directions, weights)
        assert (np.abs(scores) <= 1).all()
        cost = avoidance(vectors, directions)
        assert (cost <= 0).all()
        assert (cost >= -0.3 - 1e-6).all()


class TestQuotas:
    def test_everyone_gets_a_place_and_the_rest_goes_by_weight(self):
        assert quotas(np.array([0.7, 0.2, 0.1]), 13).tolist() == [8, 3, 2]

    def test_where_places_are_short_the_heaviest_get_them(self):
        assert quotas(np.array([0.1, 0.6, 0.3]), 2).tolist() == [0, 1, 1]

    def test_no_weights_at_all_share_evenly(self):
        assert quotas(np.zeros(2), 5).tolist() == [3, 2]

    def test_nobody_shares_nothing(self):
        assert quotas(np.zeros(0), 5).tolist() == []

    @pytest.mark.parametrize(("weights", "total"), [([-1.0], 3), ([np.inf], 3), ([1.0], -1)])
    def test_what_cannot_be_shared_is_refused(self, weights, total):
        with pytest.raises(ValueError, match="finite"):
            quotas(np.array(weights), total)

    @given(
        st.lists(st.floats(0, 100, allow_subnormal=False), min_size=1, max_size=10),
        st.integers(0, 200),
        st.integers(0, 4),
    )
    def test_all_places_are_given_and_a_heavier_one_never_gets_fewer(self, weights, total, least):
        shares = quotas(np.array(weights), total, least=least)
        assert shares.sum() == total
        assert (shares >= min(least, total // len(weights))).all()
        for a in range(len(weights)):
            for b in range(len(weights)):
                if weights[a] > weights[b]:
                    assert shares[a] >= shares[b]
