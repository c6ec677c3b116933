"""Layers, mixes and scenarios; and why an item stands where it does."""

from typing import Annotated, Any

import strawberry

from hub.decisions import model
from resolvers import layers, scenarios
from resolvers.scenarios import PlacedSlot, PlayedLayer
from schema.base import Info, argument, field
from schema.catalogue import Content
from schema.enums import Channel, ContentKind


@strawberry.type(description="One separable section of the orchestra: a pure scoring function.")
class Layer:
    name: str = strawberry.field(description="Its name, as mixes spell it.")
    title: str = strawberry.field(description="Its name for people.")
    version: int = strawberry.field(description="Counts the changes of its scoring; 0: no longer installed.")
    description: str = strawberry.field(description="What it listens to, in a sentence or two.")


@strawberry.type(description="A layer's weight in a mix.")
class MixWeight:
    layer: Layer = strawberry.field(description="The layer.")
    weight: float = strawberry.field(description="What its scores are multiplied by.")


@strawberry.input(description="The weight that one layer shall have.")
class LayerWeightInput:
    layer: str = strawberry.field(description="The layer's name.")
    weight: float = strawberry.field(description="A finite number; 0 silences the layer.")


@strawberry.input(
    name="MixInput",
    description="How one call wants the scenario's mix changed: first `weights`, then `solo`, then `mute`. "
    "Gates are never muted.",
)
class MixInput:
    solo: list[str] | None = strawberry.field(
        default=None, description="Names of the only layers to play; null or empty: all of them."
    )
    mute: list[str] | None = strawberry.field(
        default=None, description="Names of layers to silence; null: none."
    )
    weights: list[LayerWeightInput] | None = strawberry.field(
        default=None, description="New weights of layers; null: those of the scenario."
    )
    diversity: float | None = strawberry.field(
        default=None,
        description="How unlike each other the items of a list shall be, from 0 to 1: the mean of one minus the "
        "cosine over all pairs. Null: as the scenario has it.",
    )
    stretch: float | None = strawberry.field(
        default=None,
        description="The share, from 0 to 1, of items beyond what the customer is known for. Null: as the scenario "
        "has it.",
    )

    def request(self) -> model.MixRequest:
        """Return it as the domain says it."""
        return layers.mix_request(
            self.solo or (),
            self.mute or (),
            [(each.layer, each.weight) for each in self.weights or ()],
            diversity=self.diversity,
            stretch=self.stretch,
        )


@strawberry.type(description="What a scenario is measured by.")
class Goal:
    metric: str = strawberry.field(description="The name of a Segment event, such as Order Completed.")


@strawberry.type(description="A place on a channel: how many items of which kinds.")
class SlotSpec:
    @field(description="The channel it is a place on.", of=Channel, at_once=True)
    def channel(self, parent: strawberry.Parent[PlacedSlot]) -> model.Channel:
        return parent.channel

    @field(description="Its key, by which a front-end finds it.", at_once=True)
    def key(self, parent: strawberry.Parent[PlacedSlot]) -> str:
        return parent.slot.key

    @field(description="Its heading.", at_once=True)
    def title(self, parent: strawberry.Parent[PlacedSlot]) -> str:
        return parent.slot.title

    @field(description="How many items it holds at most.", at_once=True)
    def size(self, parent: strawberry.Parent[PlacedSlot]) -> int:
        return parent.slot.size

    @field(description="The kinds of content it takes.", of=list[ContentKind], at_once=True)
    def kinds(self, parent: strawberry.Parent[PlacedSlot]) -> Any:
        return parent.slot.kinds


@strawberry.type(description="A vision made executable: slots, mix and goal under one key and version.")
class Scenario:
    key: str = strawberry.field(description="Its key, as `experience(scenario:)` takes it.")
    title: str = strawberry.field(description="Its name for people.")
    description: str = strawberry.field(description="What it is for; empty if nobody said.")
    version: int = strawberry.field(description="Counts its changes, from 1.")
    goal: Goal = strawberry.field(description="What it is measured by.")
    variety: float = strawberry.field(
        description="0: items by score alone; 1: as unlike each other as can be."
    )

    @field(description="The layers that play, with their weights.", of=list[MixWeight], at_once=True)
    def mix(self, parent: strawberry.Parent[model.Scenario], info: Info) -> list[PlayedLayer]:
        return layers.played(info.context, parent.mix)

    @field(description="Its places: of one channel, or of all of them.", of=list[SlotSpec])
    def slots(
        self,
        parent: strawberry.Parent[model.Scenario],
        channel: Annotated[Channel | None, argument("The channel; null: all of them, in turn.")] = None,
    ) -> list[PlacedSlot]:
        return scenarios.slots(parent, channel)


@strawberry.type(
    description="A detected situation of the customer, such as a first visit or just having bought."
)
class Moment:
    key: str = strawberry.field(description="Its key, such as first_visit.")
    title: str = strawberry.field(description="Its name for people.")


@strawberry.type(
    description="One layer's part in one item's score. Over the layers, contributions sum to the score."
)
class LayerContribution:
    @field(description="The layer.", of=Layer, at_once=True)
    def layer(self, parent: strawberry.Parent[model.LayerScore], info: Info) -> Any:
        return layers.named(info.context, parent.layer)

    weight: float = strawberry.field(description="The layer's weight in the mix as played.")
    score: float = strawberry.field(description="The layer's verdict on the item, -1 to 1.")
    contribution: float = strawberry.field(description="Weight times score, exactly.")
    rank_before: int = strawberry.field(
        description="The item's rank among all that were scored if this layer were mute; 1 is best."
    )
    rank_after: int = strawberry.field(description="The item's rank as it is; 1 is best.")


@strawberry.type(description="Why an item stands where it does: in a sentence, and exactly.")
class Why:
    sentence: str = strawberry.field(description="For people.")
    contributions: list[LayerContribution] = strawberry.field(
        description="Each layer's part, in the order of play."
    )


@strawberry.type(
    description="Lists of one kind of content that the dial of diversity does not hold for: its first items."
)
class OutOfReach:
    kind: ContentKind = strawberry.field(description="Of which content.")
    shortest: int = strawberry.field(description="The length of the shortest of them.")
    longest: int = strawberry.field(description="The length of the longest; all between are among them.")
    diversity: float = strawberry.field(
        description="The nearest that was found for the one that is farthest from the setting."
    )


@strawberry.type(description="One item of a ranking.")
class ExperienceItem:
    position: int = strawberry.field(description="Its place in the ranking, from 1, after variety.")
    score: float = strawberry.field(description="The sum of the layers' contributions.")
    content: Content = strawberry.field(description="What is shown.")
    why: Why = strawberry.field(description="Why it stands where it does.")


@strawberry.type(description="A candidate that a gate removed: the first gate that did, and by which rule.")
class Suppression:
    content: Content = strawberry.field(description="What was removed.")
    gate: str = strawberry.field(description="The gate, such as suppression or availability.")
    rule: str = strawberry.field(description="The gate's rule, such as bought_once.")
    sentence: str = strawberry.field(description="The rule applied to this customer, in words.")
