"""What services and staff change: events, exposures; grants; merges and splits of later versions."""

from datetime import datetime

import strawberry

from resolvers.operations import Recorded
from resolvers.outcomes import Outcome, Refusal
from schema.base import Json, field
from schema.customers import Customer
from schema.enums import Channel
from schema.errors import UserError
from schema.ledger import Served
from schema.operations import Grant
from schema.payloads import payload_errors, payload_value
from schema.refs import CustomerRefInput, IdentityInput

WRONG = "Why it was not done; empty if it was."


@strawberry.input(description="Events to record.")
class RecordEventsInput:
    events: list[Json] = strawberry.field(
        description="Messages in the Segment spec, as `/v1/batch` takes them: identify, track, page, screen, "
        "group, alias. Each counts once by its `messageId`, however often it is sent."
    )


@strawberry.type(description="What `recordEvents` came to.")
class RecordEventsPayload:
    @field(description="How many events are now durable and counted.", at_once=True)
    def accepted(self, parent: strawberry.Parent[Outcome[Recorded]]) -> int:
        return 0 if parent.value is None else parent.value.accepted

    @field(description="How many had been recorded before, and count once.", at_once=True)
    def duplicates(self, parent: strawberry.Parent[Outcome[Recorded]]) -> int:
        return 0 if parent.value is None else parent.value.duplicates

    @field(
        description="Which events were rejected, and why; `path` names the event's position in the input.",
        of=list[UserError],
        at_once=True,
    )
    def errors(self, parent: strawberry.Parent[Outcome[Recorded]]) -> tuple[Refusal, ...]:
        return parent.errors


@strawberry.input(
    description="What the customer saw of a served experience. Telling it again changes nothing."
)
class RecordExposureInput:
    served_id: strawberry.ID = strawberry.field(
        description="The served id, as `experience.servedId` gave it."
    )
    content_keys: list[str] | None = strawberry.field(
        default=None, description="Keys of the contents that were seen; null: see `positions`."
    )
    positions: list[int] | None = strawberry.field(
        default=None,
        description="Positions that were seen; null together with `contentKeys`: everything was.",
    )
    at: datetime | None = strawberry.field(default=None, description="When it was seen; null: now.")


@strawberry.type(description="What `recordExposure` came to.")
class RecordExposurePayload:
    served: Served | None = payload_value("What was served under the id; null if nothing was recorded.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.input(description="One piece of evidence for a merge.")
class ProofInput:
    text: str = strawberry.field(description="What it says, in words.")
    source: str = strawberry.field(description="Where to look it up, such as the number of a ticket.")


@strawberry.input(description="Customers who are one person.")
class MergeCustomersInput:
    into: CustomerRefInput = strawberry.field(description="The customer that stays.")
    from_: list[CustomerRefInput] = strawberry.field(
        name="from", description="Those who turn out to be the same."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why, for the audit trail; null: not said."
    )
    evidence: list[ProofInput] | None = strawberry.field(
        default=None, description="What speaks for it, for the audit trail; null: nothing is given."
    )


@strawberry.type(description="What `mergeCustomers` came to.")
class MergeCustomersPayload:
    customer: Customer | None = payload_value("The merged customer; null if nothing was merged.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.input(description="A customer who turns out to be several.")
class SplitCustomerInput:
    for_: CustomerRefInput = strawberry.field(name="for", description="Who is meant.")
    identities: list[IdentityInput] = strawberry.field(description="The identities that leave.")
    reason: str | None = strawberry.field(
        default=None, description="Why, for the audit trail; null: not said."
    )


@strawberry.type(description="What `splitCustomer` came to.")
class SplitCustomerPayload:
    customers: list[Customer] | None = payload_value(
        "The customers after the split; null if nothing was split."
    )
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.input(description="An offer to issue to one customer.")
class GrantOfferInput:
    for_: CustomerRefInput = strawberry.field(name="for", description="Who is meant.")
    offer_key: str = strawberry.field(description="Key of the offer.")
    channel: Channel | None = strawberry.field(
        default=None, description="On which channel; null: at the service desk."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Sending it again under one key issues one grant; null: each call is its own.",
    )


@strawberry.type(description="What `grantOffer` came to.")
class GrantOfferPayload:
    grant: Grant | None = payload_value("The grant; null if none was issued.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.input(description="A grant that is used.")
class RedeemGrantInput:
    grant_id: strawberry.ID | None = strawberry.field(
        default=None, description="The grant's id; null: see `code`."
    )
    code: str | None = strawberry.field(
        default=None, description="The grant's code, however it was typed; null: see `grantId`."
    )
    for_: CustomerRefInput | None = strawberry.field(
        default=None, name="for", description="Whose it must be; null: whoever brings it."
    )
    order_id: str | None = strawberry.field(
        default=None,
        description="The order it is used in, by which offers that do not go together are told; null: not said.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Sending it again under one key redeems once and answers alike; null: a second call is "
        "refused as ALREADY_REDEEMED.",
    )


@strawberry.type(description="What `redeemGrant` came to.")
class RedeemGrantPayload:
    grant: Grant | None = payload_value("The grant; null if none was redeemed.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.input(description="A grant to take back.")
class ReverseGrantInput:
    grant_id: strawberry.ID = strawberry.field(description="The grant's id.")
    reason: str | None = strawberry.field(
        default=None, description="Why, for the audit trail; null: not said."
    )


@strawberry.type(description="What `reverseGrant` came to.")
class ReverseGrantPayload:
    grant: Grant | None = payload_value("The grant; null if none was reversed.")
    errors: list[UserError] = payload_errors(WRONG)
