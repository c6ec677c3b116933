"""What left the hub, as it left it."""

from datetime import datetime
from typing import Any

import strawberry

from hub.ledger import model
from resolvers import ledger
from resolvers.ledger import ScenarioStamp
from schema.base import Info, Node, field
from schema.decisions import ExperienceItem
from schema.enums import Channel


@strawberry.type(description="The scenario that was played, in the version of that time.")
class ServedScenario:
    key: str = strawberry.field(description="The scenario's key.")
    version: int = strawberry.field(description="The scenario's version then.")


@strawberry.type(description="One experience that left the hub. It replays byte for byte while it is kept.")
class Served(Node):
    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, model.Served)

    at: datetime = strawberry.field(description="When it was assembled.")
    channel: Channel = strawberry.field(description="The channel it was presented on.")
    configuration_version: str = strawberry.field(
        description="Catalogue, scenario, layers and mix in one version: equal versions decide equally."
    )
    profile_version: int = strawberry.field(description="The profile's version then; 0: nobody known.")
    html: str | None = strawberry.field(description="The message's HTML; null on channels that have none.")
    expires_at: datetime = strawberry.field(description="Until when it is kept.")

    @field(description="The scenario that was played.", of=ServedScenario, at_once=True)
    def scenario(self, parent: strawberry.Parent[model.Served]) -> ScenarioStamp:
        return ledger.scenario(parent)

    @field(
        description="The whole experience as canonical JSON, exactly the bytes that were kept; its `format` names its layout, and `items` reads any.",
        at_once=True,
    )
    def body(self, parent: strawberry.Parent[model.Served]) -> str:
        return ledger.body(parent)

    @field(
        description="What was shown, in the versions that were shown, by position.",
        of=list[ExperienceItem],
        at_once=True,
    )
    def items(self, parent: strawberry.Parent[model.Served], info: Info) -> Any:
        return ledger.items(info.context, parent)
