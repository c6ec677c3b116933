"""Looks for somebody in everything a store holds: every field of every document of every collection."""

from collections.abc import Iterable
from typing import Any

import bson

from hub.store.database import Store


async def traces(store: Store, needles: Iterable[str]) -> list[str]:
    """Return where a needle is found, as bytes of a document, whatever the field and whatever the case."""
    wanted = [needle.lower().encode() for needle in needles]
    found = []
    for name in sorted(await store.db.list_collection_names()):
        async for document in store.db[name].find({}):
            held = bson.encode(document).lower()
            found += [f"{name}/{document['_id']}: {needle!r}" for needle in wanted if needle in held]
    return found


async def dump(store: Store) -> dict[str, list[Any]]:
    """Return everything there is."""
    names = sorted(await store.db.list_collection_names())
    return {name: await store.db[name].find({}).sort("_id", 1).to_list() for name in names}
