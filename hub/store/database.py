"""The store that a hub works with: one client and one database, however they came to be.

    client handed in   ->  that client (a Motor client through `hub.store.motor_adapter`)
    TUTTI_MONGODB_URI  ->  a replica set, a sharded cluster or Atlas
    neither            ->  the embedded server, a real MongoDB as a child process

Whichever it is, reads and writes go with majority concern and journal: what the hub acknowledges has
survived the loss of a member. The database object carries that, so that no call can forget it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidURI, OperationFailure
from pymongo.read_concern import ReadConcern

from hub.config import Settings
from hub.errors import SetupError
from hub.store.embedded import EmbeddedServer
from hub.store.faults import store_faults
from hub.store.migrate import migrate
from hub.store.motor_adapter import adapt, is_motor

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]

SELECTION_SECONDS = 5.0  # how long an operation looks for a primary before it is refused
CONNECT_SECONDS = 30.0  # how long a start waits for a MongoDB that was named


@dataclass(frozen=True, slots=True)
class Store:
    """The client, and the hub's database with the concerns that its laws need."""

    client: Client
    db: Database

    async def ping(self) -> None:
        """Ask the primary for a sign of life.

        Raises:
            Unavailable: it gives none.
        """
        with store_faults():
            await self.db.command("ping")


def connect(uri: str) -> Client:
    """Return a client with the hub's options; nothing is sent yet.

    Raises:
        SetupError: the address cannot be understood.
    """
    try:
        return AsyncMongoClient(
            uri,
            tz_aware=True,
            tzinfo=UTC,
            appname="tutti",
            w="majority",
            journal=True,
            readConcernLevel="majority",
            serverSelectionTimeoutMS=int(SELECTION_SECONDS * 1000),
            connectTimeoutMS=5_000,
            socketTimeoutMS=60_000,
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise SetupError(f"TUTTI_MONGODB_URI cannot be understood: {error}") from None


def database_of(client: Client, name: str) -> Database:
    """Return a database in which every operation is majority read, majority written and journaled."""
    return client.get_database(
        name,
        codec_options=CodecOptions(tz_aware=True, tzinfo=UTC),
        write_concern=WriteConcern("majority", j=True),
        read_concern=ReadConcern("majority"),
    )


@asynccontextmanager
async def open_store(
    settings: Settings, *, client: Any = None, on_progress: Callable[[str], None] | None = None
) -> AsyncIterator[Store]:
    """Open the store, wait until it answers, bring its collections up to date.

    A `client` that is handed in (PyMongo Async or Motor) stays open afterwards; it is its maker's.

    Raises:
        SetupError: one sentence on why there is no store.
    """
    if client is not None:
        yield await _ready(adapt(client) if is_motor(client) else client, settings.database)
        return
    if settings.mongodb_uri is not None:
        async with connect(settings.mongodb_uri.get_secret_value()) as own:
            yield await _ready(own, settings.database)
        return
    directory = settings.data_dir / "mongodb"
    async with (
        EmbeddedServer(directory, mongod=settings.mongod, on_progress=on_progress) as server,
        connect(server.uri) as own,
    ):
        yield await _ready(own, settings.database)


async def _ready(client: Client, name: str) -> Store:
    """Return the store once the server proved to be one that the hub can work with."""
    store = Store(client, database_of(client, name))
    try:
        hello = await client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise SetupError(
                "this MongoDB runs stand-alone, without transactions and change streams; "
                "start it as a replica set (one member is enough: mongod --replSet NAME, then rs.initiate())"
            )
        await migrate(store.db)
    except ConnectionFailure as error:
        raise SetupError(
            f"MongoDB does not answer: {error}; check TUTTI_MONGODB_URI and the network"
        ) from None
    except OperationFailure as error:
        detail = error.details.get("errmsg", "no reason given") if error.details else "no reason given"
        raise SetupError(f"MongoDB refuses the hub's user or its set-up: {detail}") from None
    return store
