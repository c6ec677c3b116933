"""Writes that lose to whoever was faster: each document carries a version, and replaces the one before."""

from collections.abc import Sequence
from typing import Any

from pymongo import InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError

from hub.store.faults import DUPLICATE_KEY, store_faults


async def write_versioned(collection: Any, documents: Sequence[dict[str, Any]]) -> bool:
    """Insert documents of version 1, replace others where the stored version is one less."""
    if not documents:
        return True
    writes: list[Any] = [
        InsertOne(document)
        if document["version"] == 1
        else ReplaceOne({"_id": document["_id"], "version": document["version"] - 1}, document)
        for document in documents
    ]
    with store_faults():
        try:
            result = await collection.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            only_duplicates(error)
            return False
    return bool(result.matched_count + result.inserted_count == len(documents))


def only_duplicates(error: BulkWriteError) -> None:
    """Pass over documents that were there already; anything else that went wrong is raised again."""
    details = error.details or {}
    faults = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(fault["code"] != DUPLICATE_KEY for fault in faults):
        raise error
