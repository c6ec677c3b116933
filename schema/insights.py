"""Insights for merchandisers: the demand outlook, rising interests, gaps in content."""

from datetime import datetime

import strawberry

from hub.insights import demand as model
from hub.insights import gaps as gaps_model
from hub.insights.interests import RisingInterest as RisingModel
from hub.insights.interests import ScarceInterest as ScarceModel
from hub.insights.interests import Trends as TrendsModel
from hub.insights.interests import UnmetSearch as UnmetModel
from hub.kit.pages import Page
from resolvers import insights
from schema.answers import AlternativeAnswer
from schema.base import After, Connection, First, field
from schema.catalogue import Answer, Content

CUSTOMERS = "How many customers; extrapolated from those asked, of whom at least five were."


@strawberry.type(description="What is expected of one content.")
class ItemOutlook:
    @field(description="The content.", of=Content, at_once=True)
    def content(self, parent: strawberry.Parent[model.ItemOutlook]) -> object:
        return parent.content

    share: float = strawberry.field(description="Its part of all impressions.")
    impressions: float = strawberry.field(description="On how many pages it is expected to stand.")
    error: float = strawberry.field(
        description="Half of the 95% interval of `impressions`, as a part of them; 0 where all were asked."
    )
    demand: float = strawberry.field(description="How many orders are expected to follow; of products alone.")
    short: bool = strawberry.field(description="Whether few or none of it are left.")


@strawberry.type(description="What is expected of a category, or of the customers of a segment.")
class GroupOutlook:
    name: str = strawberry.field(description="The category's path or the segment's key; empty: no segment.")
    impressions: float = strawberry.field(description="Impressions that are expected.")
    demand: float = strawberry.field(description="Orders that are expected to follow.")
    customers: float | None = strawberry.field(description="How many customers a segment has; else null.")


@strawberry.type(
    description="What a scenario would show to all customers, estimated from a stratified sample."
)
class DemandOutlook:
    scenario: str = strawberry.field(description="The scenario's key.")
    version: int = strawberry.field(description="Its version.")
    visits: float = strawberry.field(description="How often each customer meets it.")
    customers: int = strawberry.field(description="How many customers there are.")
    asked: int = strawberry.field(description="How many of them were asked, by the hub's own decisions.")
    level: float = strawberry.field(
        description="How likely an order is, as a multiple of what is assumed; measured on the ledger."
    )
    largest_error: float = strawberry.field(
        description="The largest `error` of the items above 1% of all impressions."
    )

    @field(description="By content, most impressions first.", of=Connection[ItemOutlook])
    def items(
        self, parent: strawberry.Parent[model.DemandOutlook], first: First = 20, after: After = None
    ) -> Page[model.ItemOutlook]:
        return insights.items(parent, first, after)

    @field(description="By category and all above it, most impressions first.", of=Connection[GroupOutlook])
    def categories(
        self, parent: strawberry.Parent[model.DemandOutlook], first: First = 20, after: After = None
    ) -> Page[model.GroupOutlook]:
        return insights.groups(parent.categories, first, after)

    @field(description="By segment; a customer may be in several or in none.", of=Connection[GroupOutlook])
    def segments(
        self, parent: strawberry.Parent[model.DemandOutlook], first: First = 20, after: After = None
    ) -> Page[model.GroupOutlook]:
        return insights.groups(parent.segments, first, after)


@strawberry.type(description="An interest for which more customers are active than before.")
class RisingInterest:
    label: str = strawberry.field(description="The interest, in words.")
    customers: float = strawberry.field(description="Customers active for it in the last four weeks.")
    before: float = strawberry.field(description="In four weeks on average, of the twelve before.")
    rise: float = strawberry.field(description="The excess in standard deviations of chance.")


@strawberry.type(description="An interest for which little is on sale.")
class ScarceInterest:
    label: str = strawberry.field(description="The interest, in words.")
    customers: float = strawberry.field(description=CUSTOMERS)
    contents: int = strawberry.field(description="How many contents near it can be shown; fewer than three.")


