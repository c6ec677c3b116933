"""Saved mixes: drafted, published, rolled back; and layers that an operator muted."""

from datetime import datetime
from typing import Any

import strawberry

from hub.decisions import mixes as model
from resolvers import layers, mixes
from resolvers.layers import PlayedLayer
from resolvers.outcomes import Outcome
from schema.base import Info, field
from schema.decisions import Layer, LayerWeightInput, MixWeight
from schema.enums import MixState
from schema.errors import UserError
from schema.payloads import payload_errors, payload_value

WRONG = "Why it was not done; empty if it was."
SCENARIO = "Key of the scenario, such as home."


@strawberry.type(description="One version of a scenario's mix. It never changes.")
class SavedMix:
    scenario_key: str = strawberry.field(description="Key of the scenario it is for.")
    version: int = strawberry.field(description="Counts the scenario's mixes, from 1.")
    state: MixState = strawberry.field(description="Where it stands.")
    diversity: float | None = strawberry.field(description="The dial of diversity; null: not turned.")
    stretch: float | None = strawberry.field(description="The dial of stretch; null: not turned.")
    note: str = strawberry.field(description="What whoever drafted it had to say; empty if nothing.")
    created_at: datetime = strawberry.field(description="When it was drafted.")
    created_by: str = strawberry.field(description="Name of the key it was drafted with; empty if none.")
    published_at: datetime | None = strawberry.field(
        description="When it was first published; null: it never was."
    )

    @field(description="The layers that play, with their weights.", of=list[MixWeight], at_once=True)
    def weights(self, parent: strawberry.Parent[model.SavedMix], info: Info) -> list[PlayedLayer]:
        return mixes.played(info.context, parent)


@strawberry.type(description="A layer that an operator has silenced everywhere.")
class MutedLayer:
    @field(description="The layer.", of=Layer, at_once=True)
    def layer(self, parent: strawberry.Parent[model.Muted], info: Info) -> Any:
        return layers.named(info.context, parent.layer)

    at: datetime = strawberry.field(description="Since when.")
    by: str = strawberry.field(description="Name of the key it was muted with; empty if none.")


@strawberry.input(description="A new version of a scenario's mix.")
class DraftMixInput:
    scenario: str = strawberry.field(description=SCENARIO)
    weights: list[LayerWeightInput] = strawberry.field(
        description="The layers that shall play, in their order; layers that are not named are silent."
    )
    diversity: float | None = strawberry.field(
        default=None, description="The dial of diversity, from 0 to 1; null: not turned."
    )
    stretch: float | None = strawberry.field(
        default=None, description="The dial of stretch, from 0 to 1; null: not turned."
    )
    note: str | None = strawberry.field(
        default=None, description="What it is for, at most 500 characters; null: nothing."
    )


@strawberry.input(description="Which version to put in force.")
class PublishMixInput:
    scenario: str = strawberry.field(description=SCENARIO)
    version: int = strawberry.field(description="The version, as `draftMix` gave it.")


@strawberry.input(description="Of which scenario to roll the mix back.")
class RollBackMixInput:
    scenario: str = strawberry.field(description=SCENARIO)


@strawberry.input(description="Which layer to silence, or to let play again.")
class MuteLayerInput:
    layer: str = strawberry.field(description="The layer's name.")
    muted: bool = strawberry.field(description="True silences it everywhere, false lets it play again.")


@strawberry.type(description="What `draftMix` came to.")
class DraftMixPayload:
    mix: SavedMix | None = payload_value("The draft; null if none was saved.")
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `publishMix` came to.")
class PublishMixPayload:
    mix: SavedMix | None = payload_value("What is in force now; null if nothing was changed.")
    errors: list[UserError] = payload_errors(WRONG)


def _after(parent: strawberry.Parent[Outcome[Any]]) -> Any:
    return None if parent.value is None else parent.value.mix


@strawberry.type(description="What `rollBackMix` came to.")
class RollBackMixPayload:
    mix: SavedMix | None = strawberry.field(
        resolver=_after,
        description="What is in force now; null: the scenario's own mix, or, with errors, nothing was changed.",
    )
    errors: list[UserError] = payload_errors(WRONG)


@strawberry.type(description="What `muteLayer` came to.")
class MuteLayerPayload:
    muted: list[MutedLayer] | None = payload_value("All that is silenced now; null if nothing was changed.")
    errors: list[UserError] = payload_errors(WRONG)
