"""Databases for tests: emptied after a test and used again, since making one costs ten times as much.

To make and drop one takes half a second and leaves its files open in the server until the next checkpoint;
a thousand tests would meet the limit of open files on many machines.
"""

import asyncio

from hub.kit.ids import new_id
from hub.store.collections import COLLECTIONS
from hub.store.database import Client, database_of
from hub.store.migrate import migrate

DECLARED = frozenset(spec.name for spec in COLLECTIONS)


class Databases:
    """The databases of one test run: each is one test's at a time, and empty when it gets it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._spare: list[str] = []

    def take(self) -> str:
        """Return the name of a database that is empty or not yet there."""
        return self._spare.pop() if self._spare else new_id("t")

    async def give_back(self, name: str) -> None:
        """Mend and empty a database for the next test; drop it if it holds what is not declared."""
        db = database_of(self._client, name)
        present = set(await db.list_collection_names())
        if not present:
            return
        report = await migrate(db) if present == DECLARED else None
        if report is None or report.undeclared:
            await self._client.drop_database(name)
            return
        await asyncio.gather(*(db[collection].delete_many({}) for collection in sorted(DECLARED)))
        self._spare.append(name)
