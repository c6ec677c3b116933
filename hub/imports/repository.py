"""All queries of the importer: checkpoints, and where a message came from."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from hub.store.faults import store_faults


class ImportRepository:
    """Reads and writes `imports`; reads `events` for their origin."""

    def __init__(self, db: AsyncDatabase[dict[str, Any]]) -> None:
        self._db = db

    async def load(self, key: str) -> dict[str, Any] | None:
        """Return what is known of an import."""
        with store_faults():
            return await self._db["imports"].find_one({"_id": key})

    async def save(self, key: str, state: Mapping[str, Any]) -> None:
        """Keep how far an import has come; durable before it returns."""
        with store_faults():
            await self._db["imports"].replace_one({"_id": key}, dict(state), upsert=True)

    async def first_lines(self, file: str, message_ids: Sequence[str]) -> dict[str, int]:
        """Return for those messages that the same file brought already the line at which each began."""
        if not message_ids:
            return {}
        origin = "payload.context.import"
        with store_faults():
            cursor = self._db["events"].find(
                {"_id": {"$in": list(message_ids)}, f"{origin}.file": file}, {f"{origin}.line": 1}
            )
            return {d["_id"]: int(d["payload"]["context"]["import"]["line"]) async for d in cursor}
