"""What services and staff do: events, exports, erasures; and watching a customer."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from hub.auth.model import Scope
from hub.errors import InvalidInput
from hub.events import gpc
from hub.events.model import Receipt
from hub.privacy.model import Erasure, Export
from hub.profiles.model import CustomerRef, Profile
from resolvers import access
from resolvers.access import Given
from resolvers.context import Context
from resolvers.control import source_of
from resolvers.outcomes import Outcome, Refusal, outcome


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many events are durable now, and how many had been before."""

    accepted: int
    duplicates: int


async def record_events(context: Context, events: Sequence[Any]) -> Outcome[Recorded]:
    """Record Segment messages; the rejected ones are told one by one."""
    received = await outcome(_record(context, events))
    if received.value is None:
        return Outcome(None, received.errors)
    receipt = received.value
    rejected = tuple(
        Refusal(
            InvalidInput,
            rejection.code,
            rejection.message,
            ("input", "events", str(rejection.index), *(str(step) for step in rejection.path)),
        )
        for rejection in receipt.rejected
    )
    return Outcome(Recorded(receipt.accepted, receipt.duplicates), rejected)


async def _record(context: Context, events: Sequence[Any]) -> Receipt:
    access.need(context, Scope.INGEST, doing="recording events")
    most = context.services.settings.batch_limit
    if len(events) > most:
        raise InvalidInput(f"send at most {most} events at once", path=("events",), code="BATCH_TOO_LARGE")
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            raise InvalidInput("an event is an object in the Segment spec", path=("events", index))
    if context.gpc:
        events = [gpc.marked(event) for event in events]
    return await context.services.ingest.record(events, source=source_of(context))


async def export_customer(context: Context, given: Given) -> Outcome[Export]:
    """Let a customer's data be fetched under a signed link."""

    async def doing() -> Export:
        ref = await access.customer_meant(context, given, doing="exporting a customer")
        return await context.services.privacy.exports.grant(ref)

    return await outcome(doing())


async def erase_customer(context: Context, given: Given) -> Outcome[Erasure]:
    """Erase a customer."""

    async def doing() -> Erasure:
        ref = await access.customer_meant(context, given, doing="erasing a customer")
        return await context.services.privacy.erasures.erase(ref, requested_by=source_of(context))

    return await outcome(doing())


async def customer_changed(
    context: Context, given: Callable[[], CustomerRef]
) -> AsyncGenerator[Profile, None]:
    """Yield a customer as they are now, and whenever they changed.

    A front-end goes on with whom its token names: were the two split, another's name would stay behind.

    Raises:
        Forbidden: if the key may watch nobody, or its token not this customer.
        NotFound: UNKNOWN_CUSTOMER.
        Unavailable: TOO_MANY_WATCHES.
    """
    ref = await access.customer_meant(context, given, doing="watching a customer", argument="by")
    caller = context.caller
    speaks_for = "" if caller.customer is None else caller.customer.key
    changes = context.services.watches.watch(ref, key=caller.key_name, speaks_for=speaks_for)
    async with aclosing(changes):
        async for profile in changes:
            yield profile
