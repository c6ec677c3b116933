"""The customer's hand on their profile: feedback, preferences, consent, interests, layers, export, erasure."""

import strawberry

from schema.base import Json
from schema.customers import Customer
from schema.enums import Channel, ConsentState, Correction, FeedbackKind, Purpose
from schema.errors import UserError
from schema.operations import Erasure, Export
from schema.payloads import payload_errors, payload_value
from schema.refs import CustomerRefInput

FOR = "Who is meant. A front-end that speaks for a customer may leave it out."
CHANGED = "The customer after the change; null if nothing was changed."
WRONG = "Why it was not done; empty if it was."


def _for() -> CustomerRefInput | None:
    field: CustomerRefInput | None = strawberry.field(name="for", default=None, description=FOR)
    return field


@strawberry.input(description="What a customer thinks of one item.")
class GiveFeedbackInput:
    content_key: str = strawberry.field(description="Key of the content.")
    kind: FeedbackKind = strawberry.field(description="What they think of it.")
    for_: CustomerRefInput | None = _for()


@strawberry.input(description="One wish.")
class PreferenceInput:
    key: str = strawberry.field(
        description="Its name. `likes` and `dislikes` are words that the hub understands, such as: roses, not lilies."
    )
    value: Json | None = strawberry.field(default=None, description="Its value; null takes the wish back.")


@strawberry.input(description="What a customer wishes. Wishes that are not named stay as they are.")
class SetPreferencesInput:
    preferences: list[PreferenceInput] = strawberry.field(description="The wishes, each key once.")
    for_: CustomerRefInput | None = _for()


@strawberry.input(description="What a customer says about one purpose.")
class SetConsentInput:
    purpose: Purpose = strawberry.field(description="What personal data may be used for.")
    state: ConsentState = strawberry.field(description="What they say.")
    channel: Channel | None = strawberry.field(
        default=None, description="On which channel; null: on every one."
    )
    source: str | None = strawberry.field(
        default=None, description="Where it was said, such as preference-centre; null: this API."
    )
    policy_version: str | None = strawberry.field(
        default=None, description="The version of the policy that they read; null if there is none."
    )
    proof: str | None = strawberry.field(
        default=None,
        description="What shows that they said so, such as the address of the signed form; null: the event.",
    )
    for_: CustomerRefInput | None = _for()


@strawberry.input(description="A correction of what the hub believes.")
class CorrectInterestInput:
    interest_id: strawberry.ID = strawberry.field(description="The interest's id, as the customer shows it.")
    action: Correction = strawberry.field(description="What to do with it.")
    label: str | None = strawberry.field(default=None, description="Its new name, for RENAME; else null.")
    for_: CustomerRefInput | None = _for()


@strawberry.input(description="What is to be forgotten of what a customer did or said.")
class ForgetEventsInput:
    event_ids: list[strawberry.ID] = strawberry.field(
        description="Ids of entries in the timeline, as `evidence`, `traits` and `preferences` name them too; "
        "at most 100. Orders, consents and who somebody is are kept until the customer is erased."
    )
    for_: CustomerRefInput | None = _for()


@strawberry.input(description="A layer to be switched for one customer.")
class SwitchLayerInput:
    layer: str = strawberry.field(description="The layer's name.")
    enabled: bool = strawberry.field(description="Whether it may play.")
    for_: CustomerRefInput | None = _for()


@strawberry.input(description="Whose data to export.")
class ExportCustomerInput:
    for_: CustomerRefInput | None = _for()


@strawberry.input(description="Whom to erase.")
class EraseCustomerInput:
    for_: CustomerRefInput | None = _for()


@strawberry.type(description="What `giveFeedback` came to.")
class GiveFeedbackPayload:
    customer: Customer | None = payload_value(CHANGED)
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `setPreferences` came to.")
class SetPreferencesPayload:
    customer: Customer | None = payload_value(CHANGED)
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `setConsent` came to.")
class SetConsentPayload:
    customer: Customer | None = payload_value(CHANGED)
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `correctInterest` came to.")
class CorrectInterestPayload:
    customer: Customer | None = payload_value(CHANGED)
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `forgetEvents` came to.")
class ForgetEventsPayload:
    customer: Customer | None = payload_value(CHANGED)
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `switchLayer` came to.")
class SwitchLayerPayload:
    customer: Customer | None = payload_value(CHANGED)
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `exportCustomer` came to.")
class ExportCustomerPayload:
    export: Export | None = payload_value("The export; null if none was begun.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `eraseCustomer` came to.")
class EraseCustomerPayload:
    erasure: Erasure | None = payload_value("The erasure; null if none was begun.")
    errors: list[UserError] = payload_errors(WRONG)
