"""Segments, for administrators; and which a customer is in."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.catalogue.model import Segment
from hub.errors import InvalidInput
from hub.kit.pages import Page
from hub.profiles.model import Profile
from hub.profiles.segment_files import make_segment
from resolvers import access
from resolvers.context import Context
from resolvers.outcomes import Outcome, outcome


async def everything(context: Context) -> tuple[Segment, ...]:
    """Return all segments by key."""
    access.need(context, doing="reading segments")
    return context.services.segments.list()


async def size(context: Context, rule: Any) -> int:
    """Return for how many customers a rule holds, whether it is kept or not."""
    access.need(context, doing="counting customers")
    if not isinstance(rule, Mapping):
        raise InvalidInput("a rule is an object", path=("rule",), code="INVALID_RULE")
    return await context.services.segments.count(rule)


async def members(context: Context, segment: Segment) -> int:
    """Return how many customers are in a segment now."""
    return await context.services.segments.count(segment.rule)


async def customers(context: Context, key: str, first: int, after: str | None) -> Page[Profile]:
    """Return who is in a segment now."""
    access.need(context, doing="listing customers")
    return await context.services.segments.members(key, first=first, after=after)


def of_customer(context: Context, profile: Profile) -> tuple[Segment, ...]:
    """Return the segments that a customer is in now."""
    return context.services.segments.of(profile)


async def delete(context: Context, key: str) -> Outcome[Segment]:
    """Take a segment away."""

    async def doing() -> Segment:
        access.need(context, doing="deleting a segment")
        return await context.services.segments.delete(key)

    return await outcome(doing())


async def put(context: Context, key: str, title: str, rule: Any, favours: Sequence[str]) -> Outcome[Segment]:
    """Define a segment, or define it anew."""

    async def doing() -> Segment:
        access.need(context, doing="defining a segment")
        wanted = make_segment({"key": key, "title": title, "rule": rule, "favours": list(favours)})
        try:
            (now,) = await context.services.segments.put([wanted])
        except InvalidInput as error:  # its path begins with the position in a list that nobody sent
            raise InvalidInput(error.message, path=error.path[1:], code=error.kind) from None
        return now

    return await outcome(doing())
