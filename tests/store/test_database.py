"""How the store is chosen, and what is said when there is none."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from hub.config import Settings
from hub.errors import SetupError, Unavailable
from hub.store import database
from hub.store.database import Store, connect, database_of, open_store
from hub.store.embedded import binary, process
from hub.store.embedded.directory import DataDirectory
from hub.store.embedded.process import ServerProcess

# The driver leaves the socket of a connection that is given up while it is made to the garbage collector.
pytestmark = [
    pytest.mark.mongod,
    pytest.mark.filterwarnings("ignore:.*<socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
async def leftovers() -> AsyncIterator[None]:
    """Collect those sockets before the next test, which would be blamed for them."""
    yield
    await asyncio.sleep(0)
    gc.collect()


def at(uri: str, tmp_path) -> Settings:
    return Settings(mongodb_uri=SecretStr(uri), data_dir=tmp_path)


class TestTheChoice:
    async def test_an_address_is_used_and_no_server_is_started(self, settings):
        async with open_store(settings) as store:
            assert "profiles" in await store.db.list_collection_names()
            assert not (settings.data_dir / "mongodb").exists()
            await store.client.drop_database(settings.database)

    async def test_without_an_address_the_embedded_server_is_started_and_stopped(self, tmp_path, monkeypatch):
        monkeypatch.delenv("TUTTI_MONGODB_URI", raising=False)
        told = []
        async with open_store(Settings(data_dir=tmp_path), on_progress=told.append) as store:
            await store.ping()
            await store.db["imports"].insert_one({"_id": "one", "state": "done"})
        assert told[0].startswith("starting MongoDB")
        host, port = next(iter(store.client.topology_description.server_descriptions()))
        async with AsyncMongoClient(host, port, serverSelectionTimeoutMS=200) as client:
            with pytest.raises(Unavailable):
                await Store(client, database_of(client, "tutti")).ping()
        async with open_store(Settings(data_dir=tmp_path)) as store:
            assert await store.db["imports"].count_documents({}) == 1


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        "uri", ["nonsense", "mongodb://u:s/ecret@host/", "mongodb://host:99999/", "mongodb://"]
    )
    async def test_an_address_that_is_none_is_not_repeated(self, uri, tmp_path):
        with pytest.raises(SetupError, match="TUTTI_MONGODB_URI is no address such as") as caught:
            async with open_store(at(uri, tmp_path)):
                pass
        assert "ecret" not in caught.value.message

    async def test_nobody_answers(self, tmp_path, monkeypatch):
        monkeypatch.setattr(database, "SELECTION_SECONDS", 0.1)
        monkeypatch.setattr(database, "CONNECT_SECONDS", 1.0)
        told = []
        settings = at(f"mongodb://u:secret@127.0.0.1:{process.pick_port()}/?replicaSet=x", tmp_path)
        with pytest.raises(SetupError, match="no MongoDB primary answered") as caught:
            async with open_store(settings, on_progress=told.append):
                pass
        assert "secret" not in caught.value.message
        assert "waiting for MongoDB" in told

    async def test_a_mongodb_that_comes_later_is_waited_for(self, data_folder, tmp_path):
        from hub.store.embedded import EmbeddedServer

        async with EmbeddedServer(data_folder) as server:
            uri = server.uri
        waiting = asyncio.Event()

        async def hub() -> bool:
            async with open_store(at(uri, tmp_path), on_progress=lambda _: waiting.set()) as store:
                await store.ping()
                return True

        starting = asyncio.create_task(hub())
        async with asyncio.timeout(20):
            await waiting.wait()
        async with EmbeddedServer(data_folder):
            assert await starting

    async def test_a_wrong_password(self, mongodb_uri, tmp_path):
        host = mongodb_uri.split("@")[-1]
        with pytest.raises(SetupError, match="MongoDB refuses the hub's user") as caught:
            async with open_store(at(f"mongodb://tutti:wrong@{host}", tmp_path)):
                pass
        assert "wrong" not in caught.value.message

    async def test_a_stand_alone_server(self, data_folder, tmp_path, monkeypatch):
        directory = DataDirectory(data_folder)
        directory.create()
        directory.prepare()
        port = process.pick_port()
        plain = binary.find()
        wrapper = tmp_path / "mongod"  # the same server without a replica set and its key
        wrapper.write_text(
            f"#!/bin/sh\nexec {plain.path} --dbpath {directory.database} --port {port} --bind_ip 127.0.0.1 --quiet\n"
        )
        wrapper.chmod(0o700)
        server = ServerProcess.start(binary.Mongod(wrapper, plain.version), directory, port)
        try:
            await server.listening(within=30)
            with pytest.raises(SetupError, match=r"runs stand-alone.*rs\.initiate"):
                async with open_store(at(f"mongodb://127.0.0.1:{port}/", tmp_path)):
                    pass
        finally:
            await server.stop()


async def test_the_concerns_of_an_address_are_overruled(mongodb_uri):
    joint = "&" if "?" in mongodb_uri else "/?"
    async with connect(f"{mongodb_uri}{joint}w=1&readConcernLevel=local") as client:
        db = database_of(client, "any")
        assert db.write_concern.document == {"w": "majority", "j": True}
        assert db.read_concern.document == {"level": "majority"}
