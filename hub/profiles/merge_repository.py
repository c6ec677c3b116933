"""Merges, splits and reviews in the store: all queries on `merges` and `reviews` are here.

merges    the audit trail, and the intent of what is not done yet: `pending` is its key until it is done,
          so that the same merge asked for twice at once is one
reviews   contradictions and proposals; the id is made of the kind and the two facets, so that each is one
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from hub.profiles.merge_model import (
    Operation,
    OperationKind,
    OperationState,
    Proof,
    Review,
    ReviewKind,
    ReviewState,
)
from hub.store.database import Database
from hub.store.faults import store_faults

MOST_PROOFS = 20  # kept of one review; more say the same
MOST_OF_ONE_IDENTITY = 20  # reviews; an address that more share is nobody's, and asks no more questions

Position = tuple[datetime, str]


class OperationRepository:
    """Reads and writes `merges`."""

    def __init__(self, db: Database) -> None:
        self._merges = db["merges"]

    async def intend(self, operation: Operation) -> Operation:
        """Write an intent, or return the one that waits already for the same to be done."""
        document = operation_to_document(operation)
        pending = document["pending"]
        with store_faults():
            while True:
                try:
                    await self._merges.insert_one(document)
                except DuplicateKeyError:
                    found = await self._merges.find_one({"pending": pending})
                    if found is not None:
                        return operation_from_document(found)
                else:
                    return operation

    async def settle(
        self, operation_id: str, state: OperationState, session: Any = None, **done: Any
    ) -> bool:
        """Say what became of an operation; False if it did not wait any more, and nothing was changed."""
        change = {"$set": {"state": state.value, **done}, "$unset": {"pending": ""}}
        waiting = {"_id": operation_id, "state": OperationState.PENDING.value}
        if session is not None:
            settled = await self._merges.update_one(waiting, change, session=session)
        else:
            with store_faults():
                settled = await self._merges.update_one(waiting, change)
        return bool(settled.matched_count)

    async def is_pending(self, operation_id: str, session: Any = None) -> bool:
        """Tell whether an operation still waits to be carried out."""
        waiting = {"_id": operation_id, "state": OperationState.PENDING.value}
        if session is not None:
            return await self._merges.find_one(waiting, {"_id": 1}, session=session) is not None
        with store_faults():
            return await self._merges.find_one(waiting, {"_id": 1}) is not None

    async def pending(self, *, before: datetime | None = None) -> list[Operation]:
        """Return the intents that wait, oldest first."""
        query: dict[str, Any] = {"pending": {"$exists": True}}
        if before is not None:
            query["at"] = {"$lte": before}
        with store_faults():
            found = await self._merges.find(query).sort("_id", 1).to_list()
        return [operation_from_document(document) for document in found]

    async def get_one(self, operation_id: str) -> Operation:
        """Return an operation that is known to be there."""
        with store_faults():
            document = await self._merges.find_one({"_id": operation_id})
        assert document is not None
        return operation_from_document(document)

    async def newest(
        self,
        profile_ids: Collection[str],
        *,
        most: int,
        before: Position | None = None,
        kinds: Collection[OperationKind] = tuple(OperationKind),
    ) -> list[Operation]:
        """Return what was done to profiles, newest first."""
        query: dict[str, Any] = {
            "profiles": {"$in": sorted(profile_ids)},
            "state": OperationState.DONE.value,
            "kind": {"$in": [kind.value for kind in kinds]},
            **older_than(before),
        }
        with store_faults():
            cursor = self._merges.find(query).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(most)
            return [operation_from_document(document) async for document in cursor]

    async def put_apart(self, some: Collection[str], others: Collection[str]) -> bool:
        """Tell whether a split put any of some facets apart from any of others."""
        ways = [
            {"left": {"$in": sorted(a)}, "stayed": {"$in": sorted(b)}}
            for a, b in ((some, others), (others, some))
        ]
        with store_faults():
            return await self._merges.find_one({"$or": ways}, {"_id": 1}) is not None

    async def split_of(self, named: Sequence[str], profile_id: str) -> Operation | None:
        """Return the latest split that a profile came out of and that was asked to let these identities go."""
        query = {
            "kind": OperationKind.SPLIT.value,
            "state": OperationState.DONE.value,
            "profiles": profile_id,
            "named": sorted(named),
        }
        with store_faults():
            found = await self._merges.find(query).sort([("at", DESCENDING), ("_id", DESCENDING)]).to_list(1)
        return operation_from_document(found[0]) if found else None


class ReviewRepository:
    """Reads and writes `reviews`."""

    def __init__(self, db: Database) -> None:
        self._reviews = db["reviews"]

    async def open(self, review: Review) -> bool:
        """Open a review, or add its evidence to the one there is; return whether it is new.

        One that was decided stays decided. An identity that too many claim opens no more.
        """
        [proof, *more] = review.evidence
        assert not more
        with store_faults():
            known = await self._reviews.find_one({"_id": review.id}, {"evidence.source": 1})
            if known is None:
                if review.identity is not None:
                    count = await self._reviews.count_documents(
                        {"identity": review.identity}, limit=MOST_OF_ONE_IDENTITY
                    )
                    if count >= MOST_OF_ONE_IDENTITY:
                        return False
                try:
                    await self._reviews.insert_one(review_to_document(review))
                except DuplicateKeyError:
                    pass
                else:
                    return True
            await self._reviews.update_one(
                {
                    "_id": review.id,
                    "state": ReviewState.OPEN.value,
                    "evidence.source": {"$ne": proof.source},
                    f"evidence.{MOST_PROOFS - 1}": {"$exists": False},
                },
                {"$push": {"evidence": _proof(proof)}},
            )
        return False

    async def is_of_several(self, identity: str) -> bool:
        """Tell whether an identity (by key) was seen with several users."""
        query = {"identity": identity, "kind": ReviewKind.SHARED_DEVICE.value}
        with store_faults():
            return await self._reviews.find_one(query, {"_id": 1}) is not None

    async def claiming(self, identity: str) -> set[str]:
        """Return the facets that were seen to claim an address (by key) which is another's too."""
        query = {"identity": identity, "kind": ReviewKind.SHARED_ADDRESS.value}
        with store_faults():
            found = await self._reviews.find(query, {"facets": 1}).to_list()
        return {facet for document in found for facet in document["facets"]}

    async def get_one_or_none(self, review_id: str) -> Review | None:
        """Return a review."""
        with store_faults():
            document = await self._reviews.find_one({"_id": review_id})
        return None if document is None else review_from_document(document)

    async def page(
        self, state: ReviewState | None, *, most: int, before: Position | None = None
    ) -> list[Review]:
        """Return reviews, newest first."""
        query = {} if state is None else {"state": state.value}
        with store_faults():
            cursor = self._reviews.find({**query, **older_than(before, "opened_at")})
            cursor = cursor.sort([("opened_at", DESCENDING), ("_id", DESCENDING)]).limit(most)
            return [review_from_document(document) async for document in cursor]

    async def open_of(self, facet_ids: Collection[str], *, most: int) -> list[Review]:
        """Return what waits for a decision about any of some facets, newest first.

        What joins two of them was settled when they became one customer otherwise.
        """
        mine = sorted(facet_ids)
        waiting = {
            "state": ReviewState.OPEN.value,
            "$and": [{"facets": {"$in": mine}}, {"facets": {"$elemMatch": {"$nin": mine}}}],
        }
        with store_faults():
            # Sorted here: a store that sorts may walk all open reviews of the house to find none.
            found = await self._reviews.find(waiting).limit(MOST_OF_ONE_IDENTITY).to_list()
        found.sort(key=lambda one: (one["opened_at"], one["_id"]), reverse=True)
        return [review_from_document(one) for one in found[:most]]

    async def decide(
        self, review_id: str, state: ReviewState, *, at: datetime, by: str, reason: str | None
    ) -> bool:
        """Decide an open review; False if it was decided already."""
        change = {"state": state.value, "decided_at": at, "decided_by": by, "reason": reason}
        with store_faults():
            done = await self._reviews.update_one(
                {"_id": review_id, "state": ReviewState.OPEN.value}, {"$set": change}
            )
        return bool(done.modified_count)

    async def carried_out(self, review_id: str) -> None:
        """Say that an accepted review has been merged."""
        with store_faults():
            await self._reviews.update_one({"_id": review_id}, {"$set": {"carried_out": True}})

    async def accepted_and_waiting(self, *, before: datetime) -> list[Review]:
        """Return reviews that were accepted up to an instant and not merged yet."""
        query = {"state": ReviewState.ACCEPTED.value, "carried_out": False, "decided_at": {"$lte": before}}
        with store_faults():
            return [review_from_document(one) for one in await self._reviews.find(query).to_list()]


