"""Grants, exports and erasures."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from hub.offers import model
from hub.offers.books import AccountBalance, LiabilityReport
from hub.privacy import model as privacy
from resolvers.globalids import global_id
from schema.base import Node, field
from schema.catalogue import Offer
from schema.enums import Account, Channel, GrantState, JobState


@strawberry.type(
    description="The issue of an offer to one customer: the offer as it was promised, until it ends."
)
class Grant(Node):
    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, model.Grant)

    code: str = strawberry.field(description="What the customer shows or types to use it.")
    state: GrantState = strawberry.field(description="Where it stands.")
    offer: Offer = strawberry.field(
        description="The offer in the version that was promised, whatever it has become since."
    )
    granted_at: datetime = strawberry.field(description="When it was issued.")
    expires_at: datetime | None = strawberry.field(description="When it ends; null: it has no end.")
    redeemed_at: datetime | None = strawberry.field(description="When it was used; null: it was not.")
    order_id: str | None = strawberry.field(description="The order it was used in; null: none was named.")
    channel: Channel = strawberry.field(description="The channel it was issued on.")


@strawberry.type(description="What lies in one account of one offer, in one currency.")
class OfferBalance:
    offer_key: str = strawberry.field(description="Key of the offer.")
    account: Account = strawberry.field(description="The account.")
    units: int = strawberry.field(description="How many grants.")
    amount: Decimal = strawberry.field(description="What they are reckoned at together.")

    @field(description="The currency; null where the offer has no value in money.", at_once=True)
    def currency(self, parent: strawberry.Parent[AccountBalance]) -> str | None:
        return parent.currency or None


@strawberry.type(description="What the offers of the house come to: exactly the sums of their entries.")
class OfferReport:
    balances: list[OfferBalance] = strawberry.field(description="Every account, by offer and currency.")
    balanced: bool = strawberry.field(description="Whether the accounts sum to zero, as they must.")

    @field(
        description="What is owed: issued, and neither used nor ended.", of=list[OfferBalance], at_once=True
    )
    def owed(self, parent: strawberry.Parent[LiabilityReport]) -> tuple[AccountBalance, ...]:
        return parent.owed()


@strawberry.type(description="A customer's data, packed for them to take away.")
class Export:
    @field(description="The global id.")
    def id(self, parent: strawberry.Parent[privacy.Export]) -> strawberry.ID:
        return strawberry.ID(global_id(parent))

    state: JobState = strawberry.field(description="Where it stands.")
    url: str | None = strawberry.field(
        description="Where to fetch it without a key, for whoever has the link: a page for people, or with "
        "`?format=json` the machine-readable form. Null until it is done."
    )
    expires_at: datetime = strawberry.field(description="When the link ends.")


@strawberry.type(description="So many documents were removed from one collection.")
class ErasedCollection:
    name: str = strawberry.field(description="The collection.")
    removed: int = strawberry.field(description="How many documents were removed.")


@strawberry.type(description="The erasure of a customer from the hub.")
class Erasure:
    @field(description="The global id.")
    def id(self, parent: strawberry.Parent[privacy.Erasure]) -> strawberry.ID:
        return strawberry.ID(global_id(parent))

    state: JobState = strawberry.field(description="Where it stands.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    completed_at: datetime | None = strawberry.field(description="When it was done; null: it is not yet.")
    collections: list[ErasedCollection] = strawberry.field(description="What was removed, by collection.")
