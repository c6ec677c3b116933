"""Looks for somebody in everything a store holds: every field of every document of every collection."""

from collections.abc import Iterable, Mapping
from typing import Any

import bson

from hub.ledger.packing import MAGIC, unpacked
from hub.store.database import Store


def readable(document: Mapping[str, Any]) -> bytes:
    """Return all that a document holds, in lower case: its bytes, and what is packed in any of its fields."""
    packed = [value for value in _values(document) if isinstance(value, bytes) and value.startswith(MAGIC)]
    return b"\n".join([bson.encode(document), *map(unpacked, packed)]).lower()


def _values(held: Any) -> Iterable[Any]:
    inner = held.values() if isinstance(held, Mapping) else held if isinstance(held, list) else None
    if inner is None:
        return [held]
    return [value for each in inner for value in _values(each)]


async def traces(store: Store, needles: Iterable[str]) -> list[str]:
    """Return where a needle is found, as bytes of a document, whatever the field and whatever the case."""
    wanted = [needle.lower().encode() for needle in needles]
    found = []
    for name in sorted(await store.db.list_collection_names()):
        async for document in store.db[name].find({}):
            held = readable(document)
            found += [f"{name}/{document['_id']}: {needle!r}" for needle in wanted if needle in held]
    return found


async def dump(store: Store) -> dict[str, list[Any]]:
    """Return everything there is."""
    names = sorted(await store.db.list_collection_names())
    return {name: await store.db[name].find({}).sort("_id", 1).to_list() for name in names}
