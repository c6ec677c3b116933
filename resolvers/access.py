"""Who may do what, and why not.

    scope     may
    INGEST    record events; nothing else
    BROWSE    the catalogue, answers, layers, scenarios; and of the one customer that its signed token
              names: the profile, experiences on WEB, what they were served, feedback, preferences,
              consent, interests, layers, exposures. Without a token: experiences on WEB for an
              `anonymousId`, and exposures of them
    RENDERER  the catalogue, layers, scenarios; experiences on EMAIL, for anybody
    AGENT     the catalogue, answers, layers, scenarios; any customer; experiences on SERVICE_DESK; what
              was served; feedback, preferences, consent, interests and layers on a customer's behalf
    ADMIN     everything

An `anonymousId` is a random string that a front-end made up: whoever knows it may be its visitor. It
opens nothing about a person, though: one that belongs to an identified customer is answered as an
unknown visitor's would be, and so cannot be used to find out whom it belongs to.
"""

from collections.abc import Callable

from hub.auth.model import Scope
from hub.decisions.model import Channel
from hub.errors import Forbidden, InvalidInput, NotFound, Unavailable
from hub.kit.deadline import within
from hub.kit.ids import new_id
from hub.ledger.model import Served
from hub.profiles.model import CustomerRef, Profile
from resolvers.context import Context

READERS = (Scope.BROWSE, Scope.AGENT, Scope.RENDERER)
SCOPE_OF_CHANNEL = {
    Channel.WEB: Scope.BROWSE,
    Channel.EMAIL: Scope.RENDERER,
    Channel.SERVICE_DESK: Scope.AGENT,
}
UNIDENTIFIED = frozenset({"anonymous_id", "device_id"})

Given = Callable[[], CustomerRef] | None


def need(context: Context, *scopes: Scope, doing: str) -> None:
    """Let the caller through if one of these scopes is theirs.

    Raises:
        Forbidden: with the scopes that would do.
    """
    if not context.caller.may(*scopes):
        able = " or ".join(scope.value for scope in (*scopes, Scope.ADMIN))
        raise Forbidden(
            f"{doing} needs a key of scope {able}; this one's scope is {context.caller.scope.value}"
        )


async def experience_for(
    context: Context, ref: CustomerRef, channel: Channel, *, keep: bool = True
) -> CustomerRef:
    """Return for whom an experience is to be assembled; `keep` as in `ProfileService.find`.

    Raises:
        Forbidden: if the key is not for this channel, or its token not for this customer.
    """
    need(context, SCOPE_OF_CHANNEL[channel], doing=f"an experience on {channel.value}")
    if context.caller.scope is not Scope.BROWSE:
        return ref
    own = context.caller.customer
    if own == ref:
        return own
    try:
        return await within(context.services.settings.store_deadline, _browsed(context, ref, own, keep=keep))
    except (Unavailable, TimeoutError):
        # A shopper is never shown an error because the store is away. These two need no look at it:
        # the customer whom the token names, and nobody.
        return own or unknown_visitor()


async def _browsed(context: Context, ref: CustomerRef, own: CustomerRef | None, *, keep: bool) -> CustomerRef:
    found = await context.find(ref, keep=keep)
    if own is not None and found is not None and await _is(context, own, found, keep=keep):
        return own
    if ref.type != "anonymous_id":
        raise Forbidden(
            "this token speaks for another customer"
            if own is not None
            else "without a customer's signed token, a front-end may ask for an anonymousId only",
            path=("for",),
        )
    return ref if found is None or not identified(found) else unknown_visitor()


async def customer_meant(context: Context, given: Given, *, doing: str, argument: str = "for") -> CustomerRef:
    """Return whose profile is to be changed, or watched; `argument` says in which argument that was told.

    Raises:
        Forbidden: if the key may do that to nobody's, or its token not this customer's.
        InvalidInput: if an agent does not say whose.
        NotFound: if an agent names somebody the hub has never seen.
    """
    need(context, Scope.BROWSE, Scope.AGENT, doing=doing)
    if context.caller.scope is not Scope.BROWSE:
        if given is None:
            raise InvalidInput("say who is meant", path=(argument,), code="CUSTOMER_MISSING")
        ref = given()
        try:
            await context.services.profiles.require(ref)
        except NotFound as error:
            raise NotFound(error.message, path=(argument,), code=error.kind) from None
        return ref
    own = context.caller.customer
    if own is None:
        raise Forbidden(f"{doing} needs the customer's signed token beside the front-end's key")
    ref = own if given is None else given()
    if ref == own:
        return own
    found = await context.services.profiles.find(ref)
    if found is None or not await _is(context, own, found):
        raise Forbidden("this token speaks for another customer", path=(argument,))
    return own


async def may_see_customer(context: Context, profile: Profile) -> bool:
    """Tell whether the caller may read a profile."""
    if context.caller.may(Scope.AGENT):
        return True
    own = context.caller.customer
    return context.caller.scope is Scope.BROWSE and own is not None and await _is(context, own, profile)


async def may_see_served(context: Context, served: Served) -> bool:
    """Tell whether the caller may read what was served."""
    if context.caller.may(Scope.AGENT):
        return True
    own = context.caller.customer
    if context.caller.scope is not Scope.BROWSE or own is None or served.profile_id is None:
        return False
    profile = await context.services.profiles.find(own)
    return profile is not None and served.profile_id in {profile.id, *profile.former_ids}


async def need_exposable(context: Context, served: Served) -> None:
    """Let the caller through if they may say that something served was seen.

    A front-end without a token may for visitors that nobody has identified: it cannot have been
    answered for anybody else.

    Raises:
        NotFound: if not; whether there is such a row is nothing for this caller.
    """
    if not await _may_expose(context, served):
        raise NotFound("nothing was served under this id")


async def _may_expose(context: Context, served: Served) -> bool:
    if context.caller.may() or await may_see_served(context, served):
        return True
    if context.caller.scope is Scope.RENDERER:
        return served.channel == Channel.EMAIL
    if context.caller.scope is not Scope.BROWSE or served.channel != Channel.WEB:
        return False
    if served.profile_id is None:
        return True
    visitor = await context.services.profiles.find(CustomerRef("id", served.profile_id))
    return visitor is not None and not identified(visitor)


def identified(profile: Profile) -> bool:
    """Tell whether a profile is of somebody known, not of a browser only."""
    return any(identity.type not in UNIDENTIFIED for identity in profile.identities)


def unknown_visitor() -> CustomerRef:
    """Return a reference to nobody."""
    return CustomerRef("anonymous_id", new_id("nobody"))


async def _is(context: Context, ref: CustomerRef, profile: Profile, *, keep: bool = True) -> bool:
    if ref.type == "id" and ref.value in {profile.id, *profile.former_ids}:
        return True
    if any(identity.type == ref.type and identity.value == ref.value for identity in profile.identities):
        return True
    found = await context.find(ref, keep=keep)
    return found is not None and found.id == profile.id
