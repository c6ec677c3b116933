"""Metrics against values worked out by hand, intervals and shares against their laws."""

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.experiments.bootstrap import interval
from hub.experiments.metrics import average_precision, coverage, ndcg, novelty, recall
from hub.experiments.shapley import coalitions, shapley

HITS = np.array([[True, False, True], [False, False, False], [True, True, True]])
TRUTHS = np.array([2, 5, 7])


def test_recall_is_the_share_of_what_was_bought():
    assert recall(HITS, TRUTHS) == pytest.approx([1.0, 0.0, 3 / 7])


def test_ndcg_is_measured_against_as_many_hits_as_there_could_be():
    found = (1 + 1 / log2(4)) / (1 + 1 / log2(3))
    assert ndcg(HITS, TRUTHS) == pytest.approx([found, 0.0, 1.0])


def test_average_precision_is_the_mean_precision_at_each_hit():
    assert average_precision(HITS, TRUTHS) == pytest.approx([(1 + 2 / 3) / 2, 0.0, 1.0])


def test_coverage_and_novelty_look_at_all_lists_together_and_not_at_empty_places():
    lists = np.array([[0, 1], [0, -1]])
    assert coverage(lists, 4) == 0.5
    assert novelty(lists, np.array([8, 2, 0, 0]), 8) == pytest.approx((0 + 2 + 0) / 3)


def test_an_interval_holds_the_mean_and_is_the_same_every_time():
    values = np.random.default_rng(1).normal(0.5, 1.0, 400)
    found = interval(values)
    assert found.low < found.mean < found.high
    assert found.mean == pytest.approx(values.mean())
    assert found == interval(values)
    assert 1.5 < (found.high - found.low) / (2 * values.std() / np.sqrt(400)) < 2.5


def test_shares_of_the_glove_game():
    """Two left gloves and a right one: a pair is worth 1 (the textbook's 1/6, 1/6, 2/3)."""
    values = {
        group: float("right" in group and bool(group & {"left", "other left"}))
        for group in coalitions(["left", "other left", "right"])
    }
    shares = shapley(["left", "other left", "right"], values)
    assert shares == pytest.approx({"left": 1 / 6, "other left": 1 / 6, "right": 2 / 3})


@given(st.lists(st.floats(-1, 1), min_size=16, max_size=16))
def test_shares_sum_to_the_whole(values):
    players = ["a", "b", "c", "d"]
    worth = dict(zip(coalitions(players), values, strict=True))
    shares = shapley(players, worth)
    assert sum(shares.values()) == pytest.approx(worth[frozenset(players)] - worth[frozenset()], abs=1e-9)
