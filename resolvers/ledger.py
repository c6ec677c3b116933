"""What was served, as it is shown; and what was seen of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.auth.model import Scope
from hub.errors import InvalidInput, NotFound
from hub.kit.pages import Page
from hub.ledger.items import ServedItem
from hub.ledger.model import Served
from hub.profiles.model import Profile
from resolvers import access
from resolvers.context import Context
from resolvers.globalids import from_global
from resolvers.outcomes import Outcome, outcome


@dataclass(frozen=True, slots=True)
class ScenarioStamp:
    """Which scenario was played, and in which version."""

    key: str
    version: int


async def served(context: Context, global_id: str) -> Served | None:
    """Return what was served under an id, None if nothing was or the caller may not see it.

    Raises:
        Forbidden: if the key is for no ledger at all.
    """
    access.need(context, Scope.BROWSE, Scope.AGENT, doing="reading what was served")
    try:
        found = await context.services.ledger.get(from_global("Served", global_id, path=("id",)))
    except NotFound:
        return None
    return found if await access.may_see_served(context, found) else None


async def of_customer(context: Context, profile: Profile, first: int, after: str | None) -> Page[Served]:
    """Return a page of what a customer was served, newest first."""
    return await context.services.ledger.for_profile(profile, first=first, after=after)


async def expose(
    context: Context,
    global_id: str,
    keys: Sequence[str],
    positions: Sequence[int],
    at: datetime | None,
) -> Outcome[Served]:
    """Record that items of a served experience were seen."""
    return await outcome(expose_or_raise(context, global_id, keys, positions, at))


async def expose_or_raise(
    context: Context,
    global_id: str,
    keys: Sequence[str],
    positions: Sequence[int],
    at: datetime | None,
    *,
    clamp: bool = False,
) -> Served:
    """Record that items of a served experience were seen.

    Args:
        context: who says so.
        global_id: of what was served.
        keys: keys of contents that were seen.
        positions: positions that were seen.
        at: when; None: now.
        clamp: take an instant before the serving for that of the serving.

    Raises:
        Forbidden: the key is for no exposures.
        NotFound: nothing was served under the id, or not to whom the caller speaks for.
        InvalidInput: an item was not part of it, or `at` is impossible.
    """
    access.need(context, Scope.BROWSE, Scope.AGENT, Scope.RENDERER, doing="recording an exposure")
    ledger = context.services.ledger
    served_id = from_global("Served", global_id, path=("servedId",))
    try:
        row = await ledger.get(served_id)
        await access.need_exposable(context, row)
        if clamp and at is not None:
            at = max(at, row.at)
        return await ledger.expose(served_id, keys=keys, positions=positions, at=at)
    except NotFound:
        raise NotFound(
            "nothing was served under this id, or it is no longer kept", path=("servedId",)
        ) from None
    except InvalidInput as error:
        path = ("contentKeys", *error.path[1:]) if error.path[:1] == ("keys",) else error.path
        raise InvalidInput(error.message, path=path, code=error.kind) from None


def scenario(row: Served) -> ScenarioStamp:
    """Return which scenario was played."""
    return ScenarioStamp(row.scenario_key, row.scenario_version)


def body(row: Served) -> str:
    """Return the kept bytes as text: canonical JSON is UTF-8, so encoding them again gives the same bytes."""
    return row.body.decode()


def items(context: Context, row: Served) -> tuple[ServedItem, ...]:
    """Return what was shown."""
    return context.services.ledger.items(row)
