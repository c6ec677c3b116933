"""How loud neighbours are beside popularity: as the last month would have had it, and 1 where it does not say."""

from itertools import product

import numpy as np
import pytest

from hub.catalogue.gain import GAINS, LEAST_CUSTOMERS, WORTH, gain_of
from hub.catalogue.neighbours import learn
from hub.decisions.scenario_files import shipped_scenarios

WIDTH = 60


def rehearsed(told, *, customers=200, strength=0.02, seed=1):
    """Return the gain of a shop in which popularity says `item 0...9` and neighbours say `item 50 + group`, faintly."""
    drawn = np.random.default_rng(seed)
    lines = []
    for customer in range(customers):
        group = customer % 10
        lines += [(customer, 20 + group, 60.0), (customer, int(drawn.integers(10)), 35.0)]
        lines.append((customer, told(group, drawn), 5.0))

    def affinity(rows, ages):
        spread = np.zeros(WIDTH)
        spread[30 + rows[rows >= 20]] += strength
        return spread

    who, what, ages = (np.array(column) for column in zip(*lines, strict=True))
    return gain_of(affinity, who, what, ages, width=WIDTH, window=30.0)


def test_where_neighbours_were_right_and_faint_they_are_made_louder():
    assert rehearsed(lambda group, _: 50 + group) >= 8.0


def test_where_popularity_was_right_they_are_made_no_louder():
    assert rehearsed(lambda _, drawn: int(drawn.integers(10)), strength=0.5) < 1.0


def test_where_neither_was_right_they_stay_as_they_are():
    assert rehearsed(lambda _, drawn: 40 + int(drawn.integers(10))) == 1.0


def test_too_few_customers_tell_nothing():
    assert rehearsed(lambda group, _: 50 + group, customers=LEAST_CUSTOMERS - 1) == 1.0


@pytest.mark.parametrize(("days", "louder"), [(20, False), (200, True)])
def test_it_is_learned_with_the_neighbours(days, louder):
    """Six kinds of customers, who come every ten days for one thing of the twenty that their kind buys."""
    drawn = np.random.default_rng(2)
    lines = [
        (f"c{group}-{n}", f"{group}-{int(drawn.integers(20))}", float(day))
        for group, n, day in product(range(6), range(40), range(0, days, 10))
    ]
    found = learn([w for w, _, _ in lines], [k for _, k, _ in lines], np.array([a for _, _, a in lines]))
    assert found.gain in GAINS
    assert (found.gain > 1.0) == louder  # of a log of twenty days nothing lies behind the last thirty


def test_it_is_rehearsed_with_the_loudness_of_the_mixes_that_ship():
    weights = shipped_scenarios()["home"].mix.weights
    assert weights["neighbours"] / weights["base"] == pytest.approx(WORTH)
