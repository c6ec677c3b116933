"""Migrations: what is declared is there, a second run changes nothing, races end well."""

import asyncio

import pytest
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import WriteError

from hub.cli.migrate import told
from hub.kit.ids import new_id
from hub.store.collections import COLLECTIONS, STRING, CollectionSpec
from hub.store.database import database_of
from hub.store.migrate import MigrationReport, migrate

pytestmark = pytest.mark.mongod


@pytest.fixture
async def empty(mongodb_client):
    """A database that no migration has seen."""
    name = new_id("t")
    yield database_of(mongodb_client, name)
    await mongodb_client.drop_database(name)


async def index_names(db, collection):
    return [index["name"] async for index in await db[collection].list_indexes()]


async def test_makes_every_declared_collection_and_index(empty):
    report = await migrate(empty)
    assert set(report.created) == {spec.name for spec in COLLECTIONS}
    for spec in COLLECTIONS:
        declared = ["_id_", *(index.document["name"] for index in spec.indexes)]
        assert sorted(await index_names(empty, spec.name)) == sorted(declared)


async def test_a_second_run_changes_nothing(empty):
    await migrate(empty)
    assert await migrate(empty) == MigrationReport()


async def test_several_hubs_at_once_end_in_the_same_place(empty):
    await asyncio.gather(*(migrate(empty) for _ in range(4)))
    assert await migrate(empty) == MigrationReport()


async def test_an_interrupted_run_is_completed_by_the_next(empty):
    await empty.create_collection("profiles")  # made, but its validator and indexes were not
    report = await migrate(empty)
    assert "profiles" in report.validators
    assert "profiles.former_ids_1" in report.indexes
    with pytest.raises(WriteError, match="failed validation"):
        await empty["profiles"].insert_one({"_id": "p1"})


async def test_a_changed_index_is_built_anew(empty):
    before = CollectionSpec("shelf", {}, (IndexModel([("at", ASCENDING)], name="by time"),))
    after = CollectionSpec("shelf", {}, (IndexModel([("at", DESCENDING)], name="by time", unique=True),))
    await migrate(empty, (before,))
    assert (await migrate(empty, (after,))).indexes == ("shelf.by time",)
    found = (await empty["shelf"].index_information())["by time"]
    assert found["key"] == [("at", -1)]
    assert found["unique"] is True


async def test_a_renamed_index_is_built_under_its_new_name(empty):
    await migrate(empty, (CollectionSpec("shelf", {}, (IndexModel([("at", ASCENDING)], name="old"),)),))
    await migrate(empty, (CollectionSpec("shelf", {}, (IndexModel([("at", ASCENDING)], name="new"),)),))
    assert await index_names(empty, "shelf") == ["_id_", "new"]


async def test_a_changed_validator_is_applied_and_keeps_the_documents(empty):
    await migrate(empty, (CollectionSpec("shelf"),))
    await empty["shelf"].insert_one({"_id": 1})
    report = await migrate(empty, (CollectionSpec("shelf", {"title": STRING}),))
    assert report.validators == ("shelf",)
    assert await empty["shelf"].count_documents({}) == 1
    with pytest.raises(WriteError, match="failed validation"):
        await empty["shelf"].insert_one({"_id": 2})


async def test_an_index_of_an_operator_is_reported_and_left_alone(empty):
    await migrate(empty)
    await empty["contents"].create_index([("title", ASCENDING)], name="mine")
    report = await migrate(empty)
    assert report.undeclared == ("contents.mine",)
    assert not report.changed
    assert "mine" in await index_names(empty, "contents")


class TestTheReportInWords:
    def test_nothing_to_do(self):
        assert told(MigrationReport()) == ["the store is up to date"]

    def test_what_was_done(self):
        assert told(MigrationReport(created=("a", "b"), indexes=("a.x",))) == [
            "collections made: a, b",
            "indexes built: a.x",
        ]
