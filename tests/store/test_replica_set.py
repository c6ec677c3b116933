"""A replica set of three on loopback: what production is, and what it must survive."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from hub.errors import Unavailable
from hub.kit.clock import SystemClock
from hub.ledger.service import LedgerService
from hub.store.database import Store, connect, database_of
from hub.store.embedded import binary, process
from hub.store.embedded.directory import DataDirectory
from hub.store.embedded.process import ServerProcess
from hub.store.faults import store_faults
from hub.store.migrate import migrate
from tests.ledger.test_ledger import served

pytestmark = pytest.mark.mongod

PASSWORD = "of-this-test"


@dataclass
class ReplicaSet:
    """Three servers, and a store on them."""

    members: dict[int, ServerProcess]
    store: Store

    async def primary(self) -> ServerProcess:
        hello = await self.store.client.admin.command("hello")
        return self.members[int(hello["primary"].rsplit(":", 1)[1])]

    def kill(self, member: ServerProcess) -> None:
        os.kill(member.pid, signal.SIGKILL)


async def initiated(port: int, config: dict) -> None:
    async with AsyncMongoClient("127.0.0.1", port, directConnection=True) as client:
        await client.admin.command("replSetInitiate", config)


async def with_first_user(ports: list[int]) -> None:
    """Make the first user on whichever member became primary, under the localhost exception."""
    async with asyncio.timeout(30):
        while True:
            for port in ports:
                async with AsyncMongoClient("127.0.0.1", port, directConnection=True) as client:
                    if (await client.admin.command("hello")).get("isWritablePrimary"):
                        await client.admin.command("createUser", "hub", pwd=PASSWORD, roles=["root"])
                        return
            await asyncio.sleep(0.1)


@pytest.fixture
async def replica_set(data_folder: Path) -> AsyncIterator[ReplicaSet]:
    mongod = binary.find()
    members: dict[int, ServerProcess] = {}
    try:
        for number in range(3):
            directory = DataDirectory(data_folder / str(number))
            directory.create()
            directory.prepare()
            if number:  # one key for all
                shutil.copy(data_folder / "0" / "key", directory.key_file)
            port = process.pick_port()
            members[port] = ServerProcess.start(mongod, directory, port, replica_set="three")
        for member in members.values():
            await member.listening(within=30)
        hosts = [f"127.0.0.1:{port}" for port in members]
        config = {
            "_id": "three",
            "members": [{"_id": n, "host": host} for n, host in enumerate(hosts)],
            "settings": {"electionTimeoutMillis": 1500, "heartbeatIntervalMillis": 500},
        }
        await initiated(next(iter(members)), config)
        await with_first_user(list(members))
        async with connect(f"mongodb://hub:{PASSWORD}@{','.join(hosts)}/?replicaSet=three") as client:
            yield ReplicaSet(members, Store(client, database_of(client, "load")))
    finally:
        for member in members.values():
            await member.stop()


async def write(
    store: Store, writer: int, stop: asyncio.Event, acknowledged: set[str], refused: list[Exception]
) -> None:
    """Insert until told to stop; remember what was acknowledged, and what was refused in the hub's words."""
    number = 0
    while not stop.is_set():
        number += 1
        name = f"{writer}-{number}"
        try:
            with store_faults():
                await store.db["numbers"].insert_one({"_id": name})
        except Unavailable as error:
            refused.append(error)
        else:
            acknowledged.add(name)


async def test_the_primary_killed_under_load_loses_nothing_acknowledged(replica_set):
    store = replica_set.store
    acknowledged: set[str] = set()
    stop = asyncio.Event()
    writers = [asyncio.create_task(write(store, n, stop, acknowledged, [])) for n in range(8)]
    async with asyncio.timeout(60):
        while len(acknowledged) < 500:
            await asyncio.sleep(0.05)
        first = await replica_set.primary()
        replica_set.kill(first)
        before = len(acknowledged)
        while len(acknowledged) < before + 500:
            await asyncio.sleep(0.05)
        stop.set()
        await asyncio.gather(*writers)  # one that met anything but Unavailable ended with it
    assert (await replica_set.primary()).pid != first.pid
    found = {row["_id"] async for row in store.db["numbers"].find()}
    assert acknowledged <= found


async def test_a_primary_killed_while_rows_of_the_ledger_leave_one_by_one_leaves_its_chains_whole(
    replica_set,
):
    await migrate(replica_set.store.db)
    ledger = LedgerService(replica_set.store, SystemClock())
    recorded: set[str] = set()

    async def record(count: int) -> None:
        enough = len(recorded) + count
        while len(recorded) < enough:
            row = served(profile_id=f"prf_{len(recorded) % 3}", expires_at=SystemClock().now() + timedelta(1))
            with suppress(Unavailable):  # nobody was answered with it, whether it arrived or not
                await ledger.record(row)
                recorded.add(row.id)

    async with asyncio.timeout(90):
        await record(60)
        alone = asyncio.create_task(record(60))
        while len(recorded) < 80:
            await asyncio.sleep(0)
        replica_set.kill(await replica_set.primary())
        await alone
    await ledger.close()
    found = {row["_id"] async for row in replica_set.store.db["served"].find({}, {"_id": 1})}
    assert recorded <= found
    report = await ledger.verify()
    assert (report.rows, report.chains, report.faults) == (len(found), 3, ())


async def test_without_a_majority_writes_are_refused_not_swallowed(replica_set):
    store = replica_set.store
    await store.db["numbers"].insert_one({"_id": "before"})
    primary = await replica_set.primary()
    for member in replica_set.members.values():
        if member is not primary:
            replica_set.kill(member)
    refused: list[Exception] = []
    acknowledged: set[str] = set()
    stop = asyncio.Event()
    writer = asyncio.create_task(write(store, 0, stop, acknowledged, refused))
    async with asyncio.timeout(60):
        while not refused:
            await asyncio.sleep(0.05)
        stop.set()
        await writer
    assert acknowledged == set()
    assert isinstance(refused[0], Unavailable)
    with pytest.raises(Unavailable):
        await store.ping()


async def test_the_members_trust_only_each_other(replica_set):
    port = next(iter(replica_set.members))
    async with AsyncMongoClient("127.0.0.1", port, directConnection=True) as stranger:
        with pytest.raises(OperationFailure, match="requires authentication"):
            await stranger["load"]["numbers"].find_one()
