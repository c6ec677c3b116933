"""What can be watched."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from hub.profiles.model import Profile
from resolvers import operations
from schema.base import Info, argument, watched
from schema.customers import Customer
from schema.refs import CustomerRefInput


@strawberry.type(
    description="What can be watched. NOT_AVAILABLE in this version: every subscription says so."
)
class Subscription:
    @watched(
        description="A customer, whenever the profile changes. NOT_AVAILABLE in this version: it answers with an "
        "error of that code.",
        of=Customer,
    )
    async def customer_changed(
        self, info: Info, by: Annotated[CustomerRefInput, argument("Who is meant.")]
    ) -> AsyncIterator[Profile]:
        async for profile in operations.customer_changed(info.context, by.ref("by")):
            yield profile
