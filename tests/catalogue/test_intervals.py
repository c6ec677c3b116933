"""What purchases teach of how long things last: found where it is there, and nowhere else."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.catalogue import learning
from hub.catalogue.intake import parse_entry
from hub.catalogue.intervals import PRIOR_DAYS, Intervals, learn_intervals
from hub.catalogue.model import Content, ContentKind, Need, NeedOrigin, NeedPattern
from hub.catalogue.service import CatalogueService
from hub.kit.clock import FixedClock
from hub.store.database import Store
from tests.builders import make_content

YEAR = 400.0
REFILL = NeedPattern.REPLENISHABLE


def rhythm(
    key: str, days: float, *, customers: int = 20, spread: float = 0.15, seed: int = 0, until: float = YEAR
) -> list[tuple[str, str, float]]:
    """Return purchases (customer, key, age) of customers who buy every so many days, since a year or so."""
    rng = np.random.default_rng([seed, *key.encode()])
    found = []
    for number in range(customers):
        age = until - rng.random() * days
        while age > 0:
            found.append((f"{key}-{number}", key, float(age)))
            age -= days * float(np.exp(rng.normal(0, spread)))
    return found


def learn(purchases: list[tuple[str, str, float]], categories: Mapping[str, str] | None = None) -> Intervals:
    ages = np.array([age for *_, age in purchases])
    return learn_intervals(
        [who for who, *_ in purchases], [key for _, key, _ in purchases], ages, categories or {}
    )


def need(found: Intervals, key: str = "coffee", category: str = "", **given: Any) -> Need:
    return found.need_of(make_content(key, category=category, **given))


def need_in(plain: dict[str, Any]) -> Need:
    entry = parse_entry("contents", plain)
    assert isinstance(entry, Content)
    return entry.need


class TestWhatIsLearned:
    @pytest.mark.parametrize("days", [7, 21, 45, 90])
    def test_a_regular_rhythm_makes_a_replenishable(self, days: float) -> None:
        learned = need(learn(rhythm("coffee", days)))
        assert (learned.pattern, learned.origin) == (REFILL, NeedOrigin.LEARNED)
        assert learned.days == pytest.approx(days, rel=0.1)

    def test_a_skipped_purchase_in_five_does_not_move_it(self) -> None:
        rng = np.random.default_rng(5)
        bought = [one for one in rhythm("coffee", 30) if rng.random() > 0.2]
        assert need(learn(bought)).days == pytest.approx(30, rel=0.1)

    def test_a_customer_who_buys_for_an_office_counts_once(self) -> None:
        office = [("office", "coffee", float(age)) for age in np.arange(1, YEAR, 2)]
        assert need(learn(rhythm("coffee", 40) + office)).days == pytest.approx(40, rel=0.1)

    @settings(max_examples=40, deadline=None)
    @given(
        days=st.floats(6, 80),
        spread=st.floats(0.05, 0.3),
        customers=st.integers(15, 60),
        seed=st.integers(0, 999),
    )
    def test_any_rhythm_is_found_within_a_fifth(
        self, days: float, spread: float, customers: int, seed: int
    ) -> None:
        learned = need(learn(rhythm("coffee", days, customers=customers, spread=spread, seed=seed)))
        assert learned.pattern is REFILL
        assert learned.days == pytest.approx(days, rel=0.2)

    def test_the_order_of_purchases_says_nothing(self) -> None:
        bought = rhythm("coffee", 30) + rhythm("tea", 50)
        assert learn(bought) == learn(bought[::-1])
        assert learn(bought).version

    def test_a_thin_item_leans_on_its_category(self) -> None:
        shelf = {"coffee": "drinks", "tea": "drinks", "cocoa": "drinks"}
        bought = rhythm("coffee", 28) + rhythm("tea", 32) + rhythm("cocoa", 31, customers=2)
        found = learn(bought, shelf)
        assert "cocoa" not in found.items
        assert need(found, "cocoa", "drinks").days == pytest.approx(30, rel=0.1)
        assert need(found, "never-bought", "drinks").origin is NeedOrigin.LEARNED

    def test_an_item_with_evidence_of_its_own_differs_from_its_category(self) -> None:
        shelf = {"coffee": "drinks", "tea": "drinks", "syrup": "drinks"}
        found = learn(rhythm("coffee", 20) + rhythm("tea", 20) + rhythm("syrup", 80), shelf)
        assert need(found, "syrup", "drinks").days == pytest.approx(80, rel=0.15)


class TestWhatIsNotLearned:
    def test_what_is_declared_stands(self) -> None:
        found = learn(rhythm("coffee", 30))
        for declared in (
            Need(REFILL, 60),
            Need(),
            Need(NeedPattern.COLLECTIBLE),
            Need(NeedPattern.DURABLE, 900),
        ):
            assert need(found, need=declared) is declared

    def test_a_replenishable_without_an_interval_gets_the_learned_one(self) -> None:
        assert need(learn(rhythm("coffee", 30)), need=Need(REFILL)).days == pytest.approx(30, rel=0.1)

    def test_without_evidence_it_gets_the_stated_prior_and_says_so(self) -> None:
        assumed = need(learn(rhythm("coffee", 30, customers=4)), need=Need(REFILL))
        assert (assumed.days, assumed.origin) == (PRIOR_DAYS, NeedOrigin.ASSUMED)

    @pytest.mark.parametrize(
        "bought",
        [
            rhythm("coffee", 30, customers=11),
            rhythm("coffee", 30, spread=1.0),
            rhythm("coffee", 150),
            rhythm("coffee", 30) + [(f"once-{n}", "coffee", 300.0) for n in range(60)],
            rhythm("coffee", 1.5),
            [(f"c{n}", "coffee", float(n)) for n in range(200)],
            [],
        ],
        ids=[
            "too few",
            "no rhythm",
            "not watched long enough",
            "few return",
            "daily",
            "once each",
            "nothing",
        ],
    )
    def test_without_enough_evidence_nothing_is_a_replenishable(self, bought: Any) -> None:
        unstated = need(learn(bought))
        assert (unstated.pattern, unstated.origin) == (NeedPattern.CONSUMABLE, NeedOrigin.UNSTATED)

    def test_articles_run_out_of_nothing(self) -> None:
        assert need(learn(rhythm("coffee", 30)), kind=ContentKind.ARTICLE).origin is NeedOrigin.UNSTATED

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.floats(0, 900)), max_size=60))
    def test_any_purchases_give_days_that_are_a_need(self, bought: list[tuple[str, str, float]]) -> None:
        found = learn(bought, {"x": "shelf"})
        for days in (*found.items.values(), *found.categories.values()):
            assert Need(REFILL, days)
        assert found.items == {}, "three customers are too few to be told of"


@pytest.mark.mongod
class TestKept:
    @pytest.fixture(autouse=True)
    async def contents(self, catalogue: CatalogueService) -> None:
        await catalogue.put_contents(
            [
                make_content("coffee", category="drinks"),
                make_content("mug", category="kitchen"),
                make_content("filter", need=Need(REFILL)),
            ]
        )

    async def bought(self, store: Store, clock: FixedClock, purchases: list[tuple[str, str, float]]) -> None:
        await store.db["events"].insert_many(
            [
                {
                    "_id": f"m{n}", "type": "track", "event": "Order Completed", "user_id": who, "facet_id": f"fct_{who}",
                    "at": clock.now() - timedelta(days=age), "received_at": clock.now(), "projected": True,
                    "items": [{"key": key, "quantity": 1}],
                }
                for n, (who, key, age) in enumerate(purchases)
            ]
        )  # fmt: skip

    async def test_what_was_learned_is_kept_announced_and_heeded(
        self, store: Store, clock: FixedClock, catalogue: CatalogueService
    ) -> None:
        await catalogue.refresh()
        await self.bought(store, clock, rhythm("coffee", 30) + rhythm("mug", 30, customers=3))
        assert await learning.refresh(store, clock) is True
        assert await catalogue.refresh() is True
        by_key = {content.key: content for content in catalogue.snapshot.contents}
        assert by_key["coffee"].need.origin is NeedOrigin.LEARNED
        assert by_key["coffee"].need.days == pytest.approx(30, rel=0.1)
        assert by_key["mug"].need.origin is NeedOrigin.UNSTATED
        assert by_key["filter"].need == Need(REFILL, PRIOR_DAYS, NeedOrigin.ASSUMED)
        assert await learning.load_intervals(store) == learn(
            rhythm("coffee", 30) + rhythm("mug", 30, customers=3), {"coffee": "drinks", "mug": "kitchen"}
        )
        assert await learning.refresh(store, clock) is False

    async def test_putting_the_same_entry_again_changes_nothing_though_a_need_was_learned(
        self, store: Store, clock: FixedClock, catalogue: CatalogueService
    ) -> None:
        await self.bought(store, clock, rhythm("coffee", 30))
        await learning.refresh(store, clock)
        await catalogue.refresh()
        again = await catalogue.put_contents([make_content("coffee", category="drinks")])
        assert (again.added, again.changed, again.unchanged) == (0, 0, 1)

    async def test_an_entry_in_json_may_leave_the_interval_or_the_need_open(self) -> None:
        plain = {"key": "k", "kind": "PRODUCT", "title": "K"}
        assert need_in(plain).origin is NeedOrigin.UNSTATED
        assert need_in({**plain, "need": {"pattern": "REPLENISHABLE"}}) == Need(REFILL)
        assert need_in({**plain, "need": {"pattern": "CONSUMABLE"}}).origin is NeedOrigin.DECLARED
