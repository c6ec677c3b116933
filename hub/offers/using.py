"""What becomes of a grant: it is redeemed, reversed, or its time is over.

Each is one transaction that moves the grant, posts both entries and, where its worth comes back, the
counter of the budget; or nothing at all. Redemptions are held to the caps as issues are: two profiles
that turn out to be one person may hold more grants than one may use.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hub.errors import Conflict, InvalidInput, NotFound
from hub.kit.ids import normal_code
from hub.offers.issuing import bounded
from hub.offers.model import ACCOUNT_OF, Grant, GrantState, Transfer, entries_of
from hub.offers.repository import OfferRepository

EXPIRED_AT_ONCE = 100
LONGEST_KEY = 200
LONGEST_ORDER = 200
LONGEST_REASON = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A redemption as it is asked for: of which grant, whose it must be (None: anybody's), in which order.

    The grant is named by its id or by its code as the customer typed it; `key` is the caller's name for
    this one redemption.
    """

    grant_id: str | None = None
    code: str | None = None
    owner: tuple[str, ...] | None = None
    order_id: str | None = None
    key: str | None = None


async def redeem(repository: OfferRepository, use: Use, now: datetime) -> Grant:
    """Use a grant, once; the same key answers with what was done already.

    Raises:
        NotFound: UNKNOWN_GRANT.
        InvalidInput: GRANT_OF_ANOTHER; GRANT_MISSING (neither or both of id and code); an impossible key or order.
        Conflict: ALREADY_REDEEMED, GRANT_REVERSED, GRANT_EXPIRED, PER_PERSON, PER_HOUSEHOLD,
            NOT_TOGETHER, KEY_USED.
    """
    check_key(use.key)
    if use.order_id is not None and not 0 < len(use.order_id.strip()) <= LONGEST_ORDER:
        raise InvalidInput(f"an order's id has 1 to {LONGEST_ORDER} characters", path=("orderId",))
    query = grant_query(use.grant_id, use.code)

    async def work(session: Any) -> Grant:
        grant = await repository.one(query, session)
        if grant is None:
            raise unknown_grant(use.grant_id)
        person = (await repository.persons({grant.profile_id}, session))[grant.profile_id]
        if use.owner is not None and not {*use.owner} & {*person, grant.profile_id}:
            raise InvalidInput(
                "this grant was issued to another customer",
                path=_named(use.grant_id),
                code="GRANT_OF_ANOTHER",
            )
        if use.key is not None and (before := await repository.one({"redeem_key": use.key}, session)):
            if before.id != grant.id or (use.order_id is not None and before.order_id != use.order_id):
                raise key_used()
            return before
        _check_redeemable(grant, now, _named(use.grant_id))
        guards = {f"person:{each}" for each in person}
        guards |= {f"household:{grant.household}"} if grant.household is not None else set()
        guards |= {f"order:{use.order_id}"} if use.order_id is not None else set()
        await repository.touch(guards, session)
        await _check_caps(repository, grant, person, session)
        if use.order_id is not None:
            await _check_together(repository, grant, use.order_id, session)
        used = replace(
            grant, state=GrantState.REDEEMED, redeemed_at=now, order_id=use.order_id, redeem_key=use.key
        )
        return await _move(repository, grant, used, Transfer.REDEEM, now, session)

    return await repository.in_transaction(work)


async def reverse(repository: OfferRepository, grant_id: str, reason: str, now: datetime) -> Grant:
    """Take a grant back, used or not; what it was reckoned at is in the budget again. Again: no change.

    Raises:
        NotFound: UNKNOWN_GRANT.
        Conflict: GRANT_EXPIRED.
        InvalidInput: TOO_LONG, of the reason.
    """
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(
            f"a reason has at most {LONGEST_REASON} characters", path=("reason",), code="TOO_LONG"
        )

    async def work(session: Any) -> Grant:
        grant = await repository.one({"_id": grant_id}, session)
        if grant is None:
            raise unknown_grant(grant_id)
        if grant.state is GrantState.REVERSED:
            return grant
        if grant.as_of(now).state is GrantState.EXPIRED:
            raise Conflict("this grant has ended", path=("grantId",), code="GRANT_EXPIRED")
        back = replace(grant, state=GrantState.REVERSED, reversed_at=now, reason=reason)
        moved = await _move(repository, grant, back, Transfer.REVERSE, now, session)
        await repository.give_back([grant], session)
        return moved

    return await repository.in_transaction(work)


