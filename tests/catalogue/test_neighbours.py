"""Neighbours: learned from what at least five customers share, the same for the same purchases, one number a pair."""

import numpy as np
import pytest

from hub.catalogue import learning, popularity
from hub.catalogue.model import Content, ContentKind
from hub.catalogue.neighbours import ANONYMITY, Neighbours, Table, learn
from tests.catalogue.test_popularity import LAST, event


def purchases(*baskets):
    """Return what `learn` takes, of (customer, age in days, keys...)."""
    lines = [(who, key, float(age)) for who, age, *keys in baskets for key in keys]
    return [who for who, _, _ in lines], [key for _, key, _ in lines], np.array([age for _, _, age in lines])


def weight(table, found, source, target):
    amounts = table.spread(np.array([found.keys.index(source)]), np.ones(1))
    return amounts[found.keys.index(target)]


PAIRS = [(f"c{n}", n % 7, "cup", "saucer") for n in range(8)] + [
    (f"d{n}", n % 7, "rake", "spade") for n in range(8)
]


def test_what_is_bought_together_goes_together_and_the_rest_does_not():
    found = learn(*purchases(*PAIRS))
    assert weight(found.together, found, "cup", "saucer") > 0.1
    assert weight(found.together, found, "cup", "spade") == 0
    assert weight(found.together, found, "cup", "cup") == 0


def test_what_comes_next_knows_the_direction_of_time():
    first = [(f"c{n}", 60, "seeds", "pots") for n in range(10)]
    then = [(f"c{n}", 5, "shears") for n in range(10)]
    found = learn(*purchases(*first, *then))
    assert weight(found.next, found, "seeds", "shears") > 0.02
    assert weight(found.next, found, "shears", "seeds") == 0


@pytest.mark.parametrize("customers", [ANONYMITY - 1, ANONYMITY])
def test_a_pair_counts_from_five_customers_on(customers):
    shared = [(f"c{n}", 1, "cup", "saucer") for n in range(customers)]
    apart = [(f"{key}{n}", 1, key) for n in range(6) for key in ("cup", "saucer")]
    found = learn(*purchases(*shared, *apart))
    assert (weight(found.together, found, "cup", "saucer") != 0) == (customers >= ANONYMITY)


def test_one_customer_who_buys_often_is_one_customer():
    found = learn(*purchases(*[("c", age, "cup", "saucer") for age in range(40)]))
    assert len(found) == 0


def test_the_order_of_purchases_is_nothing_to_it():
    customers, keys, ages = purchases(*PAIRS)
    turned = np.random.default_rng(3).permutation(len(keys))
    again = learn([customers[i] for i in turned], [keys[i] for i in turned], ages[turned])
    assert again.version == learn(customers, keys, ages).version


def test_placed_over_a_catalogue_it_leaves_out_what_is_not_there():
    found = learn(*purchases(*PAIRS)).placed({"saucer": 0, "lamp": 1, "cup": 2}, 3)
    assert found.together.spread(np.array([2]), np.ones(1))[0] > 0.1
    assert found.together.spread(np.array([0, 1]), np.ones(2)).tolist()[1] == 0
    assert found.together.out_of(np.array([1, 2])).strongest(0) == 2
    assert found.together.out_of(np.array([1])).strongest(0) is None


def test_without_purchases_there_is_nothing():
    assert len(learn([], [], np.zeros(0))) == 0
    assert Table.empty(3).spread(np.array([0, 2]), np.ones(2)).tolist() == [0, 0, 0]


@pytest.mark.mongod
class TestKept:
    @pytest.fixture(autouse=True)
    async def contents(self, catalogue):
        await catalogue.put_contents(
            [
                Content(key=key, kind=ContentKind.PRODUCT, title=key)
                for key in ("cup", "saucer", "rake", "spade")
            ]
        )

    def orders(self, *, user):
        made = []
        for n in range(8):
            for keys in (("cup", "saucer"), ("rake", "spade")):
                one = event(keys[0], "Order Completed", LAST, n=n)
                made.append(
                    {
                        **one,
                        **({"user_id": f"{keys[0]}{n}"} if user else {}),
                        "items": [{"key": k} for k in keys],
                    }
                )
        return made

    async def test_what_was_learned_is_kept_announced_and_played(self, store, clock, catalogue):
        await store.db["events"].insert_many(self.orders(user=True))
        assert await learning.refresh(store, clock) is True
        assert await catalogue.refresh() is True
        found, rows = catalogue.snapshot.neighbours, catalogue.snapshot.rows
        assert found.together.spread(np.array([rows["cup"]]), np.ones(1)).argmax() == rows["saucer"]
        kept = await learning.load_neighbours(store)
        assert kept.version == found.version
        assert await learning.refresh(store, clock) is False

    async def test_baskets_of_nobody_known_teach_nothing(self, store, clock):
        await store.db["events"].insert_many(self.orders(user=False))
        await learning.refresh(store, clock)
        assert len(await learning.load_neighbours(store)) == 0

    async def test_popularity_in_memory_is_that_of_the_store(self, store, clock):
        events = [
            event(k, "Order Completed", LAST - n * popularity.HALF_LIFE / 3, n=n)
            for n, k in enumerate(["cup", "cup", "rake", "spade", "saucer"])
        ]
        await store.db["events"].insert_many(events)
        await popularity.refresh(store, clock)
        sums = popularity.decayed_sums(
            ((e["event"], e["at"], [i["key"] for i in e["items"]]) for e in events), LAST
        )
        scaled = popularity.scale(sums, dict.fromkeys(["cup", "saucer", "rake", "spade"], "PRODUCT"))
        stored = (await popularity.load_popularity(store)).scores
        assert stored == pytest.approx(scaled, abs=1e-6)


def test_an_empty_one_has_no_length():
    assert len(Neighbours()) == 0
