"""Set-up of the one-member replica set: initiate, first user, move to another port.

Every step looks first and is safe to repeat, so that a hub killed between two of them is continued by
the next one. The first user is made under MongoDB's localhost exception, which closes with it.
"""

import asyncio
import time
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

from hub.errors import SetupError
from hub.store.embedded.process import REPLICA_SET, ServerProcess

USER = "tutti"
UNAUTHORIZED, AUTHENTICATION_FAILED, ALREADY_INITIALIZED = 13, 18, 23
READY_SECONDS = 60.0

type_of_client = AsyncMongoClient[dict[str, Any]]


def uri(port: int, password: str) -> str:
    """Return the address of the embedded server, with its password: never log it."""
    return f"mongodb://{USER}:{password}@127.0.0.1:{port}/?replicaSet={REPLICA_SET}&authSource=admin"


async def make_ready(process: ServerProcess, password: str) -> None:
    """Bring a server that listens to where it takes majority writes from our user.

    Raises:
        SetupError: it ended, it does not know our password, or it elects no primary in a minute.
    """
    address = f"127.0.0.1:{process.port}"
    config = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": address}]}
    plain: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        "127.0.0.1", process.port, directConnection=True, serverSelectionTimeoutMS=5000
    )
    known: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        "127.0.0.1", process.port, directConnection=True, serverSelectionTimeoutMS=5000,
        username=USER, password=password,
    )  # fmt: skip
    try:
        hello = await plain.admin.command("hello")
        if hello.get("setName") != REPLICA_SET or hello.get("me", address) != address:
            await _initiate_or_move(plain, known, config)
        await _primary(process, plain)
        await _ensure_user(plain, known, password)
    except ConnectionFailure as error:
        if not process.running:
            raise process.failure() from error
        raise SetupError(
            f"the MongoDB server on port {process.port} stopped answering while it started"
        ) from error
    finally:
        await plain.close()
        await known.close()


async def _initiate_or_move(plain: type_of_client, known: type_of_client, config: dict[str, Any]) -> None:
    """Initiate a new set; if there is one with another port, move it here by force."""
    try:
        await plain.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        if error.code not in {UNAUTHORIZED, ALREADY_INITIALIZED}:
            raise
        current = await known["local"]["system.replset"].find_one({"_id": REPLICA_SET})
        if current is None:
            raise
        version = current["version"] + 1
        await known.admin.command("replSetReconfig", {**config, "version": version}, force=True)


async def _primary(process: ServerProcess, plain: type_of_client) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not (await plain.admin.command("hello")).get("isWritablePrimary"):
        if not process.running:
            raise process.failure()
        if time.monotonic() > deadline:
            raise SetupError(f"the MongoDB server did not become ready within {READY_SECONDS:.0f} s")
        await asyncio.sleep(0.05)


async def _ensure_user(plain: type_of_client, known: type_of_client, password: str) -> None:
    try:
        await known.admin.command("ping")
    except OperationFailure as error:
        if error.code != AUTHENTICATION_FAILED:
            raise
    else:
        return
    try:
        await plain.admin.command("createUser", USER, pwd=password, roles=["root"])
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        raise SetupError(
            "the embedded MongoDB server does not know the password in its data directory; restore the file "
            "`password` from a backup, or set TUTTI_DATA_DIR to a new folder"
        ) from None
