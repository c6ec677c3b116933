"""What purchases teach of needs that one purchase satisfies: found where it is there, and never for want of evidence."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.catalogue.intervals import Intervals, learn_intervals
from hub.catalogue.model import Need, NeedOrigin, NeedPattern
from tests.builders import make_content

WATCHED = 725.0  # days
Purchases = list[tuple[str, str, float]]


def shop(
    *,
    customers: int = 600,
    every: float = 30.0,
    shelves: int = 12,
    lasting: Mapping[str, float] | None = None,
    taste: float = 0.0,
    until: float = WATCHED,
    seed: int = 0,
) -> Purchases:
    """Return what customers of a shop bought, each from a random shelf every so many days.

    Args:
        customers: how many.
        every: days between two orders of a customer, on average.
        shelves: how many there are, shelf-0 and so on, of three items each.
        lasting: shelf -> for how many days who has bought of it does not buy of it again.
        taste: how unlike each other customers are in what they buy: spread of the logarithms of their rates.
        until: how many days before the last purchase the first was.
        seed: of chance.
    """
    rng = np.random.default_rng(seed)
    found: Purchases = []
    for number in range(customers):
        rates = np.exp(rng.normal(0, taste, shelves))
        wanted_again = np.full(shelves, np.inf)
        age = until - rng.random() * every
        while age > 0:
            open_ = np.where(age <= wanted_again, rates, 0.0)
            if open_.sum() > 0:
                at = int(rng.choice(shelves, p=open_ / open_.sum()))
                found.append((f"customer-{number}", f"shelf-{at}/{rng.integers(3)}", float(age)))
                wanted_again[at] = age - (lasting or {}).get(f"shelf-{at}", 0.0)
            age -= float(rng.exponential(every))
    return found


def learn(purchases: Purchases) -> Intervals:
    categories = {key: key.split("/")[0] for _, key, _ in purchases}
    ages = np.array([age for *_, age in purchases])
    return learn_intervals([who for who, *_ in purchases], [key for _, key, _ in purchases], ages, categories)


def need(found: Intervals, shelf: int = 0, item: int = 0) -> Need:
    return found.need_of(make_content(f"shelf-{shelf}/{item}", category=f"shelf-{shelf}"))


class TestWhatIsLearned:
    def test_what_nobody_who_has_it_buys_again_is_bought_once(self) -> None:
        found = learn(shop(customers=2_000, shelves=8, lasting={"shelf-0": 1e6}))
        assert need(found) == Need(NeedPattern.ONCE, None, NeedOrigin.LEARNED)
        assert set(found.satisfied.categories) == {"shelf-0"}

    @pytest.mark.parametrize(("life", "told"), [(200.0, 180.0), (400.0, 365.0), (600.0, 545.0)])
    def test_what_is_bought_again_when_it_has_worn_out_lasts_so_long_and_never_longer(
        self, life: float, told: float
    ) -> None:
        found = learn(shop(lasting={"shelf-0": life}))
        assert need(found) == Need(NeedPattern.DURABLE, told, NeedOrigin.LEARNED)
        assert set(found.satisfied.categories) == {"shelf-0"}

    def test_an_item_whose_buyers_come_back_for_more_closes_nothing(self) -> None:
        bought = shop(customers=2_000, shelves=8, lasting={"shelf-0": 1e6})
        buyers = [(who, age) for who, key, age in bought if key == "shelf-0/2" and age > 40]
        found = learn(bought + [(who, "shelf-0/1", age - 40) for who, age in buyers[::5]])
        assert found.satisfied.exceptions == {"shelf-0/2"}
        assert need(found, item=2).origin is NeedOrigin.UNSTATED
        assert need(found, item=0).origin is NeedOrigin.LEARNED

    def test_the_order_of_purchases_says_nothing(self) -> None:
        bought = shop(lasting={"shelf-0": 1e6})
        assert learn(bought[::-1]) == learn(bought)


class TestWhatIsNotLearned:
    @pytest.mark.parametrize(
        "evidence",
        [
            lambda: shop(customers=40, lasting={"shelf-0": 1e6}),  # too few have it
            lambda: shop(until=150, lasting={"shelf-0": 1e6}),  # not watched for half a year
            lambda: shop(shelves=120, every=90, lasting={"shelf-0": 1e6}),  # hardly wanted by anybody
            lambda: [p for p in shop(lasting={"shelf-0": 1e6}) if int(p[2]) % 97 == 0],  # hardly seen again
            lambda: [(f"c{n}", "shelf-0/0", 700.0 - n % 600) for n in range(5_000)],  # never seen again
        ],
    )
    def test_without_enough_evidence_nothing_is_closed(self, evidence: Callable[[], Purchases]) -> None:
        assert learn(evidence()).satisfied.categories == {}

    @settings(max_examples=25, deadline=None)
    @given(
        st.integers(0, 2**31),
        st.integers(50, 700),
        st.floats(10, 120),
        st.integers(2, 40),
        st.floats(0, 2),
        st.floats(100, WATCHED),
    )
    def test_a_shop_where_having_a_thing_changes_nothing_closes_nothing(
        self, seed: int, customers: int, every: float, shelves: int, taste: float, until: float
    ) -> None:
        bought = shop(customers=customers, every=every, shelves=shelves, taste=taste, until=until, seed=seed)
        assert learn(bought).satisfied.categories == {}

    def test_what_is_declared_stands(self) -> None:
        found = learn(shop(lasting={"shelf-0": 1e6}))
        for declared in (Need(), Need(NeedPattern.COLLECTIBLE), Need(NeedPattern.DURABLE, 30)):
            content = make_content("shelf-0/0", category="shelf-0", need=declared)
            assert found.need_of(content) is declared
