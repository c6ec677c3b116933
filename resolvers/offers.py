"""Offers issued to customers: granted, redeemed, reversed, looked up, accounted for."""

from hub.auth.model import Scope
from hub.catalogue.model import Offer
from hub.decisions.model import Channel
from hub.errors import NotFound
from hub.offers.books import LiabilityReport
from hub.offers.model import Grant
from hub.profiles.model import CustomerRef, Profile
from resolvers import access
from resolvers.access import Given
from resolvers.context import Context
from resolvers.globalids import from_global
from resolvers.outcomes import Outcome, outcome


async def of_customer(context: Context, profile: Profile) -> tuple[Grant, ...]:
    """Return what was issued to a customer, the latest first."""
    return await context.services.offers.grants_of(profile)


async def grantable(context: Context, profile: Profile) -> tuple[Offer, ...]:
    """Return what an agent may grant a customer now.

    Raises:
        Forbidden: if the caller is no agent.
    """
    access.need(context, Scope.AGENT, doing="reading what may be granted")
    return await context.services.offers.grantable(profile, context.services.catalogue.snapshot.offers)


async def of_id(context: Context, grant_id: str) -> Grant | None:
    """Return a grant by its own id, None if there is none or the caller may not see whose it is."""
    try:
        grant = await context.services.offers.get(grant_id=grant_id)
    except NotFound:
        return None
    profile = await context.services.profiles.find(CustomerRef("id", grant.profile_id))
    if profile is None or not await access.may_see_customer(context, profile):
        return None
    return grant.as_of(context.at)


async def report(context: Context) -> LiabilityReport:
    """Return what the offers of the house come to.

    Raises:
        Forbidden: if the caller is no administrator.
    """
    access.need(context, doing="reading the offers' books")
    return await context.services.offers.report()


async def grant(
    context: Context, given: Given, offer_key: str, channel: Channel | None, key: str | None
) -> Outcome[Grant]:
    """Issue an offer to a customer."""
    return await outcome(_grant(context, given, offer_key, channel, key))


async def _grant(
    context: Context, given: Given, offer_key: str, channel: Channel | None, key: str | None
) -> Grant:
    profile = await _meant(context, given, doing="granting an offer")
    where = (channel or Channel.SERVICE_DESK).value
    return await context.services.offers.grant(profile, offer_key, channel=where, key=key)


async def redeem(
    context: Context,
    *,
    grant_id: str | None,
    code: str | None,
    given: Given | None,
    order_id: str | None,
    key: str | None,
) -> Outcome[Grant]:
    """Use a grant."""
    return await outcome(_redeem(context, grant_id, code, given, order_id, key))


async def _redeem(
    context: Context,
    grant_id: str | None,
    code: str | None,
    given: Given | None,
    order_id: str | None,
    key: str | None,
) -> Grant:
    doing = "redeeming a grant"
    access.need(context, Scope.AGENT, doing=doing)
    return await context.services.offers.redeem(
        grant_id=None if grant_id is None else from_global("Grant", grant_id, path=("grantId",)),
        code=code,
        profile=None if given is None else await _meant(context, given, doing=doing),
        order_id=order_id,
        key=key,
    )


async def reverse(context: Context, grant_id: str, reason: str) -> Outcome[Grant]:
    """Take a grant back."""
    return await outcome(_reverse(context, grant_id, reason))


async def _reverse(context: Context, grant_id: str, reason: str) -> Grant:
    access.need(context, Scope.AGENT, doing="reversing a grant")
    local = from_global("Grant", grant_id, path=("grantId",))
    return await context.services.offers.reverse(local, reason=reason)


async def _meant(context: Context, given: Given, *, doing: str) -> Profile:
    access.need(context, Scope.AGENT, doing=doing)
    return await context.services.profiles.require(await access.customer_meant(context, given, doing=doing))
