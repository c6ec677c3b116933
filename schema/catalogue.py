"""What the brand can show and say: content, answers, claims, offers."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from hub.catalogue import model
from hub.ledger.items import ServedContent
from resolvers import catalogue
from schema.base import Info, Node, field
from schema.enums import Availability, ContentKind, NeedOrigin, NeedPattern


@strawberry.type(description="An exact amount in one currency.")
class Money:
    amount: Decimal = strawberry.field(description="The amount, exact.")
    currency: str = strawberry.field(description="ISO 4217, such as EUR.")


@strawberry.type(description="Anything that can be shown: a product, an article, a story or a guide.")
class Content(Node):
    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, model.Content | ServedContent)

    key: str = strawberry.field(description="The brand's own key, such as a stock code.")
    kind: ContentKind = strawberry.field(description="What it is.")
    title: str = strawberry.field(description="Its name.")
    summary: str = strawberry.field(description="A sentence or two; empty if there is none.")
    text: str = strawberry.field(
        description="The long text; empty if there is none, and on items of the ledger, which keeps no long text."
    )
    brand: str = strawberry.field(description="Key of the brand it belongs to; empty: the house's.")
    category: str = strawberry.field(description="A path, such as garden/roses.")
    tags: list[str] = strawberry.field(description="Words that describe it.")
    url: str | None = strawberry.field(description="Where it can be seen; null if it has no page.")
    image_url: str | None = strawberry.field(description="A picture of it; null if there is none.")
    price: Money | None = strawberry.field(description="What it costs; null if it is not sold.")
    availability: Availability = strawberry.field(description="Whether it can be had now.")
    published_at: datetime | None = strawberry.field(description="When it was published; null if unknown.")
    version: int = strawberry.field(description="Counts the changes of this content, from 1.")

    @field(description="What a purchase of it does to the demand for its like.", of=NeedPattern, at_once=True)
    def need_pattern(self, parent: strawberry.Parent[model.Content]) -> model.NeedPattern:
        return parent.need.pattern

    @field(description="Who says so.", of=NeedOrigin, at_once=True)
    def need_origin(self, parent: strawberry.Parent[model.Content]) -> model.NeedOrigin:
        return parent.need.origin

    @field(
        description="Days that a DURABLE lasts or after which a REPLENISHABLE runs out; null for other patterns.",
        at_once=True,
    )
    def need_days(self, parent: strawberry.Parent[model.Content]) -> float | None:
        return parent.need.days


@strawberry.type(description="A sentence that the brand can prove and that every channel may say.")
class Claim:
    key: str = strawberry.field(description="The brand's own key.")
    text: str = strawberry.field(description="The sentence.")
    version: int = strawberry.field(description="Counts the changes of this claim, from 1.")


@strawberry.type(description="A brand-approved, versioned reply to a question.")
class Answer(Node):
    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, model.Answer)

    key: str = strawberry.field(description="The brand's own key.")
    version: int = strawberry.field(description="Counts the changes of this answer, from 1.")
    title: str = strawberry.field(description="What it is about, in a few words.")
    text: str = strawberry.field(description="The reply itself, as it may be given to a customer.")
    locale: str = strawberry.field(description="What it is written for, as a BCP 47 tag, such as en.")
    valid_until: datetime | None = strawberry.field(
        description="When it ceases to hold; null: that is not known yet."
    )

    @field(description="The claims it draws on, in the version in force.", of=list[Claim], at_once=True)
    def claims(self, parent: strawberry.Parent[model.Answer], info: Info) -> tuple[model.Claim, ...]:
        return catalogue.claims_of(info.context, parent)


@strawberry.type(description="An incentive's definition. Its issue to one customer is a grant.")
class Offer(Node):
    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, model.Offer)

    key: str = strawberry.field(description="The brand's own key.")
    title: str = strawberry.field(description="What is offered.")
    terms: str = strawberry.field(description="The conditions, in words; the same on every channel.")
    version: int = strawberry.field(description="Counts the changes of this offer, from 1.")
    percent_off: Decimal | None = strawberry.field(
        description="Percent off the price; null if it is not that."
    )
    amount_off: Money | None = strawberry.field(
        description="An amount off the price; null if it is not that."
    )
    valid_from: datetime | None = strawberry.field(description="When it begins; null: it always has.")
    valid_until: datetime | None = strawberry.field(description="When it ends; null: it has no end.")
