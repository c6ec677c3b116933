"""API keys and secrets in the store."""

import secrets
from typing import Any

from bson import Binary
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from hub.auth.model import ApiKey, Scope

SECRET_BYTES = 32


class KeyRepository:
    """All queries on `api_keys` and `secrets`."""

    def __init__(self, db: AsyncDatabase[dict[str, Any]]) -> None:
        self._keys = db["api_keys"]
        self._secrets = db["secrets"]

    async def get_or_none(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash."""
        found = await self._keys.find_one({"_id": key_hash})
        if found is None:
            return None
        return ApiKey(
            hash=found["_id"],
            scope=Scope(found["scope"]),
            name=found["name"],
            created_at=found["created_at"],
            revoked_at=found.get("revoked_at"),
        )

    async def add(self, key: ApiKey) -> None:
        """Store a key; one that is there already stays as it is."""
        document = {
            "scope": key.scope.value,
            "name": key.name,
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
        }
        await self._keys.update_one({"_id": key.hash}, {"$setOnInsert": document}, upsert=True)

    async def revoke(self, name: str, at: Any) -> int:
        """Mark the keys of a name as revoked; return how many were."""
        done = await self._keys.update_many({"name": name, "revoked_at": None}, {"$set": {"revoked_at": at}})
        return done.modified_count

    async def secret(self, name: str) -> bytes:
        """Return the hub's secret of this name, made when first asked for; all processes get the same."""
        found = await self._secrets.find_one({"_id": name})
        if found is None:
            fresh: dict[str, Any] = {"_id": name, "value": Binary(secrets.token_bytes(SECRET_BYTES))}
            try:
                await self._secrets.insert_one(fresh)
            except DuplicateKeyError:  # another process was first: its secret counts
                return await self.secret(name)
            found = fresh
        return bytes(found["value"])
