"""The shipped example: every line accounted for, and what each kind of line becomes."""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pymongo import ASCENDING

from hub.imports.service import make_plan, rehearse
from hub.kit.money import Money
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from tests.imports.conftest import LINES, RETAIL, retail_file

MAPPING = RETAIL / "mapping.toml"
GIVEN = os.environ.get("TUTTI_TEST_DATA")

# What the whole file comes to, and what the small one does: lines, items, contents merged, lines of orders and
# refunds, merged, rejected, messages.
WHOLE = (541_909, 3_805, 532_624, 526_339, 10_090, 5_480, 31_947)
SMALL = (12, 3, 5, 7, 1, 4, 9)


@pytest.fixture
def retail(tmp_path) -> Path:
    return retail_file(tmp_path / "retail.parquet", LINES)


async def test_all_lines_are_accounted_for(tmp_path, retail, progress, clock):
    real = Path(GIVEN or tmp_path) / "online_retail" / "online_retail.parquet"
    expected = WHOLE if real.exists() else SMALL
    plan = make_plan(real if real.exists() else retail, MAPPING, None)
    summary = await rehearse(plan, tmp_path / "rejects.jsonl", progress=progress, clock=clock)
    items, events = summary.state.sections["contents"].counts, summary.state.sections["events"].counts
    assert (items.lines, events.lines) == (expected[0], expected[0])
    assert (items.imported, items.merged, items.rejected) == (expected[1], expected[2], expected[5])
    assert (events.imported, events.merged, events.rejected) == (expected[3], expected[4], expected[5])
    assert events.tally == {"valid": expected[6]}
    assert items.rejected + events.rejected == len((tmp_path / "rejects.jsonl").read_text().splitlines())


@pytest.mark.mongod
class TestImported:
    @pytest.fixture(autouse=True)
    async def summary(self, importer, retail, tmp_path, progress):
        self.again = lambda **more: importer.bring_in(
            make_plan(retail, MAPPING, None), tmp_path / "rejects.jsonl", progress=progress, **more
        )
        self.first = await self.again()

    async def test_items_have_the_usual_title_the_latest_price_and_the_day_of_their_first_sale(
        self, catalogue
    ):
        mug, bag, pot = catalogue.snapshot.contents
        assert (mug.key, mug.title, mug.price) == ("10001", "Red mug", Money(Decimal("2.75"), "GBP"))
        assert mug.published_at == datetime(2011, 7, 1, 8, tzinfo=UTC)  # nine o'clock in London, in summer
        assert (bag.key, bag.title, bag.price) == ("10002B", "Blue bag", Money(Decimal("1.5"), "GBP"))
        assert (pot.key, pot.title) == ("10004", "Green pot")

    async def test_an_invoice_is_one_order_whose_same_items_are_added_up(self, store):
        order = await store.db["events"].find_one({"_id": "online-retail-order-1"})
        assert (order["event"], order["user_id"]) == ("Order Completed", "17850")
        assert order["payload"]["properties"]["products"] == [
            {"product_id": "10001", "quantity": 5, "price": 2.5},
            {"product_id": "10001", "quantity": 1, "price": 2.0},
            {"product_id": "10004", "quantity": 1, "price": 4.0},
        ]
        assert "anonymous_id" not in order

    async def test_a_cancellation_is_a_refund(self, store):
        refund = await store.db["events"].find_one({"_id": "online-retail-refund-C3"})
        assert refund["event"] == "Order Refunded"
        assert [(item["key"], item["quantity"]) for item in refund["items"]] == [("10001", 1)]

    async def test_an_invoice_without_a_customer_is_a_visit_of_its_own(self, store):
        order = await store.db["events"].find_one({"_id": "online-retail-order-2"})
        assert order["anonymous_id"] == "online-retail-visit-2"
        assert "user_id" not in order

    async def test_every_customer_has_a_profile_even_without_an_order(self, store, profiles):
        users = await store.db["identities"].distinct("_id", {"_id": {"$regex": "^user_id:"}})
        assert users == ["user_id:12346", "user_id:17850"]
        loyal = await profiles.require(CustomerRef("user_id", "17850"))
        assert (loyal.traits["country"].value, loyal.identity("email")) == (
            "Spain",
            "17850@customers.example",
        )
        assert {key: owned.count for key, owned in loyal.owned.items()} == {"10001": 6, "10004": 1}
        silent = await profiles.require(CustomerRef("user_id", "12346"))
        assert "country" not in silent.traits
        assert not silent.owned

    async def test_the_assumed_consent_says_that_it_is_assumed(self, profiles):
        loyal = await profiles.require(CustomerRef("user_id", "17850"))
        told = [
            c
            for c in loyal.consents
            if c.purpose is Purpose.EMAIL_MARKETING and c.state is ConsentState.GRANTED
        ]
        assert [c.channel for c in told] == ["*"]
        assert "assumed" in told[0].source

    async def test_rejected_lines_stand_in_the_file_with_line_and_reason(self, tmp_path):
        records = [json.loads(text) for text in (tmp_path / "rejects.jsonl").read_text().splitlines()]
        found = [(r["line"], r["reason"].split(":")[0]) for r in records if r["section"] == "events"]
        assert found == [(4, "not an item"), (8, "no description"), (9, "no price"), (10, "not an item")]
        assert records[0]["row"]["StockCode"] == "POST"

    async def test_popularity_follows_the_orders(self, catalogue):
        # The mug was bought twice and given back once in between; the bag later than the pot.
        mug, bag, pot = catalogue.snapshot.popularity
        assert mug == 1
        assert mug > bag > pot > 0

    @pytest.mark.parametrize("more", [{}, {"again": True}])
    async def test_a_second_run_changes_nothing(self, store, more):
        async def everything():
            names = [n for n in await store.db.list_collection_names() if n != "imports"]
            return {
                name: await store.db[name].find({}).sort("_id", ASCENDING).to_list() for name in sorted(names)
            }

        before = await everything()
        second = await self.again(**more)
        assert await everything() == before
        assert second.already is not bool(more)
        for name, section in second.state.sections.items():
            first = self.first.state.sections[name].counts
            assert (section.counts.imported, section.counts.merged, section.counts.rejected) == (
                first.imported,
                first.merged,
                first.rejected,
            )