def review_id(kind: ReviewKind, facets: Sequence[str]) -> str:
    """Return the id of the one review of a kind that two facets can have."""
    digest = hashlib.sha256("|".join([kind.value, *sorted(facets)]).encode()).hexdigest()
    return f"rev_{digest[:26]}"


def older_than(position: Position | None, instant: str = "at") -> dict[str, Any]:
    """Return the condition of a document behind a position, newest first."""
    if position is None:
        return {}
    at, id_ = position
    return {instant: {"$lte": at}, "$or": [{instant: {"$lt": at}}, {"_id": {"$lt": id_}}]}


def operation_to_document(operation: Operation) -> dict[str, Any]:
    """Return an operation as a document; `pending` is what makes an intent one."""
    parts = [operation.kind.value, operation.into, *(operation.named or operation.others)]
    return {
        "_id": operation.id,
        "kind": operation.kind.value,
        "state": operation.state.value,
        "at": operation.at,
        "into": operation.into,
        "others": list(operation.others),
        "profiles": [operation.into, *operation.others],
        "by": operation.by,
        "reason": operation.reason,
        "evidence": [_proof(one) for one in operation.evidence],
        "left": list(operation.left),
        "stayed": list(operation.stayed),
        "named": list(operation.named),
        "pending": "|".join(parts),
    }


