"""Versions of email templates: drafted, published, rolled back."""

from datetime import datetime

import strawberry

from schema.enums import TemplateState
from schema.errors import UserError
from schema.payloads import payload_errors, payload_value

WRONG = "Why it was not done; empty if it was."
KEY = "Key of the template: that of the scenario whose messages it makes, or default."


@strawberry.type(description="One version of an email template. It never changes.")
class EmailTemplate:
    key: str = strawberry.field(description=KEY)
    version: int = strawberry.field(description="Counts the drafts, from 1; 0 is what the hub ships.")
    mjml: str = strawberry.field(description="The message in MJML, with Liquid for its values.")
    text: str | None = strawberry.field(
        description="The plain text, in Liquid; null: that of the shipped template."
    )
    state: TemplateState = strawberry.field(description="Where it stands.")
    note: str = strawberry.field(description="What whoever drafted it had to say; empty if nothing.")
    created_at: datetime | None = strawberry.field(
        description="When it was drafted; null for the shipped one."
    )
    created_by: str = strawberry.field(description="Name of the key it was drafted with; empty if none.")


@strawberry.input(description="A new version of an email template.")
class DraftEmailTemplateInput:
    key: str = strawberry.field(description=KEY)
    mjml: str = strawberry.field(
        description="The message in MJML, with Liquid for its values. The path of an error ends in the line."
    )
    text: str | None = strawberry.field(
        default=None, description="The plain text, in Liquid; null: that of the shipped template."
    )
    note: str | None = strawberry.field(
        default=None, description="What has changed and why, at most 500 characters; null: nothing."
    )


@strawberry.input(description="Which version of an email template to put in force.")
class PublishEmailTemplateInput:
    key: str = strawberry.field(description=KEY)
    version: int = strawberry.field(
        description="The version, as `draftEmailTemplate` gave it; 0: as the hub ships it."
    )


@strawberry.input(description="Which email template to roll back.")
class RollBackEmailTemplateInput:
    key: str = strawberry.field(description=KEY)


@strawberry.type(description="What `draftEmailTemplate` came to.")
class DraftEmailTemplatePayload:
    template: EmailTemplate | None = payload_value("The draft; null if none was saved.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `publishEmailTemplate` came to.")
class PublishEmailTemplatePayload:
    template: EmailTemplate | None = payload_value("What is in force now; null if nothing was changed.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `rollBackEmailTemplate` came to.")
class RollBackEmailTemplatePayload:
    template: EmailTemplate | None = payload_value("What is in force now; null if nothing was changed.")
    errors: list[UserError] = payload_errors(WRONG)
