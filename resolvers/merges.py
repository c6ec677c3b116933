"""Customers who are one or several: merged, split, reviewed, and how that came about. For agents."""

from collections.abc import Callable, Sequence

from hub.auth.model import Scope
from hub.kit.pages import Page
from hub.profiles.merge_model import Operation, Proof, Review, ReviewState
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.reviews import Decided
from resolvers import access
from resolvers.context import Context
from resolvers.outcomes import Outcome, outcome
from resolvers.pages import check_first

Refs = Sequence[Callable[[], CustomerRef]]


async def merge_customers(
    context: Context,
    into: Callable[[], CustomerRef],
    others: Refs,
    reason: str | None,
    evidence: Sequence[tuple[str, str]],
) -> Outcome[Profile]:
    """Make one customer of several; `evidence` is what speaks for it, and where to look it up."""

    async def doing() -> Profile:
        access.need(context, Scope.AGENT, doing="merging customers")
        return await context.services.merges.merge(
            into(),
            [ref() for ref in others],
            by=context.caller.key_name,
            reason=reason,
            evidence=[Proof(text, context.at, source) for text, source in evidence],
        )

    return await outcome(doing())


async def split_customer(
    context: Context, ref: Callable[[], CustomerRef], identities: Refs, reason: str | None
) -> Outcome[tuple[Profile, ...]]:
    """Take back the merges that brought identities to a customer."""

    async def doing() -> tuple[Profile, ...]:
        access.need(context, Scope.AGENT, doing="splitting a customer")
        named = [one() for one in identities]
        return await context.services.merges.split(ref(), named, by=context.caller.key_name, reason=reason)

    return await outcome(doing())


async def decide(context: Context, review_id: str, accept: bool, reason: str | None) -> Outcome[Decided]:
    """Accept or refuse a review."""

    async def doing() -> Decided:
        access.need(context, Scope.AGENT, doing="deciding a review")
        return await context.services.reviews.decide(
            review_id, accept=accept, by=context.caller.key_name, reason=reason
        )

    return await outcome(doing())


async def reviews(context: Context, state: ReviewState | None, first: int, after: str | None) -> Page[Review]:
    """Return a page of reviews, newest first.

    Raises:
        Forbidden: if the caller is no agent.
        InvalidInput: if `first` or `after` is impossible.
    """
    access.need(context, Scope.AGENT, doing="reading reviews")
    return await context.services.reviews.page(state=state, first=first, after=after)


async def customers_of(context: Context, review: Review) -> tuple[Profile, ...]:
    """Return whom a review is about."""
    return await context.services.reviews.customers(review)


async def history(context: Context, ref: CustomerRef, first: int) -> tuple[Operation, ...]:
    """Return the audit trail of a customer's merges and splits, newest first; empty for someone never seen.

    Raises:
        Forbidden: if the caller is no agent.
        InvalidInput: if `first` is impossible.
    """
    access.need(context, Scope.AGENT, doing="reading the audit trail")
    check_first(first)
    profile = await context.services.profiles.find(ref)
    if profile is None or first == 0:
        return ()
    ids = (profile.id, *profile.former_ids)
    return tuple(await context.services.merges.operations.newest(ids, most=first))


def ids_of(operation: Operation) -> tuple[str, ...]:
    """Return the ids of the customers that an operation was about, the one that stayed first."""
    return (operation.into, *operation.others)