@strawberry.type(description="Words that customers searched for or asked, and that nothing meets.")
class UnmetSearch:
    words: str = strawberry.field(description="What was searched for or asked.")
    customers: float = strawberry.field(description=CUSTOMERS)
    nearest: str | None = strawberry.field(description="Key of the content that comes nearest; null: none.")
    similarity: float = strawberry.field(description="How near it comes, as a cosine.")


@strawberry.type(description="What customers come to like, and what they look for in vain. Only of many.")
class Trends:
    customers: int = strawberry.field(description="How many customers there are.")
    asked: int = strawberry.field(description="How many of them were looked at.")

    @field(description="Interests that rise, the most surprising first.", of=list[RisingInterest])
    def rising(self, parent: strawberry.Parent[TrendsModel]) -> tuple[RisingModel, ...]:
        return parent.rising

    @field(
        description="Interests for which little is on sale, of most customers first.", of=list[ScarceInterest]
    )
    def scarce(self, parent: strawberry.Parent[TrendsModel]) -> tuple[ScarceModel, ...]:
        return parent.scarce

    @field(
        description="What is searched for and asked in vain, by most customers first.", of=list[UnmetSearch]
    )
    def unmet(self, parent: strawberry.Parent[TrendsModel]) -> tuple[UnmetModel, ...]:
        return parent.unmet


@strawberry.type(description="What at least five customers asked, in wordings that mean the same.")
class QuestionGap:
    wording: str = strawberry.field(
        description="How one of them put it; words that fewer than five used and the house does not are left out."
    )
    customers: int = strawberry.field(description="How many asked, each counted once.")
    times: int = strawberry.field(description="How often it was asked.")
    wordings: int = strawberry.field(description="In how many wordings.")
    last_asked_at: datetime = strawberry.field(description="When it was asked last.")

    @field(
        description="The approved answers that come nearest, the likeliest first.",
        of=list[AlternativeAnswer],
    )
    def nearest(self, parent: strawberry.Parent[gaps_model.QuestionGap]) -> tuple[object, ...]:
        return parent.nearest


@strawberry.type(description="An answer after which customers asked something else within half an hour.")
class AskedAgain:
    @field(description="The answer.", of=Answer, at_once=True)
    def answer(self, parent: strawberry.Parent[gaps_model.AskedAgain]) -> object:
        return parent.answer

    customers: int = strawberry.field(description="How many customers were given it.")
    again: int = strawberry.field(description="How many of them asked something else soon after.")
    share: float = strawberry.field(description="Their part.")


@strawberry.type(description="What customers asked, and what the approved answers lack. Only of many.")
class ContentGaps:
    since: datetime = strawberry.field(description="Since when.")
    questions: int = strawberry.field(description="How many questions were asked.")
    unanswered: int = strawberry.field(description="How many of them had no answer when they were asked.")

    @field(
        description="What no approved answer meets today, asked by most customers first.",
        of=Connection[QuestionGap],
    )
    def gaps(
        self, parent: strawberry.Parent[gaps_model.ContentGaps], first: First = 20, after: After = None
    ) -> Page[gaps_model.QuestionGap]:
        return insights.questions(parent.gaps, first, after)

    @field(
        description="What is answered today with less confidence than 0.75; the answer is the first of `nearest`.",
        of=Connection[QuestionGap],
    )
    def doubtful(
        self, parent: strawberry.Parent[gaps_model.ContentGaps], first: First = 20, after: After = None
    ) -> Page[gaps_model.QuestionGap]:
        return insights.questions(parent.doubtful, first, after)

    @field(
        description="Answers after which customers asked again, the largest part first.",
        of=list[AskedAgain],
    )
    def asked_again(
        self, parent: strawberry.Parent[gaps_model.ContentGaps]
    ) -> tuple[gaps_model.AskedAgain, ...]:
        return parent.asked_again
