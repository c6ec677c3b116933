"""Merge and split: customers who are one, and customers who turn out to be several.

    resolve and check -> write the intent -> carry it out in one transaction -> done

Nothing is changed by what is refused. What was intended is carried out once, by whoever comes first: the
caller, the same call again, or `resume` after a crash. Merging again what is merged, and splitting again
what is apart, changes nothing and answers the same. See docs/decisions/0043.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hub.errors import Conflict, InvalidInput, NotFound
from hub.kit.clock import Clock
from hub.kit.ids import new_id
from hub.profiles.identity import PROFILE_ID
from hub.profiles.linking import Linker
from hub.profiles.merge_model import Operation, OperationKind, OperationState, Proof
from hub.profiles.merge_repository import OperationRepository
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.regrouping import Regrouper
from hub.profiles.service import ProfileService
from hub.profiles.sharing import check_one_is_meant
from hub.store.database import Store

MOST_AT_ONCE = 50  # customers merged, or identities split off, by one call
LONGEST_REASON = 1_000  # characters; of a piece of evidence too
MOST_PROOFS = 50  # a review's, and the decision on it
ATTEMPTS = 8


class MergeService:
    """Merges and splits customers, and finishes what was left half-way."""

    def __init__(self, store: Store, profiles: ProfileService, clock: Clock) -> None:
        self._profiles = profiles
        self._repository = profiles.repository
        self._clock = clock
        self._linker = Linker(profiles.repository)
        self.operations: OperationRepository = profiles.repository.operations
        self._regrouper = Regrouper(store.db, profiles.repository, self.operations)

    async def merge(
        self,
        into: CustomerRef,
        others: Sequence[CustomerRef],
        *,
        by: str,
        reason: str | None = None,
        evidence: Sequence[Proof] = (),
    ) -> Profile:
        """Make one customer of several; return the one that stays.

        Args:
            into: the customer that stays.
            others: those who are the same person.
            by: who asks, for the audit trail.
            reason: why, in words.
            evidence: what speaks for it.

        Raises:
            InvalidInput: NOTHING_TO_MERGE, SAME_CUSTOMER, TOO_MANY or TOO_LONG; nothing was changed.
            NotFound: UNKNOWN_CUSTOMER; nothing was changed.
            Conflict: SEVERAL_CUSTOMERS share a name, and nothing was changed; or others kept changing the same
                customers, and doing it again completes it.
        """
        _check(others, reason, "from", "NOTHING_TO_MERGE")
        _check_evidence(evidence)
        root, *found = await all_of(
            self._known(into, ("into",)),
            *(self._known(ref, ("from", index)) for index, ref in enumerate(others)),
        )
        gone: dict[str, None] = {}
        for index, (ref, other) in enumerate(zip(others, found, strict=True)):
            if other.id != root.id:
                gone[other.id] = None
            elif not await self._was_another(into, ref, root):
                raise InvalidInput(
                    "this is the customer that is to stay; nobody is merged with themselves",
                    path=("from", index),
                    code="SAME_CUSTOMER",
                )
        at = self._clock.now()
        intents = [
            await self.operations.intend(
                Operation(
                    id=new_id("mrg"),
                    kind=OperationKind.MERGE,
                    state=OperationState.PENDING,
                    at=at,
                    into=root.id,
                    others=(other,),
                    by=by,
                    reason=reason,
                    evidence=tuple(evidence),
                )
            )
            for other in gone
        ]
        for intent in intents:
            await self._carry_out(intent)
        return await self._fresh(root.id)

    async def split(
        self,
        ref: CustomerRef,
        identities: Sequence[CustomerRef],
        *,
        by: str,
        reason: str | None = None,
    ) -> tuple[Profile, ...]:
        """Take back the merges that brought identities to a customer; return all customers after it.

        The first of them is the one that stays. Each of the others is what it was before its merge, and has
        what its own identities did since.

        Raises:
            InvalidInput: NOTHING_TO_SPLIT, NEVER_MERGED, NOT_THIS_CUSTOMER or TOO_MANY; nothing was changed.
            NotFound: UNKNOWN_CUSTOMER, UNKNOWN_IDENTITY; nothing was changed.
            Conflict: SEVERAL_CUSTOMERS share the name; or others kept changing the same customer.
        """
        _check(identities, reason, "identities", "NOTHING_TO_SPLIT")
        profile = await self._known(ref, ("for",))
        named = tuple(sorted({identity.key for identity in identities}))
        homes = await self._repository.homes(named)
        for index, identity in enumerate(identities):
            if identity.key not in homes:
                raise NotFound(
                    f"no customer is known by this {identity.type}",
                    path=("identities", index),
                    code="UNKNOWN_IDENTITY",
                )
        here = all(home.facet_id in profile.facet_ids for home in homes.values())
        done = await self._done_before(profile, named, here=here)
        if done is not None:
            return done
        for index, identity in enumerate(identities):
            if homes[identity.key].facet_id not in profile.facet_ids:
                raise InvalidInput(
                    f"this {identity.type} is another customer's",
                    path=("identities", index),
                    code="NOT_THIS_CUSTOMER",
                )
        if not await self._regrouper.plan(profile.id, [home.facet_id for home in homes.values()]):
            raise InvalidInput(
                "no merge brought these identities together, so there is none to take back",
                path=("identities",),
                code="NEVER_MERGED",
            )
        intent = await self.operations.intend(
            Operation(
                id=new_id("spl"),
                kind=OperationKind.SPLIT,
                state=OperationState.PENDING,
                at=self._clock.now(),
                into=profile.id,
                others=(),
                by=by,
                reason=reason,
                named=named,
            )
        )
        if not await self._carry_out(intent):
            raise Conflict("this customer was changed at the same moment; look again")
        return await self._after(await self.operations.get_one(intent.id))

    async def resume(self, *, older_than: timedelta = timedelta(0)) -> int:
        """Carry out what a crash left intended; return how many there were.

        Raises:
            Unavailable: the store does not answer.
        """
        waiting = await self.operations.pending(before=self._clock.now() - older_than)
        for intent in waiting:
            await self._carry_out(intent)
        return len(waiting)

    async def _carry_out(self, intent: Operation) -> bool:
        """Carry out an intent; False if there is nothing left to do."""
        if intent.kind is OperationKind.SPLIT:
            if await self._regrouper.split(intent):
                return True
            await self.operations.settle(intent.id, OperationState.VOID)
            return (await self.operations.get_one(intent.id)).state is OperationState.DONE
        for _ in range(ATTEMPTS):
            if await self._regrouper.merge(intent):
                return True
            if not await self.operations.is_pending(intent.id):
                return False  # somebody else carried it out, and it may have been taken back since
            roots = await self._linker.follow([intent.into, intent.others[0]])
            into, gone = roots[intent.into], roots[intent.others[0]]
            if into == gone:
                await self.operations.settle(intent.id, OperationState.VOID)
                return False
            if (into, gone) != (intent.into, intent.others[0]):
                # Merged into somebody else meanwhile: what was meant holds for where they are now.
                moved = replace(intent, id=new_id("mrg"), into=into, others=(gone,))
                await self.operations.settle(intent.id, OperationState.VOID)
                intent = await self.operations.intend(moved)
        raise Conflict("others keep changing these customers; try again")

    async def _known(self, ref: CustomerRef, path: tuple[str | int, ...]) -> Profile:
        await check_one_is_meant(self._repository, ref, path)
        try:
            return await self._profiles.require(ref)
        except NotFound as error:
            raise NotFound(error.message, path=path, code=error.kind) from None

    async def _was_another(self, into: CustomerRef, ref: CustomerRef, root: Profile) -> bool:
        """Tell whether a name means somebody who was merged into this customer, not the customer as such."""
        former = {ref.value, into.value} & set(root.former_ids)
        if PROFILE_ID in {ref.type, into.type}:
            return bool(former) and ref != into
        homes = await self._repository.homes({into.key, ref.key})
        return homes[into.key].facet_id != homes[ref.key].facet_id

    async def _done_before(
        self, profile: Profile, named: Sequence[str], *, here: bool
    ) -> tuple[Profile, ...] | None:
        """Return the customers of a split that was asked for before and still stands.

        Where the identities are this customer's (`here`), only the last thing done to them counts: since an
        earlier split they may have been merged again, and that is what is to be taken back now.
        """
        found = await self.operations.split_of(named, profile.id)
        if found is None:
            return None
        if here:
            [last] = await self.operations.newest([profile.id], most=1)
            if last.id != found.id:
                return None
        owners = await self._repository.owners([*found.left, *found.stayed])
        left = {owners[key] for key in found.left if key in owners}
        stayed = {owners[key] for key in found.stayed if key in owners}
        return None if left & stayed else await self._after(found)

    async def _after(self, operation: Operation) -> tuple[Profile, ...]:
        return tuple(await all_of(*(self._fresh(key) for key in (operation.into, *operation.others))))

    async def _fresh(self, profile_id: str) -> Profile:
        profile = await self._profiles.get(profile_id)
        if profile is None:
            raise NotFound("this customer is no longer there", code="UNKNOWN_CUSTOMER")
        return profile


async def all_of(*doings: Coroutine[Any, Any, Profile]) -> list[Profile]:
    """Do several things at once and return what each gave; of errors the first by order, once all are done."""
    done = await asyncio.gather(*doings, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return [one for one in done if not isinstance(one, BaseException)]


def _check_evidence(evidence: Sequence[Proof]) -> None:
    if len(evidence) > MOST_PROOFS:
        raise InvalidInput(
            f"give at most {MOST_PROOFS} pieces of evidence", path=("evidence",), code="TOO_MANY"
        )
    for index, proof in enumerate(evidence):
        if not proof.text.strip():
            raise InvalidInput("say what the evidence is", path=("evidence", index, "text"))
        if len(proof.text) > LONGEST_REASON or len(proof.source) > LONGEST_REASON:
            raise InvalidInput(
                f"evidence has at most {LONGEST_REASON} characters", path=("evidence", index), code="TOO_LONG"
            )


def _check(refs: Sequence[CustomerRef], reason: str | None, path: str, empty: str) -> None:
    if not refs:
        raise InvalidInput("name at least one", path=(path,), code=empty)
    if len(refs) > MOST_AT_ONCE:
        raise InvalidInput(f"name at most {MOST_AT_ONCE} at once", path=(path,), code="TOO_MANY")
    if reason is not None and len(reason) > LONGEST_REASON:
        raise InvalidInput(
            f"a reason has at most {LONGEST_REASON} characters", path=("reason",), code="TOO_LONG"
        )
