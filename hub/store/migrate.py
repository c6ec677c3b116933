"""Bring a database to what `hub.store.collections` declares: collections, validators, indexes.

Idempotent and safe when several hubs start at once: each step looks at what is there, and what another
hub did in between is what this one wanted. Data is never touched. An index that is no longer declared
is reported and left alone, since an operator may have made it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import CollectionInvalid, OperationFailure

from hub.store.collections import COLLECTIONS, CollectionSpec

NAMESPACE_EXISTS, INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT = 48, 85, 86
SAME_INDEX = ("key", "unique", "partialFilterExpression", "expireAfterSeconds", "sparse", "collation")


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a migration did, each as `collection` or `collection.index`."""

    created: tuple[str, ...] = ()
    validators: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return bool(self.created or self.validators or self.indexes)


async def migrate(
    db: AsyncDatabase[dict[str, Any]], collections: tuple[CollectionSpec, ...] = COLLECTIONS
) -> MigrationReport:
    """Apply the declarations to a database and tell what was changed."""
    present = {c["name"]: c["options"] async for c in await db.list_collections()}
    created, validators, indexes, undeclared = [], [], [], []
    for spec in collections:
        if spec.name not in present:
            await _create(db, spec)
            created.append(spec.name)
        elif present[spec.name].get("validator") != spec.validator:
            await db.command("collMod", spec.name, validator=spec.validator)
            validators.append(spec.name)
        built, left = await _indexes(db, spec)
        indexes += [f"{spec.name}.{name}" for name in built]
        undeclared += [f"{spec.name}.{name}" for name in left]
    return MigrationReport(tuple(created), tuple(validators), tuple(indexes), tuple(undeclared))


async def _create(db: AsyncDatabase[dict[str, Any]], spec: CollectionSpec) -> None:
    try:
        await db.create_collection(spec.name, check_exists=False, validator=spec.validator)
    except (CollectionInvalid, OperationFailure) as error:
        if isinstance(error, OperationFailure) and error.code != NAMESPACE_EXISTS:
            raise
        await db.command("collMod", spec.name, validator=spec.validator)


async def _indexes(db: AsyncDatabase[dict[str, Any]], spec: CollectionSpec) -> tuple[list[str], list[str]]:
    """Build what is missing, rebuild what differs; return what was built and what nobody declared."""
    present = {i["name"]: dict(i) async for i in await db[spec.name].list_indexes()}
    declared = {i.document["name"]: i for i in spec.indexes}
    built = []
    for name, index in declared.items():
        if name in present and _same(present[name], index.document):
            continue
        if name in present:
            await db[spec.name].drop_index(name)
        await _build(db, spec.name, index)
        built.append(name)
    return built, sorted(present.keys() - declared.keys() - {"_id_"})


async def _build(db: AsyncDatabase[dict[str, Any]], collection: str, index: IndexModel) -> None:
    try:
        await db[collection].create_indexes([index])
    except OperationFailure as error:
        if error.code not in {INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT}:
            raise
        await _drop_like(db, collection, index.document["key"])  # the same keys under another name
        await db[collection].create_indexes([index])


async def _drop_like(db: AsyncDatabase[dict[str, Any]], collection: str, key: Mapping[str, Any]) -> None:
    async for other in await db[collection].list_indexes():
        if dict(other["key"]) == dict(key):
            await db[collection].drop_index(other["name"])


def _same(present: Mapping[str, Any], declared: Mapping[str, Any]) -> bool:
    return all(_plain(present.get(k)) == _plain(declared.get(k)) for k in SAME_INDEX)


def _plain(value: Any) -> Any:
    return list(value.items()) if isinstance(value, Mapping) else value
