"""Insights, for administrators: the demand outlook, what rises, and what is missing."""

from typing import TypeVar

from hub.decisions.model import Channel, MixRequest
from hub.errors import InvalidInput
from hub.insights.demand import DemandOutlook, GroupOutlook, ItemOutlook
from hub.insights.gaps import ContentGaps, QuestionGap
from hub.insights.interests import Trends
from hub.insights.outlook import Question
from hub.kit.pages import Page, slice_page
from resolvers import access
from resolvers.context import Context

T = TypeVar("T")

MOST_ASKED = 2_000  # in one request; the command line asks as many as there are
MOST_DAYS = 400
SECONDS = 6.0  # after which what was asked must do


async def demand(
    context: Context,
    *,
    scenario: str,
    version: int | None,
    channel: Channel,
    mix: MixRequest | None,
    visits: float,
    sample: int,
) -> DemandOutlook:
    """Ask a sample of customers what a scenario would show them."""
    access.need(context, doing="reading the demand outlook")
    if not 1 <= sample <= MOST_ASKED:
        raise InvalidInput(f"ask 1 to {MOST_ASKED} customers", path=("sample",))
    services = context.services
    if version is None:
        wanted = await services.scenarios.get(scenario)
    else:
        wanted = (await services.editing.version(scenario, version)).scenario
    question = Question(wanted, version is not None, channel, context.at, mix or MixRequest(), visits)
    return await services.demand.outlook(question, most=sample, seconds=SECONDS)


def items(outlook: DemandOutlook, first: int, after: str | None) -> Page[ItemOutlook]:
    """Return a page of an outlook's items."""
    return _page(outlook.items, first, after)


def groups(found: tuple[GroupOutlook, ...], first: int, after: str | None) -> Page[GroupOutlook]:
    """Return a page of an outlook's groups."""
    return _page(found, first, after)


def _page(found: tuple[T, ...], first: int, after: str | None) -> Page[T]:
    try:
        return slice_page(found, first=first, after=after)
    except ValueError as error:
        raise InvalidInput(str(error), path=("first",)) from None


async def trends(context: Context, *, sample: int) -> Trends:
    """Return what rises and what is missing."""
    access.need(context, doing="reading trends")
    if not 1 <= sample <= MOST_ASKED:
        raise InvalidInput(f"ask 1 to {MOST_ASKED} customers", path=("sample",))
    return await context.services.trends.trends(most=sample)


async def gaps(context: Context, *, days: int) -> ContentGaps:
    """Return what is asked and not answered."""
    access.need(context, doing="reading content gaps")
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(f"look back 1 to {MOST_DAYS} days", path=("days",))
    await context.services.questions.settle()  # what was asked a moment ago counts too
    return await context.services.gaps.gaps(days=days)


def questions(found: tuple[QuestionGap, ...], first: int, after: str | None) -> Page[QuestionGap]:
    """Return a page of groups of questions."""
    return _page(found, first, after)
