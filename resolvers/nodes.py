"""Relay's `node`: anything by its global id, as far as the caller may see it."""

from hub.auth.model import Scope
from hub.profiles.model import CustomerRef
from resolvers import access, ledger, offers
from resolvers.context import Context
from resolvers.globalids import Anything, split_global


async def node(context: Context, global_id: str) -> Anything | None:
    """Return the thing of a global id; None if there is none that the caller may see.

    Raises:
        Forbidden: if the key may read nothing.
    """
    access.need(context, *access.READERS, doing="reading by global id")
    match split_global(global_id):
        case ("Customer", local):
            profile = await context.services.profiles.find(CustomerRef("id", local))
            return (
                profile if profile is not None and await access.may_see_customer(context, profile) else None
            )
        case ("Served", local):
            return await ledger.served(context, local) if _may_read_ledger(context) else None
        case ("Grant", local):
            return await offers.of_id(context, local)
        case (kind, local):
            return _of_catalogue(context, kind, local)
        case _:
            return None


def _may_read_ledger(context: Context) -> bool:
    return context.caller.may(Scope.BROWSE, Scope.AGENT)


def _of_catalogue(context: Context, kind: str, key: str) -> Anything | None:
    snapshot, now = context.services.catalogue.snapshot, context.at
    if kind == "Content":
        row = snapshot.row(key)
        return None if row is None else snapshot.contents[row]
    if kind == "Answer":
        return next((each for each in snapshot.answers if each.key == key and each.holds_at(now)), None)
    if kind == "Offer":
        return next((each for each in snapshot.offers if each.key == key), None)
    return None
