"""The embedded engine under what happens to real hubs: killed, doubled, interrupted."""

import asyncio
import os
import shutil
import signal
import socket
import stat
import threading

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from hub.errors import SetupError
from hub.store.embedded import EmbeddedServer, binary, process
from hub.store.embedded.directory import LEAST_FREE, DataDirectory, Runtime

from .conftest import alive, gone, numbers_in

pytestmark = pytest.mark.mongod


def listener(port: int, *, answers: bool = True) -> socket.socket:
    """Another program that sits on a port and hangs up on whoever calls."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", port))
    taken.listen()

    def hang_up() -> None:
        while True:
            try:
                taken.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=hang_up, daemon=True).start()
    return taken


def let_go(taken: socket.socket) -> None:
    taken.shutdown(socket.SHUT_RDWR)
    taken.close()


class TestOneHub:
    async def test_it_serves_a_primary_with_transactions_and_leaves_no_process_behind(self, data_folder):
        async with EmbeddedServer(data_folder) as server, AsyncMongoClient(server.uri) as client:
            pid = server.pid
            async with client.start_session() as session, await session.start_transaction():
                await client["shop"]["orders"].insert_one({"_id": 1}, session=session)
            assert await client["shop"]["orders"].count_documents({}) == 1
        assert not alive(pid)

    async def test_its_journal_is_written_into_blocks_that_the_disk_has_given_already(self, data_folder):
        async with EmbeddedServer(data_folder):
            files = [file.stat() for file in (data_folder / "db" / "journal").glob("WiredTiger[LP]*")]
            assert files
            assert all(file.st_blocks * 512 >= file.st_size == 8 * 1024 * 1024 for file in files)

    async def test_what_a_killed_process_had_begun_is_in_nobodys_way_for_long(self, data_folder):
        """A second hub, or a command, shares the server; killed in a transaction it leaves it open."""
        soon = {"transactionLifetimeLimitSeconds": "1"}
        async with EmbeddedServer(data_folder, parameters=soon) as server:
            left, other = AsyncMongoClient(server.uri), AsyncMongoClient(server.uri)
            await other["shop"]["counters"].insert_one({"_id": 1, "units": 0})
            session = left.start_session()
            await session.start_transaction()
            change = {"$inc": {"units": 1}}
            await left["shop"]["counters"].update_one({"_id": 1}, change, session=session)
            await other["shop"]["counters"].update_one({"_id": 1}, change)  # waits until it is undone
            assert await other["shop"]["counters"].find_one({}) == {"_id": 1, "units": 1}
            await session.end_session()
            await left.close()
            await other.close()
        async with EmbeddedServer(data_folder) as server, AsyncMongoClient(server.uri) as client:
            told = await client.admin.command({"getParameter": 1, "transactionLifetimeLimitSeconds": 1})
            assert told["transactionLifetimeLimitSeconds"] == 10

    async def test_what_was_written_is_there_after_a_restart_on_the_same_port(self, data_folder):
        async with EmbeddedServer(data_folder) as server, AsyncMongoClient(server.uri) as client:
            first = server.port
            await client["shop"]["orders"].insert_one({"_id": 1})
        async with EmbeddedServer(data_folder) as server, AsyncMongoClient(server.uri) as client:
            assert server.port == first
            assert await client["shop"]["orders"].count_documents({}) == 1

    async def test_a_copy_of_a_stopped_directory_is_a_backup(self, data_folder):
        async with EmbeddedServer(data_folder) as server, AsyncMongoClient(server.uri) as client:
            await client["shop"]["orders"].insert_one({"_id": 1})
        copy = data_folder.with_name("copy")
        shutil.copytree(data_folder, copy)
        async with EmbeddedServer(data_folder) as original, EmbeddedServer(copy) as restored:
            assert restored.port != original.port
            async with AsyncMongoClient(restored.uri) as client:
                assert await client["shop"]["orders"].count_documents({}) == 1

    async def test_its_secrets_are_private_and_nobody_reads_without_the_password(self, data_folder):
        async with EmbeddedServer(data_folder) as server:
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data_folder.iterdir()}
            assert modes["key"] == modes["password"] == modes["runtime.json"] == 0o600
            assert stat.S_IMODE(data_folder.stat().st_mode) == modes["db"] == 0o700
            async with AsyncMongoClient("127.0.0.1", server.port, directConnection=True) as stranger:
                with pytest.raises(OperationFailure, match="requires authentication"):
                    await stranger["shop"]["orders"].find_one()

    async def test_a_server_killed_under_load_comes_back_with_all_that_was_acknowledged(
        self, data_folder, start_hub
    ):
        hub = await start_hub(data_folder)
        opened = await hub.says()
        await hub.ask("write 0")
        await asyncio.sleep(1)
        os.kill(opened["pid"], signal.SIGKILL)
        killed_at = (await hub.ask("count"))["count"]
        async with asyncio.timeout(30):
            while (now := await hub.ask("count"))["count"] < killed_at + 200:
                await asyncio.sleep(0.1)
        assert now["port"] == opened["port"]
        assert now["pid"] != opened["pid"]
        acknowledged = (await hub.ask("stop"))["acknowledged"]
        assert killed_at > 50
        assert set(acknowledged) <= await numbers_in(opened["uri"])

    async def test_a_hub_killed_takes_its_server_along_and_the_next_one_finds_all_that_was_acknowledged(
        self, data_folder, start_hub
    ):
        hub = await start_hub(data_folder)
        opened = await hub.says()
        await hub.ask("write 0")
        await asyncio.sleep(1)
        count = (await hub.ask("count"))["count"]
        await hub.kill()
        await gone(opened["pid"])
        async with EmbeddedServer(data_folder) as server:
            numbers = await numbers_in(server.uri)
        # It wrote one after the other from 0, so what was acknowledged is at least the first `count`.
        assert count > 50
        assert set(range(count)) <= numbers

    async def test_an_orphan_left_by_a_killed_hub_is_ended_before_the_next_server_starts(self, data_folder):
        # What a system without PR_SET_PDEATHSIG leaves behind: a server whose hub is gone.
        async with EmbeddedServer(data_folder):
            pass
        directory = DataDirectory(data_folder)
        port = directory.runtime().port
        orphan = process.ServerProcess.start(binary.find(), directory, port)
        await orphan.listening(within=30)
        directory.record(Runtime(port, orphan.pid))
        async with EmbeddedServer(data_folder) as server:
            assert not orphan.running
            assert server.port == port
            assert server.pid != orphan.pid

    async def test_a_process_id_that_another_program_has_by_now_is_left_alone(self, data_folder):
        async with EmbeddedServer(data_folder):
            pass
        directory = DataDirectory(data_folder)
        other = await asyncio.create_subprocess_exec("sleep", "60")
        directory.record(Runtime(directory.runtime().port, other.pid))
        try:
            async with EmbeddedServer(data_folder):
                assert other.returncode is None
                assert alive(other.pid)
        finally:
            other.kill()
            await other.wait()


class TestTwoHubs:
    async def test_the_second_uses_the_server_of_the_first(self, data_folder, start_hub):
        first, second = await start_hub(data_folder), await start_hub(data_folder)
        opened = [await first.says(), await second.says()]
        assert opened[0]["uri"] == opened[1]["uri"]
        assert sorted(one["pid"] is None for one in opened) == [False, True]

    async def test_the_second_leaves_without_ending_the_server_of_the_first(self, data_folder):
        async with EmbeddedServer(data_folder) as first:
            async with EmbeddedServer(data_folder) as second:
                assert second.pid is None
            async with AsyncMongoClient(first.uri) as client:
                await client.admin.command("ping")

    @pytest.mark.parametrize("how", ["killed", "stopped"])
    async def test_the_second_takes_over_when_the_first_is(self, how, data_folder, start_hub):
        first = await start_hub(data_folder)
        owner = await first.says()
        second = await start_hub(data_folder)
        follower = await second.says()
        assert follower["pid"] is None
        await second.ask("write 0")
        await asyncio.sleep(0.5)
        await (first.kill() if how == "killed" else first.end())
        await gone(owner["pid"])
        before = (await second.ask("count"))["count"]
        async with asyncio.timeout(30):
            while (now := await second.ask("count"))["count"] < before + 100:
                await asyncio.sleep(0.1)
        assert now["pid"] is not None
        assert now["port"] == owner["port"]
        acknowledged = (await second.ask("stop"))["acknowledged"]
        assert set(acknowledged) <= await numbers_in(follower["uri"])


class TestThePort:
    async def test_taken_at_start_the_server_moves_with_its_data(self, data_folder):
        async with EmbeddedServer(data_folder) as server, AsyncMongoClient(server.uri) as client:
            first = server.port
            await client["shop"]["orders"].insert_one({"_id": 1})
        taken = listener(first)
        told = []
        try:
            async with (
                EmbeddedServer(data_folder, on_progress=told.append) as server,
                AsyncMongoClient(server.uri, w="majority") as client,
            ):
                assert server.port != first
                assert any(f"port {first} is taken" in line for line in told)
                assert await client["shop"]["orders"].count_documents({}) == 1
                await client["shop"]["orders"].insert_one({"_id": 2})
        finally:
            let_go(taken)

    async def test_taken_while_the_server_was_down_it_waits_there_for_its_clients(self, data_folder):
        async with (
            EmbeddedServer(data_folder) as server,
            AsyncMongoClient(server.uri, serverSelectionTimeoutMS=30_000) as client,
        ):
            port, pid = server.port, server.pid
            os.kill(pid, signal.SIGSTOP)
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(10):
                while not process.port_is_free(port):
                    await asyncio.sleep(0)
                taken = listener(port)
            await asyncio.sleep(1)
            assert server.port == port
            let_go(taken)
            await client["shop"]["orders"].insert_one({"_id": 1})
            assert server.pid != pid


class TestInterruptedSetUp:
    async def test_a_set_initiated_without_its_user_is_continued(self, data_folder):
        directory = DataDirectory(data_folder)
        directory.create()
        directory.prepare()
        port = process.pick_port()
        directory.record(Runtime(port))
        server = process.ServerProcess.start(binary.find(), directory, port)
        await server.listening(within=30)
        async with AsyncMongoClient("127.0.0.1", port, directConnection=True) as client:
            config = {"_id": "tutti", "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}
            await client.admin.command("replSetInitiate", config)
        await server.stop()
        async with EmbeddedServer(data_folder) as server, AsyncMongoClient(server.uri) as client:
            await client["shop"]["orders"].insert_one({"_id": 1})

    async def test_a_damaged_runtime_file_costs_the_old_port_but_no_data(self, data_folder):
        async with EmbeddedServer(data_folder) as server, AsyncMongoClient(server.uri) as client:
            await client["shop"]["orders"].insert_one({"_id": 1})
        (data_folder / "runtime.json").write_text("{")
        async with EmbeddedServer(data_folder) as server, AsyncMongoClient(server.uri) as client:
            assert await client["shop"]["orders"].count_documents({}) == 1


class TestWhatCannotWork:
    async def test_a_lost_password_is_said_to_be_lost(self, data_folder):
        async with EmbeddedServer(data_folder):
            pass
        (data_folder / "password").unlink()
        with pytest.raises(SetupError, match="does not know the password"):
            await EmbeddedServer(data_folder).__aenter__()

    async def test_a_file_in_place_of_the_directory_is_named(self, tmp_path):
        (tmp_path / "data").write_text("")
        with pytest.raises(SetupError, match=r"data/mongodb cannot be used .*TUTTI_DATA_DIR"):
            await EmbeddedServer(tmp_path / "data" / "mongodb").__aenter__()

    async def test_a_server_that_somebody_else_runs_on_the_data_is_left_alone(self, data_folder):
        async with EmbeddedServer(data_folder):
            pass
        directory = DataDirectory(data_folder)
        foreign = process.ServerProcess.start(binary.find(), directory, process.pick_port())
        await foreign.listening(within=30)
        try:
            with pytest.raises(SetupError, match="another program than a hub runs a MongoDB server"):
                await EmbeddedServer(data_folder).__aenter__()
            assert foreign.running
        finally:
            await foreign.stop()

    async def test_after_a_failed_start_the_next_one_works(self, data_folder):
        impossible = shutil.disk_usage(data_folder.parent).total + 1
        with pytest.raises(SetupError):
            await EmbeddedServer(data_folder, least_free=impossible).__aenter__()
        async with EmbeddedServer(data_folder) as server:
            assert server.pid is not None


class TestAFullDisk:
    async def test_is_measured_before_anything_is_started(self, start_hub_on_disk_of):
        # 64 MB is a real file system with room for a server to start, but not to live.
        hub = await start_hub_on_disk_of(64 * 1024, least_free=LEAST_FREE)
        assert "is full; make room (a start needs 128 MB)" in (await hub.says())["error"]
        assert await hub.end() == 2

    @pytest.mark.parametrize("kilobytes", [4, 100, 300, 600])
    async def test_that_fills_while_the_server_starts_ends_in_the_same_sentence(
        self, kilobytes, start_hub_on_disk_of
    ):
        hub = await start_hub_on_disk_of(kilobytes, least_free=0)
        assert "is full; make room" in (await hub.says())["error"]
        assert await hub.end() == 2

    async def test_that_fills_under_load_loses_nothing_and_the_hub_goes_on_when_there_is_room(
        self, start_hub_on_disk_of
    ):
        # 26 MB: a server with its journal beforehand, and little more.
        hub = await start_hub_on_disk_of(45_000, least_free=0, filler=18_500)
        opened = await hub.says()
        await hub.ask("write 0")
        async with asyncio.timeout(60):
            while (full := await hub.ask("count"))["pid"] == opened["pid"]:
                await asyncio.sleep(0.2)
        await hub.ask("make room")
        async with asyncio.timeout(60):
            while (await hub.ask("count"))["count"] < full["count"] + 20:
                await asyncio.sleep(0.2)
        acknowledged = (await hub.ask("stop"))["acknowledged"]
        assert full["count"] > 0
        assert set(acknowledged) <= await numbers_in(opened["uri"])
