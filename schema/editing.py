"""Versions of scenarios: drafted, published, rolled back."""

from datetime import datetime

import strawberry

from schema.decisions import Scenario
from schema.enums import ScenarioState
from schema.errors import UserError
from schema.payloads import payload_errors, payload_value

WRONG = "Why it was not done; empty if it was."
SCENARIO = "Key of the scenario, such as home."


@strawberry.type(description="One version of a scenario. It never changes.")
class SavedScenario:
    scenario: Scenario = strawberry.field(description="What it says.")
    state: ScenarioState = strawberry.field(description="Where it stands.")
    note: str = strawberry.field(description="What whoever drafted it had to say; empty if nothing.")
    created_at: datetime = strawberry.field(description="When it was drafted, or first replaced.")
    created_by: str = strawberry.field(description="Name of the key it was drafted with; empty if none.")
    definition: str | None = strawberry.field(
        description="The TOML text it was made of, checks and comments included, to begin another version from; "
        "null where a release before such texts were kept saved it."
    )


@strawberry.input(description="A new version of a scenario.")
class DraftScenarioInput:
    definition: str = strawberry.field(
        description="The scenario as TOML: key, title, goal, moments, mix, guards, slots of each channel. "
        "The path of an error leads into it."
    )
    note: str | None = strawberry.field(
        default=None, description="What has changed and why, at most 500 characters; null: nothing."
    )


@strawberry.input(description="Which version of a scenario to put in force.")
class PublishScenarioInput:
    scenario: str = strawberry.field(description=SCENARIO)
    version: int = strawberry.field(description="The version, as `draftScenario` gave it.")


@strawberry.input(description="Which scenario to roll back.")
class RollBackScenarioInput:
    scenario: str = strawberry.field(description=SCENARIO)


@strawberry.type(description="What `draftScenario` came to.")
class DraftScenarioPayload:
    saved: SavedScenario | None = payload_value("The draft; null if none was saved.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `publishScenario` came to.")
class PublishScenarioPayload:
    saved: SavedScenario | None = payload_value("What is in force now; null if nothing was changed.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `rollBackScenario` came to.")
class RollBackScenarioPayload:
    saved: SavedScenario | None = payload_value("What is in force now; null if nothing was changed.")
    errors: list[UserError] = payload_errors(WRONG)
