"""Tendencies: what newcomers choose and what is bought again, learned from the past alone and silent where it is short."""

from itertools import product

import numpy as np
import pytest

from benchmarks.kinds import fashion
from hub.catalogue import learning
from hub.catalogue.baskets import shared_orders
from hub.catalogue.model import Content, ContentKind
from hub.catalogue.tendencies import Tendencies, learn_tendencies
from tests.catalogue.test_popularity import LAST, event

RANDOM = np.random.default_rng(11)


def shop(days=160, newcomers=6):
    """Return what `learn_tendencies` takes: regulars buy tea every fortnight and a lamp once; newcomers begin with soap."""
    lines = [(f"r{n}", "tea", float(age)) for n in range(120) for age in range(n % 14, days, 14)]
    lines += [(f"r{n}", "lamp", float(days - 1 - n % 60)) for n in range(120)]
    for age in range(days - 20):
        for n in range(newcomers):
            lines.append((f"n{age}-{n}", "soap", float(age)))
            lines.append((f"n{age}-{n}", f"thing-{int(RANDOM.integers(12))}", float(age)))
    return taught(lines)


def taught(lines):
    """Return (customer, key, age) as `learn_tendencies` takes them."""
    return [who for who, _, _ in lines], [key for _, key, _ in lines], np.array([age for _, _, age in lines])


LEARNED = learn_tendencies(*shop())


def likely(learned, key, *, days, last, first):
    place = np.array([learned.keys.index(key)], np.intp)
    return float(learned.likely(place, np.array([days]), np.array([last]), np.array([first]))[0])


class TestAgain:
    def test_what_others_buy_again_is_bought_again_and_a_lamp_is_not(self):
        tea = likely(LEARNED, "tea", days=2.0, last=10.0, first=24.0)
        assert tea > 0.5
        assert tea > 3 * likely(LEARNED, "lamp", days=1.0, last=100.0, first=100.0)

    def test_what_was_not_bought_for_long_is_less_likely(self):
        soon, late = (likely(LEARNED, "tea", days=3.0, last=last, first=140.0) for last in (10.0, 130.0))
        assert soon > late

    def test_where_nothing_is_bought_again_that_is_learned(self):
        """A shop of fashion: customers come back every month, and never for the same thing."""
        lines = [
            (f"c{n}", f"dress-{n}-{age}", float(age + n % 9)) for n in range(60) for age in range(0, 150, 30)
        ]
        learned = learn_tendencies(*taught(lines))
        assert likely(learned, "dress-1-30", days=1.0, last=31.0, first=31.0) < 0.01

    def test_who_does_not_have_it_buys_it_as_often_as_that_was_seen(self):
        """Each month every customer buys one of three new dresses, and nothing twice."""
        lines = [
            (f"c{n}", f"dress-{month}-{n % 3}", 30.0 * month + n % 9) for n in range(60) for month in range(5)
        ]
        learned = learn_tendencies(*taught(lines))
        fresh = dict(zip(learned.keys, learned.fresh.tolist(), strict=True))
        assert 0.25 < fresh["dress-0-0"] < 0.4
        assert fresh["dress-0-0"] > 50 * likely(learned, "dress-0-0", days=1.0, last=9.0, first=9.0)
        assert fresh["dress-4-0"] < 0.05  # nobody wants those of last year

    def test_weights_do_not_run_away_where_hardly_anything_is_bought_twice(self):
        """A shop of fashion, drawn at random: of 40,000 things that customers had, some dozens were bought again."""
        _, orders = fashion(np.random.default_rng(1), 235)
        last = max(day for _, day, _ in orders)
        lines = [(f"c{who}", f"p{thing}", last - day) for who, day, things in orders for thing in things]
        learned = learn_tendencies(*taught(lines))
        assert np.abs(learned.curve).max() < 20
        places = np.arange(len(learned), dtype=np.intp)
        ones = np.ones(len(learned))
        for days, ago in product((1.0, 2.0), (5.0, 60.0)):
            assert learned.likely(places, days * ones, ago * ones, 90.0 * ones).mean() < 0.05

    def test_of_a_few_who_bought_again_the_share_is_learned(self):
        """Of a hundred customers every tenth buys the same again each month, the others something else."""
        lines = [
            (f"c{n}", "wine" if n < 10 else f"wine-{n}-{age}", float(age + n % 9))
            for n in range(100)
            for age in range(0, 150, 30)
        ]
        learned = learn_tendencies(*taught(lines))
        again = likely(learned, "wine", days=4.0, last=30.0, first=120.0)
        assert 0.1 < again < 1.0
        assert again > likely(learned, "wine-50-30", days=1.0, last=35.0, first=35.0)

    def test_a_handful_of_purchases_teaches_nothing(self):
        lines = [(f"c{n}", "tea", float(age + n)) for n in range(10) for age in range(0, 150, 30)]
        assert not len(learn_tendencies(*taught(lines)).curve)

    def test_a_short_log_teaches_nothing(self):
        assert not len(learn_tendencies(*shop(days=40)).curve)


