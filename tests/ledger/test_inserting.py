"""One row goes by the bare command: whatever becomes of the answer, it is there once and whole, or nobody says so."""

import pytest
from pymongo.errors import AutoReconnect, NotPrimaryError, ServerSelectionTimeoutError

from hub.errors import Unavailable
from hub.ledger.inserting import Inserter, StoppedError
from hub.ledger.service import LedgerService
from tests.ledger.test_ledger import ledger, served  # noqa: F401 - a fixture


def document(**given):
    row = served()
    return {
        "_id": row.id,
        "at": row.at,
        "channel": "WEB",
        "body": b"as it lies there",
        "profile_id": "prf_1",
        **given,
    }


class Faulty:
    """A database whose bare commands meet a fault before they arrive, or their answers after that."""

    def __init__(self, db, fault, *, arrives):
        self.db, self.fault, self.arrives, self.asked = db, fault, arrives, 0
        self.write_concern = db.write_concern

    def __getitem__(self, name):
        return self.db[name]

    async def command(self, command):
        self.asked += 1
        if self.arrives:
            await self.db.command(command)
        if isinstance(self.fault, Exception):
            raise self.fault
        return {"ok": 1, "n": 1, **self.fault}


LOST = AutoReconnect("connection closed")
NOT_DURABLE = {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}


class Told:
    """A database that keeps what it was asked."""

    def __init__(self, db):
        self.db, self.write_concern, self.commands = db, db.write_concern, []

    def __getitem__(self, name):
        return self.db[name]

    async def command(self, command):
        self.commands.append(command)
        return await self.db.command(command)


class TestOneRow:
    async def test_it_asks_for_a_majority_and_its_journal(self, store):
        told = Told(store.db)
        await Inserter(told).insert([document(seq=1)])
        assert [command["writeConcern"] for command in told.commands] == [{"w": "majority", "j": True}]

    async def test_a_place_that_is_taken_is_told_as_a_race(self, store):
        inserter = Inserter(store.db)
        await inserter.insert([document(seq=1)])
        with pytest.raises(StoppedError) as stopped:
            await inserter.insert([document(seq=1)])
        assert (stopped.value.at, stopped.value.race) == (0, True)

    async def test_what_breaks_the_validator_is_refused_and_no_race(self, store):
        with pytest.raises(StoppedError) as stopped:
            await Inserter(store.db).insert([document(body="not bytes")])
        assert (stopped.value.at, stopped.value.race) == (0, False)

    @pytest.mark.parametrize("fault", [LOST, NotPrimaryError("stepped down"), NOT_DURABLE], ids=str)
    @pytest.mark.parametrize("arrives", [True, False])
    async def test_it_is_there_once_though_the_answer_was_lost(self, store, fault, arrives):
        row = document(seq=1)
        await Inserter(Faulty(store.db, fault, arrives=arrives)).insert([row])
        assert await store.db["served"].count_documents({"_id": row["_id"]}) == 1

    async def test_another_row_under_its_id_is_not_taken_for_it(self, store):
        row = document(seq=1)
        await store.db["served"].insert_one({**row, "seq": 2, "body": b"another process's"})
        with pytest.raises(StoppedError) as stopped:
            await Inserter(Faulty(store.db, LOST, arrives=False)).insert([row])
        assert not stopped.value.race

    async def test_without_a_primary_it_is_not_tried_twice(self, store):
        db = Faulty(store.db, ServerSelectionTimeoutError("no primary"), arrives=False)
        with pytest.raises(ServerSelectionTimeoutError):
            await Inserter(db).insert([document()])
        assert db.asked == 1
        assert await store.db["served"].count_documents({}) == 0


class TestTheLedger:
    @pytest.mark.parametrize("arrives", [True, False])
    async def test_a_chain_goes_on_after_lost_answers(self, ledger, store, monkeypatch, arrives):  # noqa: F811
        faulty = Faulty(store.db, LOST, arrives=arrives)
        monkeypatch.setattr(ledger._repository, "_inserter", Inserter(faulty))
        for _ in range(3):
            await ledger.record(served())
        report = await ledger.verify()
        assert (faulty.asked, report.rows, report.faults) == (3, 3, ())
        assert report.ends["prf_1"][0] == 3

    async def test_an_id_that_another_process_used_is_refused(self, ledger, store, clock):  # noqa: F811
        message = served()
        await LedgerService(store, clock).record(message)
        with pytest.raises(Unavailable):
            await ledger.record(served(id=message.id))
        assert await store.db["served"].count_documents({}) == 1
