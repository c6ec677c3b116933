"""Experiences: one decision as it is presented on one channel."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from hub.channels import model
from hub.decisions.model import OutOfReach as OutOfReachModel
from hub.decisions.model import Question as QuestionModel
from hub.decisions.model import RankedItem, Removed
from hub.decisions.model import Scenario as ScenarioModel
from hub.kit.pages import Page
from hub.layers.base import Moment as MomentModel
from resolvers import experiences
from resolvers.experiences import MadeOffer, Speaking
from resolvers.layers import PlayedLayer
from schema.base import After, Connection, First, Info, argument, field
from schema.catalogue import Claim, Content, Offer
from schema.choosing import Question
from schema.decisions import ExperienceItem, MixWeight, Moment, OutOfReach, Scenario, Suppression
from schema.enums import Channel
from schema.operations import Grant


@strawberry.type(description="A coded remark: why something is degraded or withheld, or what to mind.")
class Note:
    code: str = strawberry.field(description="What clients match on, such as NO_CONSENT.")
    message: str = strawberry.field(description="The remark, for people.")


@strawberry.type(description="How the brand speaks, and what it may say on every channel.")
class Brand:
    voice: str = strawberry.field(description="The tone of voice, in words.")
    claims: list[Claim] = strawberry.field(description="The claims in force.")


@strawberry.type(description="An offer as it is made in an experience.")
class OfferView:
    offer: Offer = strawberry.field(description="The offer.")
    grant: Grant | None = strawberry.field(
        description="Its issue to this customer; null in a preview of what is not issued yet, and for somebody "
        "whom the hub does not know."
    )


@strawberry.type(description="A filled place.")
class Slot:
    key: str = strawberry.field(description="Its key, by which a front-end finds it.")
    title: str = strawberry.field(description="Its heading.")

    @field(description="What it holds, in the order of the ranking.", of=list[ExperienceItem], at_once=True)
    def items(self, parent: strawberry.Parent[model.Slot], first: First = 20) -> tuple[RankedItem, ...]:
        return experiences.slot_items(parent, first)

    @field(
        description="The whole slot as schema.org markup (ItemList of Product with Offer, and Article): JSON-LD "
        "that may stand in a script element as it is.",
        at_once=True,
    )
    def markup(self, parent: strawberry.Parent[model.Slot], info: Info) -> str:
        return experiences.markup(info.context, parent)


@strawberry.type(description="One header of a message.")
class Header:
    name: str = strawberry.field(description="Its name, such as List-Unsubscribe.")
    value: str = strawberry.field(description="Its value.")


@strawberry.type(description="Something an agent could do or say next.")
class Suggestion:
    title: str = strawberry.field(description="In a few words.")
    sentence: str = strawberry.field(description="What to say, and why.")
    offer: Offer | None = strawberry.field(description="The offer it is about; null if it is about none.")

    @field(description="The content it is about; null if it is about none.", of=Content | None, at_once=True)
    def content(self, parent: strawberry.Parent[model.Suggestion]) -> Any:
        return experiences.suggested_content(parent)


@strawberry.interface(
    description="One decision as it is presented on one channel. Every channel shows a part of the same ranking."
)
class Experience:
    channel: Channel = strawberry.field(description="The channel.")
    assembled_at: datetime = strawberry.field(description="When it was assembled.")
    degraded: Note | None = strawberry.field(
        description="Why this is less than it could be; null: it is all that it can be."
    )
    withheld: Note | None = strawberry.field(
        description="Why there is nothing to show or send, such as NO_CONSENT; null: nothing is withheld."
    )

    @field(
        description="Under which id it was kept, for `served` and `recordExposure`; null for a preview, for what "
        "is withheld, and where `degraded` says that the ledger could not take it.",
        at_once=True,
    )
    def served_id(self, parent: strawberry.Parent[model.Experience]) -> strawberry.ID | None:
        served_id = experiences.served_id(parent)
        return None if served_id is None else strawberry.ID(served_id)

    @field(description="The scenario that was played.", of=Scenario, at_once=True)
    def scenario(self, parent: strawberry.Parent[model.Experience]) -> ScenarioModel:
        return parent.decision.scenario

    @field(description="The situation that the customer was found in.", of=Moment, at_once=True)
    def moment(self, parent: strawberry.Parent[model.Experience]) -> MomentModel:
        return parent.decision.moment

    @field(description="The mix as it was played.", of=list[MixWeight], at_once=True)
    def mix(self, parent: strawberry.Parent[model.Experience], info: Info) -> list[PlayedLayer]:
        return experiences.mix(info.context, parent)

    @field(
        description="The lists that the dial of diversity does not hold for, since none within .05 of it was found "
        "among the candidates. Empty: every beginning of every list is as it is set, or the dial is not turned.",
        of=list[OutOfReach],
        at_once=True,
    )
    def out_of_reach(self, parent: strawberry.Parent[model.Experience]) -> tuple[OutOfReachModel, ...]:
        return parent.decision.out_of_reach

    @field(
        description="Catalogue, scenario, layers and mix in one version: equal versions decide equally.",
        at_once=True,
    )
    def configuration_version(self, parent: strawberry.Parent[model.Experience]) -> str:
        return parent.decision.configuration_version

    @field(description="The profile's version that was decided on; 0: nobody known.", at_once=True)
    def profile_version(self, parent: strawberry.Parent[model.Experience]) -> int:
        return parent.decision.profile_version

    @field(
        description="What to ask next to come to one good item; null where the scenario asks nothing, or enough was "
        "asked. Send the chosen option's key back in `answers`, after those given before.",
        of=Question | None,
        at_once=True,
    )
    def question(self, parent: strawberry.Parent[model.Experience]) -> QuestionModel | None:
        return parent.decision.question

    @field(description="How the brand speaks here.", of=Brand, at_once=True)
    def brand(self, parent: strawberry.Parent[model.Experience]) -> Speaking:
        return experiences.brand(parent)

    @field(description="The offers that are made.", of=list[OfferView], at_once=True)
    def offers(self, parent: strawberry.Parent[model.Experience]) -> list[MadeOffer]:
        return experiences.offers(parent)

    @field(
        description="The whole ranking from its best item, the same on every channel.",
        of=list[ExperienceItem],
        at_once=True,
    )
    def ranking(
        self,
        parent: strawberry.Parent[model.Experience],
        first: Annotated[int, argument("How many items at most, 0 to 200.")] = 20,
    ) -> tuple[RankedItem, ...]:
        return experiences.ranking(parent, first)

    @field(
        description="What was removed, each by the first gate and rule that did.",
        of=Connection[Suppression],
        at_once=True,
    )
    def suppressed(
        self, parent: strawberry.Parent[model.Experience], first: First = 20, after: After = None
    ) -> Page[Removed]:
        return experiences.suppressed(parent, first, after)


@strawberry.type(description="Slots as data, for a front-end's own templates.")
class WebExperience(Experience):
    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, model.WebExperience)

    slots: list[Slot] = strawberry.field(description="The filled places, in order.")


@strawberry.type(description="A finished message, ready to hand to a mail server.")
class EmailExperience(Experience):
    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, model.EmailExperience)

    to: str | None = strawberry.field(description="The address; null when the message is withheld.")
    subject: str | None = strawberry.field(description="The subject; null when the message is withheld.")
    preheader: str | None = strawberry.field(
        description="The line that inboxes show after the subject; null when the message is withheld."
    )
    html: str | None = strawberry.field(description="The message in HTML; null when it is withheld.")
    text: str | None = strawberry.field(description="The message in plain text; null when it is withheld.")
    headers: list[Header] = strawberry.field(
        description="Headers to send, one-click List-Unsubscribe (RFC 8058) among them."
    )
    slots: list[Slot] = strawberry.field(description="The filled places, in order.")


@strawberry.type(description="What an agent needs in one conversation.")
class ServiceDeskExperience(Experience):
    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, model.ServiceDeskExperience)

    brief: str = strawberry.field(description="Who this is and where they stand, in a few sentences.")
    cautions: list[Note] = strawberry.field(description="What to mind.")
    suggestions: list[Suggestion] = strawberry.field(description="What to do or say next, best first.")
    slots: list[Slot] = strawberry.field(description="The filled places, in order.")


EXPERIENCES = (WebExperience, EmailExperience, ServiceDeskExperience)
