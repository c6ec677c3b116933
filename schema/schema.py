"""The schema as a whole, and how it is printed."""

from functools import cache
from pathlib import Path

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.base import SCALARS
from schema.errors import ERRORS
from schema.experiences import EXPERIENCES
from schema.mutation import Mutation
from schema.query import Query
from schema.subscription import Subscription

PRINTED = Path(__file__).with_name("schema.graphql")


@cache
def build() -> strawberry.Schema:
    """Return the schema; one a process, since it holds no state."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[*ERRORS, *EXPERIENCES],
        config=StrawberryConfig(scalar_map=SCALARS),
    )


def printed() -> str:
    """Return the schema in GraphQL's own language, as it is checked in under `schema/schema.graphql`."""
    return build().as_str() + "\n"
