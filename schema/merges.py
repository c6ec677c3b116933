"""Reviews of customers who may be one, and the audit trail of merges and splits."""

from datetime import datetime
from typing import Any

import strawberry

from hub.profiles import merge_model as model
from hub.profiles.model import Profile
from hub.profiles.reviews import Decided
from resolvers import merges
from resolvers.globalids import to_global
from resolvers.outcomes import Outcome
from schema.base import Info, field
from schema.customers import Customer
from schema.enums import OperationKind, ReviewKind, ReviewState
from schema.errors import UserError
from schema.payloads import payload_errors


@strawberry.type(description="One piece of evidence for or against two customers being one.")
class Proof:
    text: str = strawberry.field(description="What it says, in words.")
    at: datetime = strawberry.field(description="When that was.")
    source: str = strawberry.field(description="Where to look it up: a messageId, a review, a method.")


@strawberry.type(
    description="Two customers who may be one and were not merged, because what speaks for it contradicts itself "
    "or is only likely. An agent decides."
)
class MergeReview:
    id: strawberry.ID = strawberry.field(description="Its id, for `decideMergeReview`.")
    kind: ReviewKind = strawberry.field(description="Why they may be one.")
    state: ReviewState = strawberry.field(description="Whether it is decided.")
    identity: str | None = strawberry.field(
        description="The identifier that both claim, as type:value; null if it is none."
    )
    evidence: list[Proof] = strawberry.field(description="What speaks for it, the first twenty pieces.")
    score: float | None = strawberry.field(
        description="How likely a matcher finds it, 0 to 1; null where none was asked."
    )
    opened_at: datetime = strawberry.field(description="The instant of its first evidence.")
    decided_at: datetime | None = strawberry.field(description="When it was decided; null: not yet.")
    decided_by: str | None = strawberry.field(description="Name of the key that decided; null: not yet.")
    reason: str | None = strawberry.field(description="Why it was decided so; null: not said.")

    @field(description="Whom it is about: two customers, or one if they have been merged.", of=list[Customer])
    async def customers(self, parent: strawberry.Parent[model.Review], info: Info) -> tuple[Profile, ...]:
        return await merges.customers_of(info.context, parent)


@strawberry.type(description="One merge or split in the audit trail.")
class MergeOperation:
    id: strawberry.ID = strawberry.field(description="Its id.")
    kind: OperationKind = strawberry.field(description="What was done.")
    at: datetime = strawberry.field(description="When it was decided.")
    by: str = strawberry.field(
        description="Who did it: the name of a key, or of whoever used the command line."
    )
    reason: str | None = strawberry.field(description="Why; null: not said.")
    evidence: list[Proof] = strawberry.field(description="What spoke for it.")

    @field(
        description="The customers it was about, the one that stayed first; ids merged away keep resolving.",
        at_once=True,
    )
    def customer_ids(self, parent: strawberry.Parent[model.Operation]) -> list[strawberry.ID]:
        return [strawberry.ID(to_global("Customer", one)) for one in merges.ids_of(parent)]


@strawberry.input(description="A decision about a review. The same decision again changes nothing.")
class DecideMergeReviewInput:
    review_id: strawberry.ID = strawberry.field(description="The review's id.")
    accept: bool = strawberry.field(description="True: they are one, and are merged. False: they are two.")
    reason: str | None = strawberry.field(
        default=None, description="Why, for the audit trail; null: not said."
    )


@strawberry.type(description="What `decideMergeReview` came to.")
class DecideMergeReviewPayload:
    @field(description="The review; null if nothing was decided.", of=MergeReview | None)
    def review(self, parent: strawberry.Parent[Outcome[Decided]]) -> Any:
        return None if parent.value is None else parent.value.review

    @field(description="The merged customer; null unless it was accepted.", of=Customer | None)
    def customer(self, parent: strawberry.Parent[Outcome[Decided]]) -> Any:
        return None if parent.value is None else parent.value.customer

    errors: list[UserError] = payload_errors("Why it was not done; empty if it was.")
