"""Issuing: many requests, one transaction, nothing beyond a budget or a cap.

Group commit, as in the ledger: requests that arrive while a transaction is under way leave together
with the next, so that requests of one process never get in each other's way at an offer's counter.
Between processes the counter's document decides: its condition and its change are one operation.

Caps are counted, not kept: the grants of all ids of a person are counted inside the transaction, which
also writes to a guard of each of these ids. Of two transactions that count the same person one
therefore starts again and sees the other's grant, whether they knew of a merge or not.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.catalogue.model import Offer
from hub.errors import Conflict, NotFound, TuttiError
from hub.kit.ids import new_code, new_id
from hub.offers.model import Account, Entry, Grant, Transfer, entries_of, live_grants
from hub.offers.repository import OfferRepository
from hub.profiles.spelling import spelled

MOST_AT_ONCE = 100  # requests in one transaction
SENTENCES = {
    "budget_spent": "this offer's budget is spent",
    "per_person": "this customer has had this offer as often as one may",
    "per_household": "this household has had this offer as often as one may",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One offer to issue to one customer.

    With `reuse` a grant that they hold already is the answer; without, each request is one more grant.
    """

    offer_key: str
    profile_id: str
    household: str | None
    traits: Mapping[str, Any]
    channel: str
    at: datetime
    reuse: bool
    key: str | None = None


Result = Grant | TuttiError
Waiting = tuple[Sequence[Request], "asyncio.Future[list[Result]]"]


@dataclass(slots=True)
class _Books:
    """What one run of a transaction knows and is about to write."""

    persons: Mapping[str, tuple[str, ...]]
    offers: Mapping[str, Offer]
    known: list[Grant]  # of all persons and households concerned
    made: list[Grant] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def of_person(self, request: Request) -> list[Grant]:
        ids = self.persons[request.profile_id]
        return [
            g for g in (*self.known, *self.made) if g.offer.key == request.offer_key and g.profile_id in ids
        ]

    def of_household(self, request: Request) -> list[Grant]:
        ids, home = self.persons[request.profile_id], request.household
        return [
            g
            for g in (*self.known, *self.made)
            if g.offer.key == request.offer_key and (g.household == home or g.profile_id in ids)
        ]


