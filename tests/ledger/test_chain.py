"""The chain of a customer's ledger: what it shows, by how many writers at once, and that replay is exact."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.ledger.service import LedgerService
from hub.store.database import Store
from tests.builders import NOW
from tests.ledger.test_ledger import served


@pytest.fixture
async def ledger(store, clock):
    service = LedgerService(store, clock)
    yield service
    await service.close()


async def rows_of(store: Store, profile_id: str):
    return await store.db["served"].find({"profile_id": profile_id}).sort("seq", 1).to_list()


class TestWriting:
    async def test_rows_follow_each_other_whether_together_or_apart(self, ledger, store):
        await asyncio.gather(*(ledger.record(served()) for _ in range(20)))
        await ledger.record(served())
        rows = await rows_of(store, "prf_1")
        assert [row["seq"] for row in rows] == list(range(1, 22))
        assert [row["before"] for row in rows] == ["", *(row["hash"] for row in rows[:-1])]
        report = await ledger.verify()
        assert (report.rows, report.chains, report.faults) == (21, 1, ())

    async def test_many_hubs_write_to_one_chain_at_once(self, store, clock):
        hubs = [LedgerService(store, clock) for _ in range(4)]
        names = ("prf_1", "prf_2", "prf_3")
        rows = [served(profile_id=names[i % 3]) for i in range(120)]
        for start in range(0, 120, 24):
            await asyncio.gather(*(hubs[i % 4].record(row) for i, row in enumerate(rows[start : start + 24])))
        for name in names:
            assert [row["seq"] for row in await rows_of(store, name)] == list(range(1, 41))
        report = await hubs[0].verify()
        assert (report.rows, report.chains, report.faults) == (120, 3, ())

    async def test_what_a_row_needs_is_read_ahead_together_for_all_who_are_expected(
        self, store, clock, monkeypatch
    ):
        one, other = LedgerService(store, clock), LedgerService(store, clock)
        names = ("prf_1", "prf_2", "prf_3")
        for name in names[:2]:
            await other.record(served(profile_id=name))
        asked = []
        real = one._repository._ends
        monkeypatch.setattr(
            one._repository, "_ends", lambda ids: (asked.append(sorted(ids)), real(ids))[1], raising=True
        )
        for name in names:
            one.expect(name)
        await asyncio.gather(*(one.record(served(profile_id=name)) for name in names))
        assert asked == [list(names)]
        assert [[row["seq"] for row in await rows_of(store, name)] for name in names] == [[1, 2], [1, 2], [1]]
        assert (await one.verify()).faults == ()

    async def test_what_was_read_ahead_and_is_no_longer_the_end_is_read_again(self, store, clock):
        one, other = LedgerService(store, clock), LedgerService(store, clock)
        one.expect("prf_1")
        await one._repository.close()
        await other.record(served())
        await one.record(served())
        assert [row["seq"] for row in await rows_of(store, "prf_1")] == [1, 2]
        assert (await one.verify()).faults == ()

    async def test_nothing_that_was_read_before_forgetting_is_trusted(self, ledger, store):
        await ledger.record(served())
        ledger.expect("prf_2")
        ledger.forget()  # the customer is erased while the end of their chain is being read
        await ledger._repository.close()
        await store.db["served"].delete_many({})
        await ledger.record(served())
        assert [row["seq"] for row in await rows_of(store, "prf_1")] == [1]

    async def test_an_end_that_was_told_is_not_trusted_if_it_was_asked_for_before_forgetting(
        self, ledger, store
    ):
        await ledger.record(served())
        asked_at = time.monotonic()
        told = {"served": await store.db["served"].find().to_list()}
        ledger.forget()  # the customer is erased while their profile is being read
        await store.db["served"].delete_many({})
        ledger.expect("prf_1", told, asked_at)
        await ledger.record(served())
        assert [row["seq"] for row in await rows_of(store, "prf_1")] == [1]

    async def test_an_end_that_was_told_takes_the_place_of_no_later_one(self, ledger, store):
        asked_at = time.monotonic()
        await ledger.record(served())
        ledger.expect("prf_1", {"served": []}, asked_at)
        assert ledger._repository._heads["prf_1"][0].seq == 1

    async def test_a_refused_row_takes_no_place(self, ledger, store):
        first = served()
        await ledger.record(first)
        after = [served(), first, served()]
        done = await asyncio.gather(*(ledger.record(row) for row in after), return_exceptions=True)
        assert [isinstance(each, Exception) for each in done] == [False, True, False]
        assert [row["seq"] for row in await rows_of(store, "prf_1")] == [1, 2, 3]
        assert (await ledger.verify()).faults == ()

    async def test_somebody_never_seen_is_in_no_chain(self, ledger, store):
        await asyncio.gather(*(ledger.record(served(profile_id=None)) for _ in range(5)))
        assert (await ledger.verify()).rows == 0
        assert await store.db["served"].count_documents({}) == 5


class TestTampering:
    @pytest.fixture
    async def written(self, ledger):
        for _ in range(5):
            await ledger.record(served())
        return ledger

    @pytest.mark.parametrize(
        "change",
        [
            {"body": b"{}"},
            {"channel": "EMAIL"},
            {"at": NOW - timedelta(days=1)},
            {"expires_at": NOW + timedelta(days=1)},
            {"configuration_version": "cfg_other"},
        ],
    )
    async def test_a_changed_row_is_found(self, written, store, change):
        await store.db["served"].update_one({"seq": 3}, {"$set": change})
        faults = (await written.verify()).faults
        assert [(f.seq, f.message) for f in faults] == [(3, "its facts or its body were changed")]

    async def test_a_row_that_was_rewritten_with_its_hash_breaks_the_next(self, written, store):
        from hub.ledger.chain import hash_of

        row = await store.db["served"].find_one({"seq": 3})
        row["body"] = b"{}"
        await store.db["served"].replace_one({"_id": row["_id"]}, {**row, "hash": hash_of(row)})
        faults = (await written.verify()).faults
        assert [(f.seq, f.message) for f in faults] == [(4, "it does not follow the row before it")]

    async def test_a_row_taken_out_leaves_a_gap(self, written, store):
        await store.db["served"].delete_one({"seq": 3})
        assert [f.message for f in (await written.verify()).faults] == ["rows 3 to 3 are missing"]

    async def test_the_oldest_may_go_when_their_time_is_over_and_not_before(self, written, store, clock):
        await store.db["served"].delete_many({"seq": {"$lte": 2}})
        assert [f.seq for f in (await written.verify()).faults] == [3]
        clock.instant = NOW + timedelta(days=401)
        assert (await written.verify()).faults == ()

    async def test_newest_rows_taken_away_are_missed_where_the_ends_are_known(self, written, store):
        ends = (await written.verify()).ends
        await store.db["served"].delete_one({"seq": 5})
        assert (await written.verify()).faults == ()
        assert [f.seq for f in (await written.verify(known=ends)).faults] == [5]

    async def test_ends_that_were_known_are_still_there_when_more_has_followed(self, written):
        ends = (await written.verify()).ends
        await written.record(served())
        assert (await written.verify(known=ends)).faults == ()


async def test_what_was_served_is_replayed_whatever_the_writer(ledger):
    rows = [served(), replace(served(), profile_id=None)]
    for row in rows:
        await ledger.record(row)
    assert [(await ledger.get(row.id)).body for row in rows] == [row.body for row in rows]
