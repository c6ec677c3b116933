"""What the hub relies on in a store, held to every driver and server that it may be given.

The same tests run over PyMongo Async and over Motor through its adapter; both on the embedded server, or
on the MongoDB that TUTTI_TEST_MONGODB_URI names (which is how production's own server is tried).
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, IndexModel, InsertOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, WriteError

from hub.errors import Conflict
from hub.store.codecs import to_document, vector_from_bson, vector_to_bson
from hub.store.database import Store, open_store
from hub.store.faults import store_faults

pytestmark = pytest.mark.mongod

AT = datetime(2026, 3, 2, 10, 0, 0, 123000, tzinfo=UTC)


@pytest.fixture(params=["pymongo", "motor"])
async def store(request, settings, mongodb_uri) -> AsyncIterator[Store]:
    if request.param == "pymongo":
        async with open_store(settings) as opened:
            yield opened
            await opened.client.drop_database(settings.database)
        return
    from motor.motor_asyncio import AsyncIOMotorClient

    client = AsyncIOMotorClient(mongodb_uri)
    try:
        async with open_store(settings, client=client) as opened:
            yield opened
            await opened.client.drop_database(settings.database)
    finally:
        client.close()


def stages(plan: object) -> set[str]:
    """Return the names of all stages of a query plan."""
    if isinstance(plan, dict):
        here = {plan["stage"]} if "stage" in plan else set()
        return here.union(*(stages(value) for value in plan.values()))
    if isinstance(plan, list):
        return set().union(*(stages(value) for value in plan))
    return set()


class TestDocuments:
    async def test_what_is_written_is_read_back(self, store):
        await store.db["things"].insert_one({"_id": "a", "at": AT, "n": 1, "words": ["x"], "nothing": None})
        assert await store.db["things"].find_one({"_id": "a"}) == {
            "_id": "a", "at": AT, "n": 1, "words": ["x"], "nothing": None,
        }  # fmt: skip

    async def test_instants_come_back_aware_and_in_utc(self, store):
        await store.db["things"].insert_one({"_id": "a", "at": AT.astimezone(tz=None)})
        found = await store.db["things"].find_one({"_id": "a"})
        assert found["at"] == AT
        assert found["at"].utcoffset() == timedelta(0)

    async def test_a_vector_is_kept_bit_for_bit_in_four_bytes_a_number(self, store):
        vector = np.random.default_rng(1).standard_normal(384).astype(np.float32)
        await store.db["things"].insert_one({"_id": "a", "vector": vector_to_bson(vector)})
        found = await store.db["things"].find_one({"_id": "a"})
        assert len(found["vector"]) == 384 * 4 + 2
        assert np.array_equal(vector_from_bson(found["vector"]), vector)

    async def test_decimals_are_exact(self, store):
        await store.db["things"].insert_one(to_document({"price": Decimal("0.10")}, _id="a"))
        pipeline = [{"$group": {"_id": None, "sum": {"$sum": "$price"}}}]
        rows = await (await store.db["things"].aggregate(pipeline)).to_list(None)
        assert rows[0]["sum"].to_decimal() == Decimal("0.10")

    async def test_attribute_access_reaches_the_same_collection(self, store):
        await store.db.things.insert_one({"_id": 1})
        assert await store.db["things"].count_documents({}) == 1

    async def test_ping_answers(self, store):
        await store.ping()


class TestCursors:
    @pytest.fixture
    async def numbers(self, store):
        await store.db["numbers"].insert_many([{"_id": n, "even": n % 2 == 0} for n in range(10)])
        return store.db["numbers"]

    async def test_find_sorts_limits_and_iterates(self, numbers):
        found = [row["_id"] async for row in numbers.find({"even": True}).sort("_id", DESCENDING).limit(3)]
        assert found == [8, 6, 4]

    async def test_find_gives_a_list(self, numbers):
        rows = await numbers.find({"_id": {"$gt": 7}}, {"_id": 1}, sort=[("_id", ASCENDING)]).to_list(None)
        assert rows == [{"_id": 8}, {"_id": 9}]

    async def test_an_aggregation_is_awaited_and_iterates(self, numbers):
        cursor = await numbers.aggregate(
            [{"$group": {"_id": "$even", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
        )
        assert [row async for row in cursor] == [{"_id": False, "n": 5}, {"_id": True, "n": 5}]

    async def test_batches_smaller_than_the_result_lose_nothing(self, numbers):
        assert len([row async for row in numbers.find({}, batch_size=3)]) == 10

    async def test_counts_and_distinct_values(self, numbers):
        assert await numbers.count_documents({"even": True}) == 5
        assert sorted(await numbers.distinct("even")) == [False, True]


class TestRaces:
    async def test_a_unique_key_lets_exactly_one_in(self, store):
        async def enter(who: int) -> bool:
            try:
                await store.db["races"].insert_one({"_id": "the one", "who": who})
            except DuplicateKeyError:
                return False
            return True

        assert sum(await asyncio.gather(*(enter(who) for who in range(20)))) == 1

    async def test_a_duplicate_is_a_conflict_in_the_hubs_words(self, store):
        await store.db["races"].insert_one({"_id": 1})
        with pytest.raises(Conflict), store_faults():
            await store.db["races"].insert_one({"_id": 1})

    async def test_an_optimistic_version_lets_exactly_one_write(self, store):
        await store.db["races"].insert_one({"_id": 1, "version": 1})

        async def change() -> int:
            result = await store.db["races"].update_one({"_id": 1, "version": 1}, {"$inc": {"version": 1}})
            return result.modified_count

        assert sum(await asyncio.gather(*(change() for _ in range(20)))) == 1

    async def test_find_and_modify_counts_every_call_once(self, store):
        async def take() -> int:
            after = await store.db["races"].find_one_and_update(
                {"_id": "counter"}, {"$inc": {"n": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )
            return after["n"]

        await take()
        assert sorted(await asyncio.gather(*(take() for _ in range(20)))) == list(range(2, 22))

    async def test_an_unordered_batch_inserts_all_but_the_duplicates(self, store):
        await store.db["races"].insert_one({"_id": 2})
        with pytest.raises(BulkWriteError) as caught:
            await store.db["races"].insert_many([{"_id": n} for n in range(5)], ordered=False)
        assert [fault["index"] for fault in caught.value.details["writeErrors"]] == [2]
        assert await store.db["races"].count_documents({}) == 5

    async def test_a_bulk_write_mixes_operations(self, store):
        result = await store.db["races"].bulk_write(
            [InsertOne({"_id": 1}), UpdateOne({"_id": 2}, {"$set": {"x": 1}}, upsert=True)], ordered=False
        )
        assert (result.inserted_count, result.upserted_count) == (1, 1)


class TestTransactions:
    async def test_all_of_it_or_nothing(self, store):
        async with store.client.start_session() as session:
            with pytest.raises(DuplicateKeyError):  # noqa: PT012  (the transaction is what fails)
                async with await session.start_transaction():
                    await store.db["ledger"].insert_one({"_id": 1}, session=session)
                    await store.db["ledger"].insert_one({"_id": 1}, session=session)
        assert await store.db["ledger"].count_documents({}) == 0

    async def test_with_transaction_retries_until_both_writers_are_through(self, store):
        await store.db["ledger"].insert_one({"_id": "account", "balance": 0})

        async def deposit() -> None:
            async def body(session) -> None:
                account = await store.db["ledger"].find_one({"_id": "account"}, session=session)
                await store.db["ledger"].update_one(
                    {"_id": "account"}, {"$set": {"balance": account["balance"] + 1}}, session=session
                )

            async with store.client.start_session() as session:
                await session.with_transaction(body)

        await asyncio.gather(*(deposit() for _ in range(5)))
        assert (await store.db["ledger"].find_one({"_id": "account"}))["balance"] == 5

    async def test_a_transaction_is_not_seen_before_it_is_committed(self, store):
        await store.db["ledger"].insert_one({"_id": 0})
        async with store.client.start_session() as session, await session.start_transaction():
            await store.db["ledger"].insert_one({"_id": 1}, session=session)
            assert await store.db["ledger"].count_documents({}) == 1
            assert await store.db["ledger"].count_documents({}, session=session) == 2


class TestChangeStreams:
    async def test_a_change_arrives_within_a_second(self, store):
        async with await store.db["versions"].watch(full_document="updateLookup") as stream:
            await store.db["versions"].insert_one({"_id": "catalogue", "version": "1"})
            async with asyncio.timeout(1):
                change = await anext(stream)
        assert change["operationType"] == "insert"
        assert change["fullDocument"]["version"] == "1"

    async def test_a_stream_resumes_behind_the_last_change_seen(self, store):
        versions = store.db["versions"]
        async with await versions.watch() as stream:
            await versions.insert_one({"_id": "a", "version": "1"})
            seen = await anext(stream)
        await versions.insert_one({"_id": "b", "version": "1"})
        async with await versions.watch(resume_after=seen["_id"]) as stream:
            assert (await anext(stream))["documentKey"] == {"_id": "b"}


class TestHousekeeping:
    async def test_what_expired_is_removed_by_the_server(self, store):
        past = datetime.now(UTC) - timedelta(minutes=1)
        row = {"at": past, "channel": "WEB", "body": b"{}"}
        await store.db["served"].insert_many(
            [
                {**row, "_id": "old", "expires_at": past},
                {**row, "_id": "new", "expires_at": past + timedelta(days=1)},
            ]
        )
        async with asyncio.timeout(90):
            while await store.db["served"].count_documents({}) == 2:
                await asyncio.sleep(0.1)
        assert [row["_id"] async for row in store.db["served"].find()] == ["new"]

    async def test_a_validator_refuses_what_would_break_a_law(self, store):
        with pytest.raises(WriteError, match="failed validation"):
            await store.db["events"].insert_one({"_id": "m1", "type": "track"})
        assert await store.db["events"].count_documents({}) == 0

    async def test_indexes_are_listed_and_dropped(self, store):
        await store.db["things"].create_indexes([IndexModel([("a", ASCENDING)], name="by a", unique=True)])
        assert [i["name"] async for i in await store.db["things"].list_indexes()] == ["_id_", "by a"]
        await store.db["things"].drop_index("by a")
        assert [i["name"] async for i in await store.db["things"].list_indexes()] == ["_id_"]

    async def test_a_bare_insert_says_what_it_did_not_take_and_raises_nothing(self, store):
        command = {
            "insert": "things",
            "writeConcern": store.db.write_concern.document,
            "documents": [{"_id": 1}],
        }
        assert (await store.db.command(command))["n"] == 1
        reply = await store.db.command(command)
        told = [(fault["index"], fault["code"], fault["keyPattern"]) for fault in reply["writeErrors"]]
        assert (reply["n"], told) == (0, [(0, 11000, {"_id": 1})])

    async def test_an_unknown_command_is_refused(self, store):
        with pytest.raises(OperationFailure, match="no such command"):
            await store.db.command("thereIsNoSuchCommand")


@dataclass(frozen=True)
class Query:
    collection: str
    filter: dict
    sort: list


QUERIES = {
    "a profile's timeline": Query("events", {"facet_id": {"$in": ["f1", "f2"]}}, [("at", -1), ("_id", -1)]),
    "what a crash left waiting": Query(
        "events", {"projected": False, "facet_id": {"$gt": ""}}, [("facet_id", 1)]
    ),
    "orders of a time": Query("events", {"event": "Order Completed", "at": {"$gte": AT}}, [("at", 1)]),
    "an identity": Query("identities", {"_id": "email:ada@example.org"}, []),
    "identities of a facet": Query("identities", {"facet_id": "f1"}, []),
    "facets of a profile": Query("facets", {"profile_id": "p1"}, []),
    "a merged-away profile": Query("profiles", {"former_ids": "p0"}, []),
    "what a customer was served": Query("served", {"profile_id": "p1"}, [("at", -1), ("_id", -1)]),
    "exposures of a served experience": Query("exposures", {"served_id": "s1"}, []),
}


class TestPlans:
    @pytest.mark.parametrize("name", QUERIES)
    async def test_hot_queries_use_an_index_and_sort_by_it(self, store, name):
        query = QUERIES[name]
        explained = await store.db.command(
            "explain", {"find": query.collection, "filter": query.filter, "sort": dict(query.sort)},
            verbosity="queryPlanner",
        )  # fmt: skip
        used = stages(explained["queryPlanner"]["winningPlan"])
        assert used & {"IXSCAN", "IDHACK", "EXPRESS_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN"}
        assert not used & {"COLLSCAN", "SORT"}


async def test_a_client_that_was_handed_in_stays_open(settings, mongodb_client):
    async with open_store(settings, client=mongodb_client):
        pass
    await mongodb_client.admin.command("ping")
    await mongodb_client.drop_database(settings.database)


async def test_writes_are_majority_and_journaled_whatever_the_client_was_made_with(settings, mongodb_uri):
    async with (
        AsyncMongoClient(mongodb_uri, w=1, journal=False) as careless,
        open_store(settings, client=careless) as store,
    ):
        assert store.db["events"].write_concern.document == {"w": "majority", "j": True}
        assert store.db["events"].read_concern.document == {"level": "majority"}
        await careless.drop_database(settings.database)
