"""All queries of offers issued. What changes anything takes a session: it runs in a transaction."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from bson import Decimal128
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from hub.catalogue.model import Offer
from hub.errors import Conflict
from hub.kit.money import Money
from hub.offers.model import Account, Entry, Grant, GrantState
from hub.store.codecs import from_document, to_document
from hub.store.database import Store
from hub.store.faults import DUPLICATE_KEY, store_faults

T = TypeVar("T")
SNAPSHOT = ReadConcern("snapshot")  # said here, since a client that was handed in may have other defaults
DURABLE = WriteConcern("majority", j=True)
ATTEMPTS = 8  # of a transaction that met another one's new key
MOST_HOPS = 16  # merges followed


def grant_document(grant: Grant) -> dict[str, Any]:
    """Return a grant as the store keeps it; what is None is left out, as the partial indexes want it."""
    document = to_document(grant, _id=grant.id, offer_key=grant.offer.key)
    del document["id"]
    return {name: value for name, value in document.items() if value is not None}


def grant_from(document: Mapping[str, Any]) -> Grant:
    """Return the grant that the store keeps."""
    return from_document(Grant, {**document, "id": document["_id"]})


def in_order(documents: Iterable[Mapping[str, Any]]) -> list[Grant]:
    """Return the grants that the store keeps, in the order in which they were issued."""
    return sorted(map(grant_from, documents), key=lambda grant: (grant.granted_at, grant.id))


class OfferRepository:
    """Reads and writes grants, entries, counters and guards."""

    def __init__(self, store: Store) -> None:
        self._client = store.client
        self._grants = store.db["grants"]
        self._entries = store.db["offer_entries"]
        self._counters = store.db["offer_counters"]
        self._guards = store.db["offer_guards"]
        self._offers = store.db["offers"]
        self._profiles = store.db["profiles"]

    async def in_transaction(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run `work(session)` as one: all of it is durable on a majority when this returns, or none.

        It may run several times, on newer data each time, so it must change nothing but the store.

        Raises:
            Conflict: others kept getting in the way.
            Unavailable: the store does not answer.
        """
        with store_faults():
            for attempt in range(ATTEMPTS):
                try:
                    async with self._client.start_session() as session:
                        result: T = await session.with_transaction(
                            work, read_concern=SNAPSHOT, write_concern=DURABLE
                        )
                        return result
                except DuplicateKeyError:  # somebody's new key came in between: now it is seen
                    if attempt == ATTEMPTS - 1:
                        raise
        raise Conflict("somebody else changed this at the same moment; try again")

    # who a person is

    async def persons(self, profile_ids: Collection[str], session: Any) -> dict[str, tuple[str, ...]]:
        """Return, for each profile id, all ids of that person: where it went, and all that went there.

        Read inside the transaction, so that a merge or split since the profile was read counts.
        """
        roots = {profile_id: profile_id for profile_id in profile_ids}
        former: dict[str, list[str]] = {}
        for _ in range(MOST_HOPS):
            wanted = {root for root in roots.values() if root not in former}
            if not wanted:
                break
            found = {
                document["_id"]: document
                async for document in self._profiles.find(
                    {"_id": {"$in": sorted(wanted)}}, {"merged_into": 1, "former_ids": 1}, session=session
                )
            }
            moved = {key: d["merged_into"] for key, d in found.items() if d.get("merged_into")}
            for key in wanted - moved.keys():
                former[key] = list(found.get(key, {}).get("former_ids", ()))
            roots = {key: moved.get(root, root) for key, root in roots.items()}
        # A merge is noted on the profile that goes before the one that stays knows of it.
        async for document in self._profiles.find(
            {"merged_into": {"$in": sorted(set(roots.values()))}}, {"merged_into": 1}, session=session
        ):
            former.setdefault(document["merged_into"], []).append(document["_id"])
        return {key: tuple(dict.fromkeys((root, *former.get(root, ())))) for key, root in roots.items()}

    async def touch(self, guards: Collection[str], session: Any) -> None:
        """Write to guards, so that of two transactions that count the same one starts again."""
        if guards:
            updates = [
                UpdateOne({"_id": key}, {"$inc": {"touched": 1}}, upsert=True) for key in sorted(guards)
            ]
            try:
                await self._guards.bulk_write(updates, ordered=True, session=session)
            except OperationFailure as error:
                raise _first_key_taken(error) from None

    # reading

    async def definitions(self, keys: Collection[str], session: Any) -> dict[str, Offer]:
        """Return the offers of these keys as they are defined now."""
        found = self._offers.find({"_id": {"$in": sorted(keys)}}, session=session)
        return {document["_id"]: from_document(Offer, document) async for document in found}

    async def of_persons(
        self,
        profile_ids: Collection[str],
        *,
        households: Collection[str] = (),
        offer_keys: Collection[str] | None = None,
        session: Any = None,
    ) -> list[Grant]:
        """Return the grants of profiles, and of households, in the order in which they were issued."""
        query: dict[str, Any] = {"profile_id": {"$in": sorted(profile_ids)}}
        if households:
            query = {"$or": [query, {"household": {"$in": sorted(households)}}]}
        if offer_keys is not None:
            query["offer_key"] = {"$in": sorted(offer_keys)}
        with store_faults():
            found = await self._grants.find(query, session=session).to_list()
        return in_order(found)

    async def one(self, query: Mapping[str, Any], session: Any = None) -> Grant | None:
        """Return the grant that a query finds, None if there is none."""
        with store_faults():
            document = await self._grants.find_one(query, session=session)
        return None if document is None else grant_from(document)

    async def many(self, query: Mapping[str, Any], session: Any = None, *, most: int = 0) -> list[Grant]:
        """Return the grants that a query finds."""
        with store_faults():
            return [
                grant_from(d) for d in await self._grants.find(query, session=session).limit(most).to_list()
            ]

    async def counters(self, session: Any = None) -> dict[str, dict[str, Any]]:
        """Return how much of each offer is out or used."""
        with store_faults():
            return {document["_id"]: document async for document in self._counters.find({}, session=session)}

    # writing

    async def take(self, offer: Offer, session: Any) -> bool:
        """Take one grant's worth out of an offer's budget; False if there is not enough left.

        The condition and the change are one operation on one document.
        """
        worth, query = offer.worth, dict[str, Any](_id=offer.key)
        change: dict[str, Any] = {"units": 1}
        if offer.most_grants is not None:
            if offer.most_grants == 0:
                return False
            query["units"] = {"$lt": offer.most_grants}
        if worth is not None:
            change[f"amounts.{worth.currency}"] = Decimal128(worth.amount)
            if offer.budget is not None:
                left = offer.budget.amount - worth.amount
                if left < 0:
                    return False
                query[f"amounts.{worth.currency}"] = {"$not": {"$gt": Decimal128(left)}}
        done = await self._counters.update_one(query, {"$inc": change}, session=session)
        if done.matched_count:
            return True
        if await self._counters.find_one({"_id": offer.key}, {"_id": 1}, session=session) is not None:
            return False
        await self._counters.insert_one({"_id": offer.key, "units": 0}, session=session)  # its first grant
        await self._counters.update_one({"_id": offer.key}, {"$inc": change}, session=session)
        return True

    async def give_back(self, grants: Sequence[Grant], session: Any) -> None:
        """Put the worth of grants that ended unused, or were taken back, into their budgets again."""
        returned: dict[str, dict[str, Any]] = {}
        for grant in grants:
            of = returned.setdefault(grant.offer.key, {"units": 0})
            of["units"] -= 1
            worth: Money | None = grant.offer.worth
            if worth is not None:
                name = f"amounts.{worth.currency}"
                of[name] = of.get(name, Decimal(0)) - worth.amount
        for key, change in sorted(returned.items()):
            spelt = {n: Decimal128(v) if isinstance(v, Decimal) else v for n, v in change.items()}
            await self._counters.update_one({"_id": key}, {"$inc": spelt}, session=session)

    async def insert(self, grants: Sequence[Grant], session: Any) -> None:
        """Insert new grants."""
        if grants:
            try:
                await self._grants.insert_many([grant_document(grant) for grant in grants], session=session)
            except OperationFailure as error:
                raise _first_key_taken(error) from None

    async def move(self, grant: Grant, source: GrantState, session: Any) -> bool:
        """Replace a grant that is in state `source`; False if it no longer is."""
        try:
            done = await self._grants.replace_one(
                {"_id": grant.id, "state": source.value}, grant_document(grant), session=session
            )
        except OperationFailure as error:
            raise _first_key_taken(error) from None
        return bool(done.matched_count)

    async def post(self, entries: Sequence[Entry], session: Any) -> None:
        """Append entries."""
        if entries:
            await self._entries.insert_many(
                [to_document(entry, _id=entry.id) for entry in entries], session=session
            )

    # the books

    async def balances(self, session: Any = None) -> list[tuple[str, Account, str, int, Decimal]]:
        """Return the sums of all entries: offer key, account, currency, units, amount."""
        by = {"offer": "$offer_key", "account": "$account", "currency": "$currency"}
        group = {"_id": by, "units": {"$sum": "$units"}, "amount": {"$sum": "$amount"}}
        with store_faults():
            found = await (await self._entries.aggregate([{"$group": group}], session=session)).to_list()
        return [
            (
                row["_id"]["offer"],
                Account(row["_id"]["account"]),
                row["_id"]["currency"],
                row["units"],
                row["amount"].to_decimal(),
            )
            for row in found
        ]

    async def standing_sums(self, session: Any = None) -> list[tuple[str, GrantState, str, int, Decimal]]:
        """Return what the grants themselves come to: offer key, state, currency, units, amount."""
        worth = {"$ifNull": ["$offer.value", "$offer.amount_off"]}
        group = {
            "_id": {
                "offer": "$offer_key",
                "state": "$state",
                "currency": {"$ifNull": ["$worth.currency", ""]},
            },
            "units": {"$sum": 1},
            "amount": {"$sum": {"$ifNull": ["$worth.amount", Decimal128("0")]}},
        }
        with store_faults():
            cursor = await self._grants.aggregate(
                [{"$set": {"worth": worth}}, {"$group": group}], session=session
            )
            found = await cursor.to_list()
        return [
            (
                row["_id"]["offer"],
                GrantState(row["_id"]["state"]),
                row["_id"]["currency"],
                row["units"],
                row["amount"].to_decimal(),
            )
            for row in found
        ]

    async def running_out(self, at: datetime, *, most: int) -> list[Grant]:
        """Return grants whose time is over and that are not posted as expired yet."""
        return await self.many({"state": GrantState.ISSUED.value, "expires_at": {"$lte": at}}, most=most)


def _first_key_taken(error: OperationFailure) -> OperationFailure:
    """Return a bulk write's only fault, a key that is taken, as such; anything else as it is."""
    faults = (error.details or {}).get("writeErrors", ())
    if faults and all(fault.get("code") == DUPLICATE_KEY for fault in faults):
        return DuplicateKeyError(str(faults[0].get("errmsg", "taken")), DUPLICATE_KEY, faults[0])
    return error
