"""Segment rules as MongoDB queries: who all is in a segment, counted or listed by the store.

Each operator becomes an aggregation expression over a profile's document as `profile_codec` writes it
(lists of entries, since keys come from outside). Expressions compare exactly: no value reaches into
lists by itself, and numbers are told from everything else. It is a scan of `profiles`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.kit.clock import to_milliseconds
from hub.profiles.segment_rules import (
    Absent,
    All,
    AnyOf,
    Did,
    HasInterest,
    Known,
    Not,
    Owns,
    Trait,
)
from hub.profiles.segments import keys_below
from hub.store.faults import store_faults

Expression = dict[str, Any]
LARGEST_PAGE = 1_000


def query_of(rule: Any, snapshot: CatalogueSnapshot, at: datetime) -> dict[str, Any]:
    """Return the filter on `profiles` that finds the customers for whom a rule holds at an instant."""
    return {
        "merged_into": None,
        "facet_ids.0": {"$exists": True},
        "$expr": _of(rule, snapshot, to_milliseconds(at)),
    }


async def count_members(
    db: AsyncDatabase[dict[str, Any]], rule: Any, snapshot: CatalogueSnapshot, at: datetime
) -> int:
    """Return how many customers a rule holds for.

    Raises:
        Unavailable: the store does not answer.
    """
    with store_faults():
        return await db["profiles"].count_documents(query_of(rule, snapshot, at))


async def list_members(
    db: AsyncDatabase[dict[str, Any]],
    rule: Any,
    snapshot: CatalogueSnapshot,
    at: datetime,
    *,
    after: str = "",
    most: int = LARGEST_PAGE,
) -> list[str]:
    """Return the ids of customers for whom a rule holds, in their order, behind `after`.

    Raises:
        Unavailable: the store does not answer.
    """
    wanted = {**query_of(rule, snapshot, at), "_id": {"$gt": after}}
    with store_faults():
        cursor = db["profiles"].find(wanted, {"_id": 1}).sort("_id", 1).limit(min(most, LARGEST_PAGE))
        return [document["_id"] async for document in cursor]


def _of(rule: Any, snapshot: CatalogueSnapshot, at: datetime) -> Expression:
    return _COMPILERS[type(rule)](rule, snapshot, at)


def _literal(value: Any) -> Expression:
    return {"$literal": value}


def _at(entry: str, position: int) -> Expression:
    return {"$arrayElemAt": [entry, position]}


def _entries(field: str, condition: Expression) -> Expression:
    return {"$filter": {"input": {"$ifNull": [f"${field}", []]}, "as": "each", "cond": condition}}


def _trait(rule: Trait, _snapshot: CatalogueSnapshot, _now: datetime) -> Expression:
    found = _entries("traits", {"$eq": [_at("$$each", 0), _literal(rule.trait)]})
    conditions: list[Expression] = [{"$ne": [{"$ifNull": ["$$value", None]}, None]}]
    if rule.is_ is not None:
        conditions.append({"$eq": ["$$value", _literal(rule.is_)]})
    if rule.in_ is not None:
        conditions.append({"$in": ["$$value", [_literal(one) for one in rule.in_]]})
    if rule.above is not None:
        conditions += [{"$isNumber": "$$value"}, {"$gt": ["$$value", rule.above]}]
    if rule.below is not None:
        conditions += [{"$isNumber": "$$value"}, {"$lt": ["$$value", rule.below]}]
    value = {"$let": {"vars": {"found": _at(found, 0)}, "in": _at("$$found", 1)}}  # type: ignore[arg-type]
    return {"$let": {"vars": {"value": value}, "in": {"$and": conditions}}}


def _did(rule: Did, snapshot: CatalogueSnapshot, now: datetime) -> Expression:
    conditions: list[Expression] = [
        {"$eq": [_at("$$each", 2), rule.did.value]},
        {"$lte": [_at("$$each", 0), now]},
    ]
    if rule.within_days is not None:
        conditions.append({"$gte": [_at("$$each", 0), now - timedelta(days=rule.within_days)]})
    if rule.category is not None:
        keys = sorted(keys_below(snapshot, rule.category))
        conditions.append({"$in": [_at("$$each", 3), _literal(keys)]})
    return {"$gte": [{"$size": _entries("recent", {"$and": conditions})}, rule.times]}


def _owns(rule: Owns, snapshot: CatalogueSnapshot, _now: datetime) -> Expression:
    keys = _literal(sorted(keys_below(snapshot, rule.owns)))
    found = _entries("owned", {"$in": [_at("$$each", 0), keys]})
    counts = {"$map": {"input": found, "as": "own", "in": _at("$$own", 1)}}
    return {"$gte": [{"$sum": counts}, rule.at_least]}


def _interest(rule: HasInterest, _snapshot: CatalogueSnapshot, _now: datetime) -> Expression:
    conditions: list[Expression] = [
        {"$eq": ["$$each.kind", rule.kind]},
        {"$gte": [{"$indexOfCP": ["$$each.label", _literal(rule.interest)]}, 0]},
        {"$gte": ["$$each.weight", rule.at_least]},
    ]
    return {"$gt": [{"$size": _entries("interests", {"$and": conditions})}, 0]}


def _long_ago(field: str, days: float, now: datetime) -> Expression:
    return {"$and": [{"$eq": [{"$type": field}, "date"]}, {"$lte": [field, now - timedelta(days=days)]}]}


_COMPILERS: Mapping[type, Callable[[Any, CatalogueSnapshot, datetime], Expression]] = {
    All: lambda rule, *of: {"$and": [_of(each, *of) for each in rule.all]},
    AnyOf: lambda rule, *of: {"$or": [_of(each, *of) for each in rule.any]},
    Not: lambda rule, *of: {"$not": [_of(rule.not_, *of)]},
    Trait: _trait,
    Did: _did,
    Owns: _owns,
    HasInterest: _interest,
    Known: lambda rule, _snapshot, now: _long_ago("$first_seen_at", rule.known_days, now),
    Absent: lambda rule, _snapshot, now: _long_ago("$last_seen_at", rule.absent_days, now),
}
