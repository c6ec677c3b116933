"""Short transactions: a few documents that change together or not at all.

For steps that several writers could interleave; what takes long is done in steps that can be done again
instead. Majority read and written, journaled; a conflict with another writer is tried again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pymongo import WriteConcern
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from hub.errors import Conflict
from hub.store.database import Database
from hub.store.faults import store_faults

Session = Any  # PyMongo's AsyncClientSession, or the Motor adapter's
T = TypeVar("T")
ATTEMPTS = 40
LONGEST_PAUSE = 0.2  # seconds


async def transact(db: Database, work: Callable[[Session], Awaitable[T]]) -> T:
    """Run `work` in a transaction and return what it returned; it may run several times.

    Args:
        db: whose client the transaction is of.
        work: does its reads and writes with the session it is given, and lets driver errors pass.

    Raises:
        Conflict: others kept changing the same documents.
        Unavailable: the store does not answer; the transaction has happened whole or not at all.
    """
    with store_faults():
        for attempt in range(ATTEMPTS):
            async with db.client.start_session() as session:
                try:
                    return await _once(session, work)
                except PyMongoError as error:
                    if not _lost_a_race(error):
                        raise
            await asyncio.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.002 * 2**attempt)))  # noqa: S311
    raise Conflict("others keep changing this; try again")


async def _once(session: Session, work: Callable[[Session], Awaitable[T]]) -> T:
    async with await session.start_transaction(
        read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority", j=True)
    ):
        return await work(session)


def _lost_a_race(error: PyMongoError) -> bool:
    return isinstance(error, OperationFailure) and error.has_error_label("TransientTransactionError")
