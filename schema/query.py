"""What can be asked."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from hub.answers.model import AnswerResult as AnswerResultModel
from hub.catalogue.model import Content as ContentModel
from hub.catalogue.model import Segment as SegmentModel
from hub.channels.model import Experience as ExperienceModel
from hub.channels.template_service import SavedTemplate
from hub.decisions.editing import SavedScenario as SavedScenarioModel
from hub.decisions.mixes import Muted
from hub.decisions.mixes import SavedMix as SavedMixModel
from hub.decisions.model import Channel as ChannelModel
from hub.decisions.model import Scenario as ScenarioModel
from hub.insights.demand import DemandOutlook as DemandOutlookModel
from hub.insights.gaps import ContentGaps as ContentGapsModel
from hub.insights.interests import Trends as TrendsModel
from hub.kit.pages import Page
from hub.ledger.model import Served as ServedModel
from hub.offers.books import LiabilityReport
from hub.profiles.merge_model import Operation as OperationModel
from hub.profiles.merge_model import Review as ReviewModel
from hub.profiles.model import Profile
from resolvers import (
    answers,
    catalogue,
    customers,
    editing,
    experiences,
    insights,
    layers,
    ledger,
    merges,
    mixes,
    nodes,
    offers,
    scenarios,
    segments,
    templates,
)
from schema.answers import AnswerResult
from schema.base import After, Connection, First, Info, Json, Node, argument, field
from schema.catalogue import Content
from schema.choosing import RecipientInput
from schema.customers import Customer
from schema.decisions import Layer, MixInput, Scenario
from schema.editing import SavedScenario
from schema.enums import Channel, ReviewState
from schema.experiences import Experience
from schema.insights import ContentGaps, DemandOutlook, Trends
from schema.ledger import Served
from schema.merges import MergeOperation, MergeReview
from schema.mixes import MutedLayer, SavedMix
from schema.operations import OfferReport
from schema.refs import CustomerRefInput
from schema.segments import Segment
from schema.templates import EmailTemplate

By = Annotated[CustomerRefInput, argument("Who is meant.")]


@strawberry.type(description="What can be asked.")
class Query:
    @field(
        description="One customer; null if the hub has never seen them. For agents and administrators.",
        of=Customer | None,
    )
    async def customer(
        self,
        info: Info,
        by: By,
        at: Annotated[
            datetime | None,
            argument(
                "As of which instant: traits, preferences, interests, consents and purchases as what had happened by "
                "then makes them; null: now. Lists of what happened (timeline, served, grants) are always today's."
            ),
        ] = None,
    ) -> Profile | None:
        return await customers.customer(info.context, by.ref("by"), at)

    @field(
        description="The customer that a front-end's signed token names; null without such a token, or if the hub "
        "has never seen them.",
        of=Customer | None,
    )
    async def viewer(self, info: Info) -> Profile | None:
        return await customers.viewer(info.context)

    @field(
        description="One decision, presented on one channel. It answers for someone never seen before too, and is "
        "durable in the ledger before it is answered. Front-ends ask for WEB, renderers for EMAIL, agents for "
        "SERVICE_DESK, administrators for any.",
        of=Experience,
    )
    async def experience(
        self,
        info: Info,
        for_: Annotated[CustomerRefInput, argument("Who it is for.", name="for")],
        channel: Annotated[Channel, argument("The channel.")],
        scenario: Annotated[str, argument("Key of the scenario, such as home.")],
        mix: Annotated[
            MixInput | None,
            argument("How this call wants the mix changed; null: the scenario's mix as it is."),
        ] = None,
        preview: Annotated[
            bool, argument("True: nothing is kept and nothing counts; `servedId` is null.")
        ] = False,
        recipient: Annotated[
            RecipientInput | None,
            argument("For whom it is chosen, if for somebody else; null: for the customer themselves."),
        ] = None,
        answers: Annotated[
            list[str] | None,
            argument(
                "The answers given so far in a guided choice, keys of options of `question`, at most 5; null: none."
            ),
        ] = None,
    ) -> ExperienceModel:
        return await experiences.experience(
            info.context,
            for_.ref("for"),
            channel=channel,
            scenario=scenario,
            mix=None if mix is None else mix.request(),
            preview=preview,
            recipient=None if recipient is None else recipient.recipient("recipient"),
            budget=(None, None) if recipient is None else recipient.budget,
            answers=answers or (),
        )

    @field(
        description="A reply to a question out of the approved answers; null if no question is asked.",
        of=AnswerResult | None,
    )
    async def answer(
        self,
        info: Info,
        question: Annotated[
            str | None, argument("The question, in the customer's words; null: none.")
        ] = None,
        for_: Annotated[
            CustomerRefInput | None, argument("Who asks; null: nobody in particular.", name="for")
        ] = None,
        channel: Annotated[Channel | None, argument("Where it is asked; null: not said.")] = None,
        preview: Annotated[
            bool, argument("True: it is not kept that this was asked, and `contentGaps` do not count it.")
        ] = False,
        locale: Annotated[
            str | None,
            argument("A BCP 47 tag such as en-GB: only answers written for it are said; null: whichever."),
        ] = None,
    ) -> AnswerResultModel | None:
        who = None if for_ is None else for_.ref("for")
        return await answers.answer(info.context, question, who, channel, preview=preview, locale=locale)

    @field(description="The layers of this hub, in the order of play.", of=list[Layer])
    async def layers(self, info: Info) -> list[Any]:
        return layers.everything(info.context)

    @field(
        description="Every saved version of a scenario's mix, newest first. For administrators.",
        of=list[SavedMix],
    )
    async def mixes(
        self, info: Info, scenario: Annotated[str, argument("Key of the scenario, such as home.")]
    ) -> tuple[SavedMixModel, ...]:
        return await mixes.everything(info.context, scenario)

    @field(
        description="Every version of a scenario, newest first. For administrators.",
        of=list[SavedScenario],
    )
    async def scenario_versions(
        self, info: Info, scenario: Annotated[str, argument("Key of the scenario, such as home.")]
    ) -> tuple[SavedScenarioModel, ...]:
        return await editing.versions(info.context, scenario)

    @field(
        description="What a version of a scenario would show somebody; nothing is kept and nothing counts. "
        "For administrators.",
        of=Experience,
    )
    async def preview_scenario(
        self,
        info: Info,
        scenario: Annotated[str, argument("Key of the scenario, such as home.")],
        version: Annotated[int, argument("The version, as `draftScenario` gave it.")],
        for_: Annotated[CustomerRefInput, argument("Who it is for.", name="for")],
        channel: Annotated[Channel, argument("The channel.")],
    ) -> ExperienceModel:
        return await editing.preview(info.context, scenario, version, for_.ref("for"), channel)

    @field(description="The segments of this house, by key. For administrators.", of=list[Segment])
    async def segments(self, info: Info) -> tuple[SegmentModel, ...]:
        return await segments.everything(info.context)

    @field(
        description="Who is in a segment now, but those who refused to be profiled. For administrators.",
        of=Connection[Customer],
    )
    async def segment_members(
        self,
        info: Info,
        key: Annotated[str, argument("Key of the segment.")],
        first: First = 20,
        after: After = None,
    ) -> Page[Profile]:
        return await segments.customers(info.context, key, first, after)

    @field(
        description="For how many customers a rule holds now, as a segment would have it; nothing is kept. For "
        "administrators."
    )
    async def segment_size(
        self, info: Info, rule: Annotated[Json, argument("The rule; docs/deciding.md has the language.")]
    ) -> int:
        return await segments.size(info.context, rule)

    @field(
        description="Every version of an email template, newest first, down to what the hub ships. For administrators.",
        of=list[EmailTemplate],
    )
    async def email_templates(
        self,
        info: Info,
        key: Annotated[str, argument("Key of a scenario, or default.")] = "default",
    ) -> tuple[SavedTemplate, ...]:
        return await templates.versions(info.context, key)

    @field(
        description="The message that a version of an email template would make for somebody; nothing is kept and "
        "nothing counts. For administrators.",
        of=Experience,
    )
    async def preview_email_template(
        self,
        info: Info,
        key: Annotated[str, argument("Key of the template.")],
        version: Annotated[int, argument("The version, as `draftEmailTemplate` gave it.")],
        scenario: Annotated[str, argument("Key of the scenario, such as newsletter.")],
        for_: Annotated[CustomerRefInput, argument("Who it is for.", name="for")],
    ) -> ExperienceModel:
        return await templates.preview(info.context, key, version, scenario, for_.ref("for"))

    @field(
        description="The layers that an operator has silenced everywhere. For administrators.",
        of=list[MutedLayer],
    )
    async def muted_layers(self, info: Info) -> tuple[Muted, ...]:
        return await mixes.muted(info.context)

    @field(
        description="What a scenario would show to all customers and what they would order, from a sample of "
        "them; nothing is kept and nothing counts. For administrators; `tutti insights demand` asks more.",
        of=DemandOutlook,
    )
    async def demand_outlook(
        self,
        info: Info,
        scenario: Annotated[str, argument("Key of the scenario, such as home.")],
        version: Annotated[int | None, argument("A draft's version; null: the one in force.")] = None,
        channel: Annotated[Channel, argument("The channel.")] = ChannelModel.WEB,
        mix: Annotated[MixInput | None, argument("How to change the mix; null: as it is.")] = None,
        visits: Annotated[float, argument("How often each customer meets the scenario.")] = 1.0,
        sample: Annotated[
            int, argument("How many customers to ask, 1 to 2,000, as far as time allows.")
        ] = 300,
    ) -> DemandOutlookModel:
        return await insights.demand(
            info.context,
            scenario=scenario,
            version=version,
            channel=channel,
            mix=None if mix is None else mix.request(),
            visits=visits,
            sample=sample,
        )

    @field(
        description="What customers come to like, and what they look for in vain. For administrators.",
        of=Trends,
    )
    async def trends(
        self,
        info: Info,
        sample: Annotated[int, argument("How many customers to look at, 1 to 2,000.")] = 1_000,
    ) -> TrendsModel:
        return await insights.trends(info.context, sample=sample)

    @field(
        description="What customers ask and no approved answer meets, or hardly. For administrators.",
        of=ContentGaps,
    )
    async def content_gaps(
        self,
        info: Info,
        days: Annotated[int, argument("How far to look back, 1 to 400 days.")] = 28,
    ) -> ContentGapsModel:
        return await insights.gaps(info.context, days=days)

    @field(description="One scenario; null if there is none of that key.", of=Scenario | None)
    async def scenario(
        self, info: Info, key: Annotated[str, argument("Its key, such as home.")]
    ) -> ScenarioModel | None:
        return await scenarios.scenario(info.context, key)

    @field(description="The scenarios of this hub, by key.", of=list[Scenario])
    async def scenarios(self, info: Info) -> list[ScenarioModel]:
        return await scenarios.everything(info.context)

    @field(
        description="The catalogue by key; or, with `search`, by nearness in meaning to some words.",
        of=Connection[Content],
    )
    async def contents(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        search: Annotated[str | None, argument("Words to search by; null: everything, by key.")] = None,
    ) -> Page[ContentModel]:
        return await catalogue.contents(info.context, first, after, search)

    @field(
        description="What was served under an id; null if nothing was, or it is no longer kept. Front-ends see what "
        "their customer was served, renderers nothing, agents and administrators everything.",
        of=Served | None,
    )
    async def served(
        self, info: Info, id: Annotated[strawberry.ID, argument("As `experience.servedId` gave it.")]
    ) -> ServedModel | None:
        return await ledger.served(info.context, id)

    @field(description="What the offers of the house come to. For administrators.", of=OfferReport)
    async def offer_report(self, info: Info) -> LiabilityReport:
        return await offers.report(info.context)

    @field(
        description="Customers who may be one and wait for an agent's decision, or did; newest first. For agents.",
        of=Connection[MergeReview],
    )
    async def merge_reviews(
        self,
        info: Info,
        state: Annotated[
            ReviewState | None, argument("Only those that stand so; null: all.")
        ] = ReviewState.OPEN,
        first: First = 20,
        after: After = None,
    ) -> Page[ReviewModel]:
        return await merges.reviews(info.context, state, first, after)

    @field(
        description="Who merged and split a customer, when, why and on what evidence; newest first. For agents.",
        of=list[MergeOperation],
    )
    async def merge_history(self, info: Info, by: By, first: First = 20) -> tuple[OperationModel, ...]:
        return await merges.history(info.context, by.ref("by"), first)

    @field(description="Anything by its global id; null if there is no such thing.", of=Node | None)
    async def node(self, info: Info, id: Annotated[strawberry.ID, argument("The global id.")]) -> Any:
        return await nodes.node(info.context, id)
