"""A customer: all that the hub knows of one person, and a hand on it."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from hub.consent.gate import Standing
from hub.insights.similar import SimilarGroup as SimilarGroupModel
from hub.kit.pages import Page
from hub.ledger.model import Served as ServedModel
from hub.profiles import model
from resolvers import customers, ledger, offers, segments
from resolvers.customers import KeyedFact, SwitchedLayer
from resolvers.globalids import to_global
from schema.base import After, Connection, First, Info, Json, Node, argument, field
from schema.catalogue import Content, Offer
from schema.decisions import Layer
from schema.enums import (
    ConsentState,
    FeedbackKind,
    InterestKind,
    NeedPattern,
    Purpose,
    Source,
    TimelineKind,
)
from schema.ledger import Served
from schema.operations import Grant
from schema.segments import Segment


@strawberry.type(description="One identifier of a customer.")
class Identity:
    type: str = strawberry.field(description="Its type, such as user_id, email or anonymous_id.")
    value: str = strawberry.field(description="The identifier, normalised.")
    verified: bool = strawberry.field(description="Whether the customer proved that it is theirs.")
    first_seen_at: datetime = strawberry.field(description="When an event first carried it.")


_STATED_BY = "The event that stated it: the `id` of its entry in the timeline."


@strawberry.type(description="A typed fact about a customer, with where it comes from.")
class Trait:
    key: str = strawberry.field(description="Its name, such as country.")
    value: Json = strawberry.field(description="Its value.")
    source: Source = strawberry.field(description="Where it comes from.")
    updated_at: datetime = strawberry.field(description="When it was stated.")
    event_id: strawberry.ID = strawberry.field(description=_STATED_BY)


@strawberry.type(description="A wish of the customer, such as likes: roses, not lilies.")
class Preference:
    key: str = strawberry.field(description="Its name.")
    value: Json = strawberry.field(description="Its value.")
    updated_at: datetime = strawberry.field(description="When it was stated.")
    event_id: strawberry.ID = strawberry.field(description=_STATED_BY)


@strawberry.type(description="A content, or words, that an interest rests on.")
class Evidence:
    @field(
        description="The content; null if it rests on words, or if the content has left the catalogue.",
        of=Content | None,
        at_once=True,
    )
    def content(self, parent: strawberry.Parent[model.Evidence], info: Info) -> Any:
        return customers.evidence_content(info.context, parent)

    @field(
        description="The words that were searched for or said; null if it rests on a content.", at_once=True
    )
    def text(self, parent: strawberry.Parent[model.Evidence]) -> str | None:
        return parent.text or None

    @field(description="The latest event behind it: the `id` of its entry in the timeline.", at_once=True)
    def event_id(self, parent: strawberry.Parent[model.Evidence]) -> strawberry.ID:
        return strawberry.ID(to_global("TimelineEntry", parent.event_id))

    at: datetime = strawberry.field(description="When the customer last showed interest in it.")
    times: int = strawberry.field(description="How many events speak of it, of those that are kept.")


@strawberry.type(description="A direction that the customer cares about, labelled in words.")
class Interest:
    id: strawberry.ID = strawberry.field(description="Its id within this customer, for `correctInterest`.")
    label: str = strawberry.field(description="The direction in words, such as: lunch bags, retro spots.")
    kind: InterestKind = strawberry.field(description="What sort of direction it is.")
    weight: float = strawberry.field(
        description="How strong it is; the weights of one kind sum to at most 1."
    )
    evidence: list[Evidence] = strawberry.field(description="What stands behind it.")


@strawberry.type(description="What the customer thinks of one item.")
class GivenFeedback:
    content_key: str = strawberry.field(description="Key of the content.")
    kind: FeedbackKind = strawberry.field(description="What they think of it.")

    @field(description="The content; null if it has left the catalogue.", of=Content | None, at_once=True)
    def content(self, parent: strawberry.Parent[customers.GivenFeedback]) -> Any:
        return parent.content


@strawberry.type(description="What a purchase did to the demand for a category.")
class Need:
    category: str = strawberry.field(description="The category, a path such as garden/tools.")
    pattern: NeedPattern = strawberry.field(description="What sort of need it is.")
    satisfied_until: datetime | None = strawberry.field(
        description="Until when nothing of the sort is needed; null: for good."
    )


@strawberry.type(description="The consent in force for one purpose on one channel.")
class Consent:
    purpose: Purpose = strawberry.field(description="What personal data may be used for.")

    @field(description="The channel it is about, such as EMAIL or SMS; null: every channel.", at_once=True)
    def channel(self, parent: strawberry.Parent[Standing]) -> str | None:
        return customers.consent_channel(parent)

    state: ConsentState = strawberry.field(description="What the customer said.")
    updated_at: datetime | None = strawberry.field(description="When; null if nothing was said yet.")
    source: str = strawberry.field(description="Where it was said, or which default applies.")
    policy_version: str = strawberry.field(description="The policy that they read; empty if none was named.")
    proof: str = strawberry.field(description="What shows that they said so; empty if nothing was said.")
    allowed: bool = strawberry.field(
        description="Whether the purpose may be followed: by what was said, else by the law of their region."
    )


@strawberry.type(description="One thing that happened to the customer.")
class TimelineEntry:
    @field(description="The global id.", at_once=True)
    def id(self, parent: strawberry.Parent[Any]) -> strawberry.ID:
        return strawberry.ID(to_global("TimelineEntry", parent.id))

    at: datetime = strawberry.field(description="When.")
    kind: TimelineKind = strawberry.field(description="What sort of thing happened.")
    title: str = strawberry.field(description="What happened, in words.")


@strawberry.type(
    description="So many other customers share these interests. Groups are disjoint and of five or more, "
    "so that nobody can be picked out."
)
class SimilarGroup:
    shared_interests: list[str] = strawberry.field(description="The labels of the interests they share.")
    count: int = strawberry.field(description="How many other customers there are in the group.")


@strawberry.type(description="A layer as it is switched for one customer.")
class LayerSwitch:
    @field(description="The layer.", of=Layer, at_once=True)
    def layer(self, parent: strawberry.Parent[SwitchedLayer]) -> Any:
        return parent.layer

    enabled: bool = strawberry.field(description="Whether the customer lets it play.")
    effect: str = strawberry.field(
        description="What it does to this customer's home page right now, in a sentence."
    )


@strawberry.type(description="A customer: all that the hub knows of one person.")
class Customer(Node):
    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, model.Profile)

    version: int = strawberry.field(description="Counts the changes of the profile.")
    display_name: str = strawberry.field(description="What to call them: a name if known, never an address.")
    identities: list[Identity] = strawberry.field(description="Every identifier that is known of them.")
    first_seen_at: datetime | None = strawberry.field(
        description="Time of their first event; null: none yet."
    )
    last_seen_at: datetime | None = strawberry.field(
        description="Time of their latest event; null: none yet."
    )

    @field(
        description="What may be done with their data, by purpose and channel.",
        of=list[Consent],
        at_once=True,
    )
    def consents(self, parent: strawberry.Parent[model.Profile], info: Info) -> Any:
        return customers.consents(info.context, parent)

    @field(description="Facts about them, by key.", of=list[Trait], at_once=True)
    def traits(self, parent: strawberry.Parent[model.Profile]) -> list[KeyedFact]:
        return customers.traits(parent)

    @field(
        description="Their wishes, by key. Switched layers are under `layers`.",
        of=list[Preference],
        at_once=True,
    )
    def preferences(self, parent: strawberry.Parent[model.Profile]) -> list[KeyedFact]:
        return customers.preferences(parent)

    @field(description="What they care about, and what they avoid; strongest first.", of=Connection[Interest])
    def interests(
        self, parent: strawberry.Parent[model.Profile], first: First = 20, after: After = None
    ) -> Page[model.Interest]:
        return customers.interests(parent, first, after)

    @field(
        description="What they think of items, by key: the feedback in force, one for each. Another one takes its place; "
        "`forgetEvents` takes it back.",
        of=Connection[GivenFeedback],
    )
    def feedback(
        self,
        parent: strawberry.Parent[model.Profile],
        info: Info,
        first: First = 20,
        after: After = None,
        kinds: Annotated[list[FeedbackKind] | None, argument("Only these; null: every kind.")] = None,
    ) -> Any:
        return customers.feedback(info.context, parent, first, after, kinds)

    @field(description="What their purchases did to their needs.", of=list[Need], at_once=True)
    def needs(self, parent: strawberry.Parent[model.Profile], info: Info) -> Any:
        return customers.needs(info.context, parent)

    @field(
        description="All that happened to them: what they did and said, what they were served, merges and splits; "
        "newest first.",
        of=Connection[TimelineEntry],
    )
    async def timeline(
        self,
        parent: strawberry.Parent[model.Profile],
        info: Info,
        first: First = 20,
        after: After = None,
        kinds: Annotated[list[TimelineKind] | None, argument("Only these; null: every kind.")] = None,
    ) -> Any:
        return await customers.timeline(info.context, parent, first, after, kinds)

    @field(description="What they were served on any channel, newest first.", of=Connection[Served])
    async def served(
        self, parent: strawberry.Parent[model.Profile], info: Info, first: First = 20, after: After = None
    ) -> Page[ServedModel]:
        return await ledger.of_customer(info.context, parent, first, after)

    @field(
        description="Offers issued to them, the latest first, used and ended ones too.",
        of=list[Grant],
    )
    async def grants(self, parent: strawberry.Parent[model.Profile], info: Info) -> Any:
        return await offers.of_customer(info.context, parent)

    @field(
        description="Offers that `grantOffer` would issue to them now, whatever the moment: they hold, are for "
        "this customer, and neither budget nor cap is used up. For agents.",
        of=list[Offer],
    )
    async def grantable(self, parent: strawberry.Parent[model.Profile], info: Info) -> Any:
        return await offers.grantable(info.context, parent)

    @field(description="Groups of customers who care about the same.", of=Connection[SimilarGroup])
    async def similar(
        self, parent: strawberry.Parent[model.Profile], info: Info, first: First = 5, after: After = None
    ) -> Page[SimilarGroupModel]:
        return await customers.similar(info.context, parent, first, after)

    @field(
        description="The segments that they are in now, by key; none for who refused to be profiled.",
        of=list[Segment],
        at_once=True,
    )
    def segments(self, parent: strawberry.Parent[model.Profile], info: Info) -> Any:
        return segments.of_customer(info.context, parent)

    @field(description="The layers, as this customer switched them.", of=list[LayerSwitch])
    async def layers(self, parent: strawberry.Parent[model.Profile], info: Info) -> list[SwitchedLayer]:
        return await customers.switches(info.context, parent)