async def expire(repository: OfferRepository, now: datetime) -> int:
    """Post every grant whose time is over as expired; return how many there were."""
    count = 0
    while found := await repository.running_out(now, most=EXPIRED_AT_ONCE):
        count += await _expire_these(repository, [grant.id for grant in found], now)
    return count


async def _expire_these(repository: OfferRepository, ids: Sequence[str], now: datetime) -> int:
    async def work(session: Any) -> int:
        still = {"_id": {"$in": list(ids)}, "state": GrantState.ISSUED.value}
        over = await repository.many(still, session)
        for grant in over:
            ended = replace(grant, state=GrantState.EXPIRED)
            await _move(repository, grant, ended, Transfer.EXPIRE, now, session)
        await repository.give_back(over, session)
        return len(over)

    return await repository.in_transaction(work)


async def _move(
    repository: OfferRepository, before: Grant, after: Grant, transfer: Transfer, at: datetime, session: Any
) -> Grant:
    if not await repository.move(after, before.state, session):
        raise Conflict("somebody else changed this grant at the same moment; try again")
    source, target = ACCOUNT_OF[before.state], ACCOUNT_OF[after.state]
    await repository.post(entries_of(before, transfer, source, target, at), session)
    return after


async def _check_caps(repository: OfferRepository, grant: Grant, person: Sequence[str], session: Any) -> None:
    offer = grant.offer
    if offer.per_person is None and (offer.per_household is None or grant.household is None):
        return
    homes = (grant.household,) if grant.household is not None else ()
    found = await repository.of_persons(person, households=homes, offer_keys=(offer.key,), session=session)
    used = [each for each in found if each.state is GrantState.REDEEMED]
    rule = bounded(offer, [each for each in used if each.profile_id in person], used)
    if rule is not None:
        raise Conflict("the person or household has used this offer as often as one may", code=rule.upper())


async def _check_together(repository: OfferRepository, grant: Grant, order_id: str, session: Any) -> None:
    query = {"order_id": order_id, "state": GrantState.REDEEMED.value}
    for other in await repository.many(query, session):
        group = grant.offer.stack_group
        if grant.offer.exclusive or other.offer.exclusive or (group and group == other.offer.stack_group):
            raise Conflict(
                f"this offer does not go together with {other.offer.title!r} in one order",
                path=("orderId",),
                code="NOT_TOGETHER",
            )


def _check_redeemable(grant: Grant, at: datetime, path: tuple[str, ...]) -> None:
    match grant.as_of(at).state:
        case GrantState.REDEEMED:
            raise Conflict("this grant was redeemed already", path=path, code="ALREADY_REDEEMED")
        case GrantState.REVERSED:
            raise Conflict("this grant was taken back", path=path, code="GRANT_REVERSED")
        case GrantState.EXPIRED:
            raise Conflict("this grant has ended", path=path, code="GRANT_EXPIRED")
        case GrantState.ISSUED:
            return


def grant_query(grant_id: str | None, code: str | None) -> dict[str, str]:
    """Return the query for a grant by exactly one of its names.

    Raises:
        InvalidInput: GRANT_MISSING.
    """
    if (grant_id is None) == (code is None):
        raise InvalidInput("name the grant by its id or by its code", path=("grantId",), code="GRANT_MISSING")
    return {"_id": grant_id} if grant_id is not None else {"code": normal_code(code or "")}


def check_key(key: str | None) -> None:
    """Refuse an idempotency key that is empty or too long.

    Raises:
        InvalidInput: with its path.
    """
    if key is not None and not 0 < len(key.strip()) <= LONGEST_KEY:
        raise InvalidInput(f"an idempotency key has 1 to {LONGEST_KEY} characters", path=("idempotencyKey",))


def _named(grant_id: str | None) -> tuple[str, ...]:
    return ("grantId",) if grant_id is not None else ("code",)


def unknown_grant(grant_id: str | None) -> NotFound:
    """Return the refusal of a grant that does not exist."""
    return NotFound("there is no such grant", path=_named(grant_id), code="UNKNOWN_GRANT")


def key_used() -> Conflict:
    """Return the refusal of a key that named another call."""
    return Conflict(
        "this idempotency key was used for another call", path=("idempotencyKey",), code="KEY_USED"
    )
