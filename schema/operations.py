"""Grants, exports and erasures: types that later versions fill. Their mutations answer NOT_AVAILABLE now."""

from datetime import datetime

import strawberry

from schema.catalogue import Offer
from schema.enums import Channel, GrantState, JobState


@strawberry.type(description="The issue of an offer to one customer. No grant exists in this version.")
class Grant:
    id: strawberry.ID = strawberry.field(description="The global id.")
    code: str = strawberry.field(description="What the customer shows or types to use it.")
    state: GrantState = strawberry.field(description="Where it stands.")
    offer: Offer = strawberry.field(description="The offer that was issued.")
    granted_at: datetime = strawberry.field(description="When it was issued.")
    expires_at: datetime | None = strawberry.field(description="When it ends; null: it has no end.")
    redeemed_at: datetime | None = strawberry.field(description="When it was used; null: it was not.")
    channel: Channel = strawberry.field(description="The channel it was issued on.")


@strawberry.type(description="A customer's data, packed for them to take away.")
class Export:
    id: strawberry.ID = strawberry.field(description="The global id.")
    state: JobState = strawberry.field(description="Where it stands.")
    url: str | None = strawberry.field(description="Where to fetch it; null until it is done.")


@strawberry.type(description="So many documents were removed from one collection.")
class ErasedCollection:
    name: str = strawberry.field(description="The collection.")
    removed: int = strawberry.field(description="How many documents were removed.")


@strawberry.type(description="The erasure of a customer from the hub.")
class Erasure:
    id: strawberry.ID = strawberry.field(description="The global id.")
    state: JobState = strawberry.field(description="Where it stands.")
    collections: list[ErasedCollection] = strawberry.field(description="What was removed, by collection.")