def operation_from_document(document: Mapping[str, Any]) -> Operation:
    """Return the operation that a document holds."""
    return Operation(
        id=document["_id"],
        kind=OperationKind(document["kind"]),
        state=OperationState(document["state"]),
        at=document["at"],
        into=document["into"],
        others=tuple(document["others"]),
        by=document["by"],
        reason=document["reason"],
        evidence=_proofs(document),
        left=tuple(document["left"]),
        stayed=tuple(document["stayed"]),
        named=tuple(document["named"]),
    )


def review_to_document(review: Review) -> dict[str, Any]:
    """Return a review as a document."""
    return {
        "_id": review.id,
        "kind": review.kind.value,
        "state": review.state.value,
        "facets": list(review.facets),
        "identity": review.identity,
        "evidence": [_proof(one) for one in review.evidence],
        "opened_at": review.opened_at,
        "score": review.score,
        "decided_at": review.decided_at,
        "decided_by": review.decided_by,
        "reason": review.reason,
        "carried_out": review.carried_out,
    }


def review_from_document(document: Mapping[str, Any]) -> Review:
    """Return the review that a document holds."""
    a, b = document["facets"]
    return Review(
        id=document["_id"],
        kind=ReviewKind(document["kind"]),
        state=ReviewState(document["state"]),
        facets=(a, b),
        identity=document["identity"],
        evidence=_proofs(document),
        opened_at=document["opened_at"],
        score=document["score"],
        decided_at=document["decided_at"],
        decided_by=document["decided_by"],
        reason=document["reason"],
        carried_out=document["carried_out"],
    )


def _proof(proof: Proof) -> dict[str, Any]:
    return {"text": proof.text, "at": proof.at, "source": proof.source}


def _proofs(document: Mapping[str, Any]) -> tuple[Proof, ...]:
    return tuple(Proof(one["text"], one["at"], one["source"]) for one in document["evidence"])
