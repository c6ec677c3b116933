"""Set-up of the one-member replica set: initiate, first user, move to another port.

Every step looks first and is safe to repeat, so that a hub killed between two of them is continued by
the next one. The first user is made under MongoDB's localhost exception, which closes with it.
"""

import asyncio
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

from hub.errors import SetupError
from hub.store.embedded.process import REPLICA_SET, ServerProcess

USER = "tutti"
READY_SECONDS = 90.0  # a move takes up to 30 when a silent program sits on the old port
ENDING_SECONDS = 5.0  # a server that fails lets go of its connections before it is gone
HANGING_UP_SECONDS = 0.2
UNAUTHORIZED, AUTHENTICATION_FAILED, ALREADY_INITIALIZED = 13, 18, 23
NOT_A_MEMBER, CONFIG_NOT_LOADED = 93, 94

Client = AsyncMongoClient[dict[str, Any]]


def uri(port: int, password: str) -> str:
    """Return the address of the embedded server, with its password: never log it."""
    return f"mongodb://{USER}:{password}@127.0.0.1:{port}/?replicaSet={REPLICA_SET}&authSource=admin"


async def make_ready(process: ServerProcess, password: str) -> None:
    """Bring a server that listens to where it takes majority writes from our user.

    Raises:
        SetupError: it ended, it does not know our password, or it elects no primary in time.
    """
    plain, known = _direct(process.port), _direct(process.port, username=USER, password=password)
    try:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                try:
                    await _join_set(process, plain, known)
                    await _ensure_user(plain, known, password)
                except ConnectionFailure as error:  # a member that changes its state hangs up on its clients
                    if await process.ended(within=HANGING_UP_SECONDS):
                        raise process.failure() from error
                else:
                    return
    except OperationFailure as error:
        if await process.ended(within=ENDING_SECONDS):
            raise process.failure() from error
        raise SetupError(
            f"the MongoDB server on port {process.port} failed while it started: {error}"
        ) from error
    except TimeoutError:
        raise SetupError(f"the MongoDB server did not become ready within {READY_SECONDS:.0f} s") from None
    finally:
        await plain.close()
        await known.close()


def _direct(port: int, **credentials: Any) -> Client:
    """Return a client of this one server, whatever it thinks of its replica set."""
    return AsyncMongoClient(
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=5000, **credentials
    )


async def _join_set(process: ServerProcess, plain: Client, known: Client) -> None:
    """Initiate a new set, wait for a set that loads, move one that was made on another port."""
    asked = False
    while True:
        hello = await plain.admin.command("hello")
        if hello.get("isWritablePrimary"):
            return
        if not process.running:
            raise process.failure()
        if hello.get("setName") is None:
            if not asked:
                asked = True
                if await _initiate(plain, process.port):
                    continue
            await _move_if_needed(known, process.port)
        await asyncio.sleep(0.05)


async def _initiate(plain: Client, port: int) -> bool:
    """Initiate the set; False if there is one already, which may still be loading."""
    try:
        await plain.admin.command("replSetInitiate", _config(port, version=1))
    except OperationFailure as error:
        if error.code in {UNAUTHORIZED, ALREADY_INITIALIZED}:
            return False
        raise
    return True


async def _move_if_needed(known: Client, port: int) -> None:
    """Reconfigure by force if the set's configuration names another port than the server's.

    While another program sits on the old port, the server may take some seconds to find out that
    it is not itself that listens there.
    """
    try:
        await known.admin.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code == CONFIG_NOT_LOADED:
            return
        if error.code == AUTHENTICATION_FAILED:
            raise _unknown_password() from None
        if error.code != NOT_A_MEMBER:
            raise
    else:
        return
    stored = await known["local"]["system.replset"].find_one({"_id": REPLICA_SET}) or {"version": 1}
    await known.admin.command("replSetReconfig", _config(port, version=stored["version"] + 1), force=True)


def _config(port: int, *, version: int) -> dict[str, Any]:
    return {"_id": REPLICA_SET, "version": version, "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}


async def _ensure_user(plain: Client, known: Client, password: str) -> None:
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
        raise _unknown_password() from None


def _unknown_password() -> SetupError:
    return SetupError(
        "the embedded MongoDB server does not know the password in its data directory; restore the file "
        "`password` from a backup, or set TUTTI_DATA_DIR to a new folder"
    )
