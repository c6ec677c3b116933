"""The catalogue, as it is shown."""

from hub.answers.service import claims_of as claims_of_answer
from hub.catalogue.model import Answer, Claim, Content
from hub.kit.pages import Page
from resolvers import access
from resolvers.context import Context


async def contents(context: Context, first: int, after: str | None, search: str | None) -> Page[Content]:
    """Return a page of the catalogue.

    Raises:
        InvalidInput: if an argument is impossible.
    """
    access.need(context, *access.READERS, doing="reading the catalogue")
    return await context.services.catalogue.page(first, after, search)


def claims_of(context: Context, answer: Answer) -> tuple[Claim, ...]:
    """Return the claims that an answer draws on, in the version in force."""
    return claims_of_answer(answer, context.services.catalogue.snapshot)
