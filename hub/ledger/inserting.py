"""How rows reach the store: in order, so that none is there without the one that it names.

    one row     the bare command                 the usual case: a serving that met no other
    more        the driver's ordered insert

The driver's insert costs its own bookkeeping and the server's, which keeps a record of each write by which the driver may
send it a second time: a third of a millisecond of an answer's way. For one row its id does the same. Where nobody
knows whether it arrived, it is sent again by the driver's insert, and that it is there already is told by its id.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import BulkWriteError, ConnectionFailure, ServerSelectionTimeoutError

from hub.store.database import Database

DUPLICATE_KEY = 11000


class StoppedError(Exception):
    """An insert in order stopped at a row: because its place in the chain was taken, or it was refused."""

    def __init__(self, at: int, race: bool, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.race = race
        self.message = message

    @classmethod
    def of(cls, fault: Mapping[str, Any]) -> "StoppedError":
        """Return what the server says of a row that it did not take."""
        race = fault.get("code") == DUPLICATE_KEY and "seq" in fault.get("keyPattern", {})
        return cls(fault["index"], race, str(fault.get("errmsg", "refused")))


class Inserter:
    """Inserts documents into `served`; durable on a majority when it returns."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._served = db["served"]
        self._concern = db.write_concern.document  # a bare command takes none from the database

    async def insert(self, documents: Sequence[dict[str, Any]]) -> None:
        """Insert documents until one is refused.

        Raises:
            StoppedError: one was not taken; those before it are durable, and none behind it was inserted.
            PyMongoError: nobody knows which of them arrived.
        """
        if len(documents) == 1:
            await self._insert_one(documents[0])
            return
        try:
            await self._served.insert_many(documents, ordered=True)
        except BulkWriteError as error:
            raise StoppedError.of(_fault_of(error)) from None

    async def _insert_one(self, document: dict[str, Any]) -> None:
        command = {
            "insert": "served",
            "ordered": True,
            "writeConcern": self._concern,
            "documents": [document],
        }
        try:
            reply = await self._db.command(command)
        except ServerSelectionTimeoutError:  # nothing was sent
            raise
        except ConnectionFailure:  # the primary went away, or another is primary now
            await self._insert_again(document)
            return
        if "writeConcernError" in reply:
            await self._insert_again(document)
        elif reply.get("writeErrors"):
            raise StoppedError.of(reply["writeErrors"][0])

    async def _insert_again(self, document: dict[str, Any]) -> None:
        """Insert a document that may have arrived."""
        try:
            await self._served.insert_many([document])
        except BulkWriteError as error:
            fault = _fault_of(error)
            if fault.get("code") == DUPLICATE_KEY and await self._arrived(document):
                return
            raise StoppedError.of(fault) from None

    async def _arrived(self, document: Mapping[str, Any]) -> bool:
        """Tell whether this very row is durable: a message's id may have been taken by another process's row of it."""
        same = {name: document.get(name) for name in ("_id", "at", "profile_id", "hash", "body")}
        return await self._served.find_one(same, {"_id": 1}) is not None


def _fault_of(error: BulkWriteError) -> Mapping[str, Any]:
    """Return what the server says of the row that it did not take.

    Raises:
        BulkWriteError: rows were taken, and not by a majority.
    """
    faults = error.details.get("writeErrors", [])
    if error.details.get("writeConcernErrors") or not faults:
        raise error
    fault: Mapping[str, Any] = faults[0]
    return fault
