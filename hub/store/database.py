"""The store that a hub works with: one client and one database, however they came to be.

    client handed in   ->  that client (a Motor client through `hub.store.motor_adapter`)
    TUTTI_MONGODB_URI  ->  a replica set, a sharded cluster or Atlas
    neither            ->  the embedded server, a real MongoDB as a child process

Whichever it is, reads and writes go with majority concern and journal: what the hub acknowledges has
survived the loss of a member. The database object carries that, so that no call can forget it.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from hub.config import Settings
from hub.errors import SetupError
from hub.store.embedded import EmbeddedServer
from hub.store.faults import store_faults
from hub.store.migrate import migrate
from hub.store.motor_adapter import adapt, is_motor

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]

SCHEMES = ("mongodb://", "mongodb+srv://")
NO_ADDRESS = (
    "TUTTI_MONGODB_URI is no address such as mongodb://USER:PASSWORD@HOST1,HOST2/?replicaSet=NAME; "
    "special characters in user and password are written %-encoded"
)
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
        SetupError: the address cannot be understood; it is not repeated, since it may hold a password.
    """
    if not uri.startswith(SCHEMES):  # the driver would take any word for a host
        raise SetupError(NO_ADDRESS)
    try:
        return AsyncMongoClient(  # no socketTimeoutMS: see hub.kit.deadline
            uri,
            tz_aware=True,
            tzinfo=UTC,
            appname="tutti",
            w="majority",
            journal=True,
            readConcernLevel="majority",
            serverSelectionTimeoutMS=int(SELECTION_SECONDS * 1000),
            connectTimeoutMS=5_000,
        )
    except (PyMongoError, ValueError):
        raise SetupError(NO_ADDRESS) from None


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
    async with reach_store(settings, client=client, on_progress=on_progress) as store:
        with _refusals():
            await migrate(store.db)
        yield store


@asynccontextmanager
async def reach_store(
    settings: Settings, *, client: Any = None, on_progress: Callable[[str], None] | None = None
) -> AsyncIterator[Store]:
    """Open the store as it is, without a migration; see `open_store`."""
    progress = on_progress or (lambda _message: None)
    if client is not None:
        yield await _proven(adapt(client) if is_motor(client) else client, settings.database, progress)
        return
    if settings.mongodb_uri is not None:
        async with connect(settings.mongodb_uri.get_secret_value()) as own:
            yield await _proven(own, settings.database, progress)
        return
    directory = settings.data_dir / "mongodb"
    async with (
        EmbeddedServer(directory, mongod=settings.mongod, on_progress=progress) as server,
        connect(server.uri) as own,
    ):
        yield await _proven(own, settings.database, progress)


async def _proven(client: Client, name: str, progress: Callable[[str], None]) -> Store:
    """Return the store once its server proved to be one that the hub can work with."""
    with _refusals():
        hello = await _first_answer(client, progress)
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise SetupError(
            "this MongoDB runs stand-alone, without transactions and change streams; "
            "start it as a replica set (one member is enough: mongod --replSet NAME, then rs.initiate())"
        )
    return Store(client, database_of(client, name))


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what a server refuses while a hub starts into one sentence."""
    try:
        yield
    except ConfigurationError as error:
        raise SetupError(f"MongoDB cannot be reached as TUTTI_MONGODB_URI says: {error}") from None
    except OperationFailure as error:
        reason = (error.details or {}).get("errmsg", f"code {error.code}")
        raise SetupError(f"MongoDB refuses the hub's user, or what the hub asks of it: {reason}") from None


async def _first_answer(client: Client, progress: Callable[[str], None]) -> dict[str, Any]:
    """Wait for a primary: a MongoDB that is started together with the hub may take a while.

    Raises:
        SetupError: none was found in 30 s.
    """
    last = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return await client.admin.command("hello")
        except ConnectionFailure:
            progress("waiting for MongoDB")
            if time.monotonic() > last:
                raise SetupError(
                    f"no MongoDB primary answered within {CONNECT_SECONDS:.0f} s; "
                    "check TUTTI_MONGODB_URI, the network, and that the replica set has a majority"
                ) from None
