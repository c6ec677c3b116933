"""Segments: groups of customers by rule."""

import strawberry

from hub.catalogue import model
from resolvers import segments
from schema.base import Info, Json, field
from schema.errors import UserError
from schema.payloads import payload_errors, payload_value

WRONG = "Why it was not done; empty if it was."


@strawberry.type(
    description="A group of customers, defined by a rule over traits, events and interests. Nobody is put in by hand."
)
class Segment:
    key: str = strawberry.field(description="Its key.")
    title: str = strawberry.field(description="Its name, as it stands in sentences: gold customers.")
    rule: Json = strawberry.field(description="The rule; docs/deciding.md has the language.")
    favours: list[str] = strawberry.field(description="Categories that its members shall see more of.")
    version: int = strawberry.field(description="Counts its changes, from 1.")

    @field(description="How many customers are in it now, counted by the store.")
    async def members(self, parent: strawberry.Parent[model.Segment], info: Info) -> int:
        return await segments.members(info.context, parent)


@strawberry.input(description="A segment to define, or to define anew.")
class PutSegmentInput:
    key: str = strawberry.field(description="Its key: small letters, digits, - and _, at most 64.")
    title: str = strawberry.field(description="Its name, as it stands in sentences: gold customers.")
    rule: Json = strawberry.field(description="The rule; docs/deciding.md has the language.")
    favours: list[str] | None = strawberry.field(
        default=None, description="Categories that its members shall see more of; null: none."
    )


@strawberry.input(description="A segment to take away.")
class DeleteSegmentInput:
    key: str = strawberry.field(description="Its key.")


@strawberry.type(description="A segment that there is not any more.")
class DeletedSegment:
    key: str = strawberry.field(description="Its key.")
    title: str = strawberry.field(description="Its name, as it stood in sentences.")
    rule: Json = strawberry.field(description="The rule that it had, to define it again by.")
    favours: list[str] = strawberry.field(description="Categories that its members saw more of.")
    version: int = strawberry.field(description="Its last version.")


@strawberry.type(description="What `deleteSegment` came to.")
class DeleteSegmentPayload:
    segment: DeletedSegment | None = payload_value("What was taken away; null if nothing was.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `putSegment` came to.")
class PutSegmentPayload:
    segment: Segment | None = payload_value("The segment as it is now; null if nothing was changed.")
    errors: list[UserError] = payload_errors(WRONG)