class TestFirst:
    def test_newcomers_begin_with_what_newcomers_began_with(self):
        best = LEARNED.keys[int(LEARNED.first.argmax())]
        assert best == "soap"
        assert LEARNED.first.max() == 1.0
        assert LEARNED.first[LEARNED.keys.index("lamp")] < 0.5

    def test_without_newcomers_nothing_is_known_of_them(self):
        assert not learn_tendencies(*shop(newcomers=0)).first.any()


def test_the_order_of_purchases_is_nothing_to_it():
    customers, keys, ages = shop()
    turned = RANDOM.permutation(len(keys))
    straight = learn_tendencies(customers, keys, ages)
    again = learn_tendencies([customers[i] for i in turned], [keys[i] for i in turned], ages[turned])
    assert again.version == straight.version


def test_placed_over_a_catalogue_what_was_never_sold_is_least_likely():
    placed = LEARNED.placed({"new": 0, "soap": 1, "tea": 2}, 3)
    assert placed.first.tolist() == [0.0, 1.0, LEARNED.first[LEARNED.keys.index("tea")]]
    assert placed.again[0] == LEARNED.again.min()
    assert placed.fresh.tolist() == [0.0, *(LEARNED.fresh[LEARNED.keys.index(k)] for k in ("soap", "tea"))]
    assert len(Tendencies().placed({"new": 0}, 1).curve) == 0


def test_without_purchases_there_is_nothing():
    assert len(learn_tendencies([], [], np.zeros(0))) == 0


class TestBaskets:
    def test_lines_of_one_order_are_paired_and_those_of_two_are_not(self):
        who, what = np.array([0, 0, 0, 1]), np.array([0, 1, 2, 2])
        shared = shared_orders(who, what, np.array([0.0, 0.0, 7.0, 0.0]), 3, 7.0)
        root = 2**-0.5
        expected = [[root, root, 0.0], [root, root, 0.0], [0.0, 0.0, 1.5]]
        np.testing.assert_allclose(shared, expected, rtol=1e-6)

    def test_it_is_the_same_in_pieces(self, monkeypatch):
        who, what = RANDOM.integers(0, 20, 300), RANDOM.integers(0, 9, 300)
        ages = RANDOM.integers(0, 5, 300).astype(float)
        whole = shared_orders(who, what, ages, 9, 30.0)
        monkeypatch.setattr("hub.catalogue.baskets.MOST_PAIRS", 7)
        np.testing.assert_allclose(shared_orders(who, what, ages, 9, 30.0), whole, rtol=1e-5)


@pytest.mark.mongod
async def test_it_is_kept_and_found_again(catalogue, store, clock):
    await catalogue.put_contents(
        [Content(key=key, kind=ContentKind.PRODUCT, title=key) for key in ("cup", "pot")]
    )
    await store.db["events"].insert_many(
        [
            {**event(key, "Order Completed", LAST, n=n), "user_id": f"c{n}"}
            for n in range(6)
            for key in ("cup", "pot")
        ]
    )
    assert await learning.refresh(store, clock)
    kept = await learning.load_tendencies(store)
    assert kept.keys == ("cup", "pot")
    assert kept.version
    await catalogue.refresh()
    assert len(catalogue.snapshot.tendencies) == 2
    assert not await learning.refresh(store, clock)