class Issuer:
    """Issues grants in groups."""

    def __init__(
        self, repository: OfferRepository, fault_of: Callable[[Offer], str | None] = lambda _: None
    ) -> None:
        """Take where grants are, and what tells which rule of the brand an offer has come to break."""
        self._repository = repository
        self._fault_of = fault_of
        self._waiting: list[Waiting] = []
        self._flushing: asyncio.Task[None] | None = None
        self.transactions = 0  # for the metrics: grants by transactions tells how well groups form

    async def issue(self, requests: Sequence[Request]) -> list[Result]:
        """Return a grant or a refusal for each request, in their order, durable on a majority.

        Raises:
            Unavailable: if the store did not acknowledge it; whoever asks again with `reuse` or the same
                keys finds what was issued after all.
        """
        if not requests:
            return []
        future: asyncio.Future[list[Result]] = asyncio.get_running_loop().create_future()
        self._waiting.append((requests, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def close(self) -> None:
        """Wait until everything handed in is settled."""
        while self._flushing is not None:
            await asyncio.wait([self._flushing])

    async def _flush(self) -> None:
        try:
            while self._waiting:
                group: list[Waiting] = []
                size = 0
                while self._waiting and (not group or size + len(self._waiting[0][0]) <= MOST_AT_ONCE):
                    entry = self._waiting.pop(0)
                    if not entry[1].done():  # its caller has not given up
                        group.append(entry)
                        size += len(entry[0])
                if group:
                    await self._commit(group)
        finally:
            self._flushing = None

    async def _commit(self, group: Sequence[Waiting]) -> None:
        self.transactions += 1
        requests = [request for asked, _ in group for request in asked]
        try:
            results = await self._repository.in_transaction(lambda session: self._run(requests, session))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        start = 0
        for asked, future in group:
            if not future.done():
                future.set_result(results[start : start + len(asked)])
            start += len(asked)

    async def _run(self, requests: Sequence[Request], session: Any) -> list[Result]:
        """Issue within one transaction; it may be run again, so it begins from what is stored."""
        repository = self._repository
        persons = await repository.persons({request.profile_id for request in requests}, session)
        ids = {each for person in persons.values() for each in person}
        homes = {request.household for request in requests if request.household is not None}
        keys = {request.offer_key for request in requests}
        await repository.touch({*(f"person:{i}" for i in ids), *(f"household:{h}" for h in homes)}, session)
        books = _Books(
            persons=persons,
            offers=await repository.definitions(keys, session),
            known=await repository.of_persons(ids, households=homes, offer_keys=keys, session=session),
        )
        results = [await self._one(request, books, session) for request in requests]
        await repository.insert(books.made, session)
        await repository.post(books.entries, session)
        return results

    async def _one(self, request: Request, books: _Books, session: Any) -> Result:
        if request.key is not None:
            before = next((g for g in books.made if g.issue_key == request.key), None)
            before = before or await self._repository.one({"issue_key": request.key}, session)
            if before is not None:
                return before if _same(before, request, books) else _other_call()
        mine = books.of_person(request)
        if request.reuse and (held := live_grants(mine, request.at).get(request.offer_key)):
            return held
        offer = books.offers.get(request.offer_key)
        if offer is None:
            return NotFound(
                f"there is no offer {request.offer_key!r}", path=("offerKey",), code="UNKNOWN_OFFER"
            )
        if (refusal := _barred(offer, request, books, mine)) is not None:
            return refusal
        if (fault := self._fault_of(offer)) is not None:
            return Conflict(
                f"this offer breaks a rule of the brand by now: {fault}",
                path=("offerKey",),
                code="OFFER_NOT_VALID",
            )
        if not await self._repository.take(offer, session):
            return closed("budget_spent")
        grant = Grant(
            id=new_id("grt"),
            code=new_code(),
            offer=offer,
            profile_id=books.persons[request.profile_id][0],
            household=request.household,
            channel=request.channel,
            granted_at=request.at,
            expires_at=ends_at(offer, request.at),
            issue_key=request.key,
        )
        books.made.append(grant)
        books.entries += entries_of(grant, Transfer.GRANT, Account.OFFERED, Account.GRANTED, request.at)
        return grant


def ends_at(offer: Offer, at: datetime) -> datetime | None:
    """Return when a grant issued at an instant ends: after its length, and with the offer at the latest."""
    ends = [offer.valid_until] if offer.valid_until is not None else []
    if offer.lasts_days is not None:
        ends.append(at + timedelta(days=offer.lasts_days))
    end = min(ends, default=None)
    return None if end is None else end.replace(microsecond=end.microsecond // 1000 * 1000)


def closed(rule: str) -> Conflict:
    """Return the refusal of a rule that bounds an offer."""
    return Conflict(SENTENCES[rule], path=("offerKey",), code=rule.upper())


def bounded(offer: Offer, persons: Sequence[Grant], household: Sequence[Grant] | None) -> str | None:
    """Return the rule that closes an offer to somebody with these grants of it, None if it is open."""
    if offer.per_person is not None and len(persons) >= offer.per_person:
        return "per_person"
    if offer.per_household is not None and household is not None and len(household) >= offer.per_household:
        return "per_household"
    return None


def is_for(offer: Offer, traits: Mapping[str, Any]) -> bool:
    """Tell whether somebody with these traits is of an offer's audience."""
    return all(spelled(traits.get(name)) == value for name, value in offer.audience.items())


def _barred(offer: Offer, request: Request, books: _Books, mine: Sequence[Grant]) -> TuttiError | None:
    if not offer.holds_at(request.at):
        return Conflict("this offer is not valid now", path=("offerKey",), code="OFFER_NOT_VALID")
    if not is_for(offer, request.traits):
        return Conflict(
            "this offer is for others: the customer's traits do not match its audience",
            path=("for",),
            code="NOT_ELIGIBLE",
        )
    rule = bounded(offer, mine, books.of_household(request) if request.household is not None else mine)
    return None if rule is None else closed(rule)


def _same(grant: Grant, request: Request, books: _Books) -> bool:
    return grant.offer.key == request.offer_key and grant.profile_id in books.persons[request.profile_id]


def _other_call() -> Conflict:
    return Conflict(
        "this idempotency key was used for another call", path=("idempotencyKey",), code="KEY_USED"
    )
