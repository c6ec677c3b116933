"""What can be watched."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

import strawberry

from hub.profiles.model import Profile
from resolvers import operations
from schema.base import Info, argument, watched
from schema.customers import Customer
from schema.refs import CustomerRefInput


@strawberry.type(
    description="What can be watched: over Server-Sent Events (`Accept: text/event-stream`) or a WebSocket of "
    "subprotocol `graphql-transport-ws`, both at this endpoint."
)
class Subscription:
    @watched(
        description="A customer as they are now, and again within a second whenever their profile changed: events, "
        "feedback, wishes, consent, merges, splits. What changed several times meanwhile is told once, as it is "
        "then. A merge is followed to the customer who stands for both; when the customer is erased, the stream "
        "completes.",
        of=Customer,
    )
    async def customer_changed(
        self, info: Info, by: Annotated[CustomerRefInput, argument("Who is meant.")]
    ) -> AsyncIterator[Profile]:
        changes = operations.customer_changed(info.context, lambda: by.ref("by"))
        async with aclosing(changes):
            async for profile in changes:
                yield profile
