"""What can be changed. Every mutation takes one input and answers with the changed object and typed errors."""

from functools import partial
from typing import Annotated, Any

import strawberry

from hub.catalogue.model import Segment
from hub.channels.template_service import SavedTemplate
from hub.decisions.editing import SavedScenario
from hub.decisions.mixes import Muted, SavedMix
from hub.ledger.model import Served
from hub.offers.model import Grant
from hub.profiles.model import Profile
from hub.profiles.reviews import Decided
from resolvers import control, editing, ledger, merges, mixes, offers, operations, segments, templates
from resolvers.mixes import RolledBack
from resolvers.operations import Recorded
from resolvers.outcomes import Outcome
from schema import control as of_control
from schema import editing as of_editing
from schema import merges as of_merges
from schema import mixes as of_mixes
from schema import segments as of_segments
from schema import service as of_service
from schema import templates as of_templates
from schema.base import Info, argument, field
from schema.refs import CustomerRefInput

INPUT = argument("What to do.")
UNREAD = argument("What to do.", name="input")


def _who(ref: CustomerRefInput | None) -> Any:
    return None if ref is None else (lambda: ref.ref("for"))


@strawberry.type(description="What can be changed.")
class Mutation:
    @field(
        description="Record what a customer thinks of one item; it counts from the next call on.",
        of=of_control.GiveFeedbackPayload,
    )
    async def give_feedback(
        self, info: Info, input: Annotated[of_control.GiveFeedbackInput, INPUT]
    ) -> Outcome[Profile]:
        return await control.give_feedback(info.context, _who(input.for_), input.kind, input.content_key)

    @field(description="Record what a customer wishes.", of=of_control.SetPreferencesPayload)
    async def set_preferences(
        self, info: Info, input: Annotated[of_control.SetPreferencesInput, INPUT]
    ) -> Outcome[Profile]:
        wishes = [(wish.key, wish.value) for wish in input.preferences]
        return await control.set_preferences(info.context, _who(input.for_), wishes)

    @field(description="Record what a customer says about one purpose.", of=of_control.SetConsentPayload)
    async def set_consent(
        self, info: Info, input: Annotated[of_control.SetConsentInput, INPUT]
    ) -> Outcome[Profile]:
        return await control.set_consent(
            info.context,
            _who(input.for_),
            purpose=input.purpose,
            channel=input.channel,
            state=input.state,
            source=input.source,
            policy_version=input.policy_version,
            proof=input.proof,
        )

    @field(
        description="Remove or rename what the hub believes a customer cares about.",
        of=of_control.CorrectInterestPayload,
    )
    async def correct_interest(
        self, info: Info, input: Annotated[of_control.CorrectInterestInput, INPUT]
    ) -> Outcome[Profile]:
        return await control.correct_interest(
            info.context, _who(input.for_), input.interest_id, input.action, input.label
        )

    @field(
        description="Forget single things that a customer did or said, such as a search or a reaction. What rests on "
        "nothing else goes too; sent again, they do not come back.",
        of=of_control.ForgetEventsPayload,
    )
    async def forget_events(
        self, info: Info, input: Annotated[of_control.ForgetEventsInput, INPUT]
    ) -> Outcome[Profile]:
        return await control.forget_events(info.context, _who(input.for_), input.event_ids)

    @field(description="Switch a layer on or off for one customer.", of=of_control.SwitchLayerPayload)
    async def switch_layer(
        self, info: Info, input: Annotated[of_control.SwitchLayerInput, INPUT]
    ) -> Outcome[Profile]:
        return await control.switch_layer(info.context, _who(input.for_), input.layer, input.enabled)

    @field(
        description="Let a customer's data be fetched, as JSON or as a page, under a signed link that holds a week.",
        of=of_control.ExportCustomerPayload,
    )
    async def export_customer(
        self, info: Info, input: Annotated[of_control.ExportCustomerInput, INPUT]
    ) -> Outcome[Any]:
        return await operations.export_customer(info.context, _who(input.for_))

    @field(
        description="Erase a customer from the hub, for good. It is done when this answers; what they did "
        "before does not come back with late events.",
        of=of_control.EraseCustomerPayload,
    )
    async def erase_customer(
        self, info: Info, input: Annotated[of_control.EraseCustomerInput, INPUT]
    ) -> Outcome[Any]:
        return await operations.erase_customer(info.context, _who(input.for_))

    @field(
        description="Record events in the Segment spec; they are durable and counted before it answers. For "
        "ingest keys and administrators.",
        of=of_service.RecordEventsPayload,
    )
    async def record_events(
        self, info: Info, input: Annotated[of_service.RecordEventsInput, INPUT]
    ) -> Outcome[Recorded]:
        return await operations.record_events(info.context, input.events)

    @field(
        description="Record what a customer saw of a served experience.", of=of_service.RecordExposurePayload
    )
    async def record_exposure(
        self, info: Info, input: Annotated[of_service.RecordExposureInput, INPUT]
    ) -> Outcome[Served]:
        return await ledger.expose(
            info.context, input.served_id, input.content_keys or (), input.positions or (), input.at
        )

    @field(
        description="Make one customer of several; ids that go keep resolving, the strictest consent wins, and "
        "`splitCustomer` takes it back. For agents.",
        of=of_service.MergeCustomersPayload,
    )
    async def merge_customers(
        self, info: Info, input: Annotated[of_service.MergeCustomersInput, INPUT]
    ) -> Outcome[Profile]:
        others = [partial(ref.ref, "from", str(n)) for n, ref in enumerate(input.from_)]
        return await merges.merge_customers(
            info.context,
            lambda: input.into.ref("into"),
            others,
            input.reason,
            [(proof.text, proof.source) for proof in input.evidence or ()],
        )

    @field(
        description="Take back the merges that brought identities to a customer: every side is again what it was, "
        "and keeps what its own identities did since. For agents.",
        of=of_service.SplitCustomerPayload,
    )
    async def split_customer(
        self, info: Info, input: Annotated[of_service.SplitCustomerInput, INPUT]
    ) -> Outcome[tuple[Profile, ...]]:
        named = [partial(one.ref, "identities", str(n)) for n, one in enumerate(input.identities)]
        return await merges.split_customer(info.context, lambda: input.for_.ref("for"), named, input.reason)

    @field(
        description="Decide whether two customers are one; accepting merges them. For agents.",
        of=of_merges.DecideMergeReviewPayload,
    )
    async def decide_merge_review(
        self, info: Info, input: Annotated[of_merges.DecideMergeReviewInput, INPUT]
    ) -> Outcome[Decided]:
        return await merges.decide(info.context, input.review_id, input.accept, input.reason)

    @field(
        description="Issue an offer to one customer, within its budget and caps. For agents and administrators.",
        of=of_service.GrantOfferPayload,
    )
    async def grant_offer(
        self, info: Info, input: Annotated[of_service.GrantOfferInput, INPUT]
    ) -> Outcome[Grant]:
        return await offers.grant(
            info.context, _who(input.for_), input.offer_key, input.channel, input.idempotency_key
        )

    @field(description="Use a grant, once. For agents and administrators.", of=of_service.RedeemGrantPayload)
    async def redeem_grant(
        self, info: Info, input: Annotated[of_service.RedeemGrantInput, INPUT]
    ) -> Outcome[Grant]:
        return await offers.redeem(
            info.context,
            grant_id=input.grant_id,
            code=input.code,
            given=_who(input.for_),
            order_id=input.order_id,
            key=input.idempotency_key,
        )

    @field(
        description="Take a grant back, used or not; its worth is in the budget again. For agents and "
        "administrators.",
        of=of_service.ReverseGrantPayload,
    )
    async def reverse_grant(
        self, info: Info, input: Annotated[of_service.ReverseGrantInput, INPUT]
    ) -> Outcome[Grant]:
        return await offers.reverse(info.context, input.grant_id, input.reason or "")

    @field(
        description="Define a segment, or define it anew; every process knows it within a second. For administrators.",
        of=of_segments.PutSegmentPayload,
    )
    async def put_segment(
        self, info: Info, input: Annotated[of_segments.PutSegmentInput, INPUT]
    ) -> Outcome[Segment]:
        return await segments.put(info.context, input.key, input.title, input.rule, input.favours or ())

    @field(
        description="Take a segment away, in every process within a second. Customers and what they were served stay "
        "as they are. For administrators.",
        of=of_segments.DeleteSegmentPayload,
    )
    async def delete_segment(
        self, info: Info, input: Annotated[of_segments.DeleteSegmentInput, INPUT]
    ) -> Outcome[Segment]:
        return await segments.delete(info.context, input.key)

    @field(
        description="Save a new version of a scenario's mix; nothing that is served changes. For administrators.",
        of=of_mixes.DraftMixPayload,
    )
    async def draft_mix(
        self, info: Info, input: Annotated[of_mixes.DraftMixInput, INPUT]
    ) -> Outcome[SavedMix]:
        return await mixes.draft(
            info.context,
            input.scenario,
            [(each.layer, each.weight) for each in input.weights],
            diversity=input.diversity,
            stretch=input.stretch,
            note=input.note or "",
        )

    @field(
        description="Put a version of a scenario's mix in force, in every process within a second. For administrators.",
        of=of_mixes.PublishMixPayload,
    )
    async def publish_mix(
        self, info: Info, input: Annotated[of_mixes.PublishMixInput, INPUT]
    ) -> Outcome[SavedMix]:
        return await mixes.publish(info.context, input.scenario, input.version)

    @field(
        description="Put in force what was before the last publication. For administrators.",
        of=of_mixes.RollBackMixPayload,
    )
    async def roll_back_mix(
        self, info: Info, input: Annotated[of_mixes.RollBackMixInput, INPUT]
    ) -> Outcome[RolledBack]:
        return await mixes.roll_back(info.context, input.scenario)

    @field(
        description="Save a new version of a scenario; nothing that is served changes. For administrators.",
        of=of_editing.DraftScenarioPayload,
    )
    async def draft_scenario(
        self, info: Info, input: Annotated[of_editing.DraftScenarioInput, INPUT]
    ) -> Outcome[SavedScenario]:
        return await editing.draft(info.context, input.definition, input.note or "")

    @field(
        description="Put a version of a scenario in force, in every process within two seconds. For administrators.",
        of=of_editing.PublishScenarioPayload,
    )
    async def publish_scenario(
        self, info: Info, input: Annotated[of_editing.PublishScenarioInput, INPUT]
    ) -> Outcome[SavedScenario]:
        return await editing.publish(info.context, input.scenario, input.version)

    @field(
        description="Put in force what the scenario's version in force replaced. For administrators.",
        of=of_editing.RollBackScenarioPayload,
    )
    async def roll_back_scenario(
        self, info: Info, input: Annotated[of_editing.RollBackScenarioInput, INPUT]
    ) -> Outcome[SavedScenario]:
        return await editing.roll_back(info.context, input.scenario)

    @field(
        description="Save a new version of an email template; no message changes. For administrators.",
        of=of_templates.DraftEmailTemplatePayload,
    )
    async def draft_email_template(
        self, info: Info, input: Annotated[of_templates.DraftEmailTemplateInput, INPUT]
    ) -> Outcome[SavedTemplate]:
        return await templates.draft(info.context, input.key, input.mjml, input.text, input.note or "")

    @field(
        description="Put a version of an email template in force, in every process within two seconds. For "
        "administrators.",
        of=of_templates.PublishEmailTemplatePayload,
    )
    async def publish_email_template(
        self, info: Info, input: Annotated[of_templates.PublishEmailTemplateInput, INPUT]
    ) -> Outcome[SavedTemplate]:
        return await templates.publish(info.context, input.key, input.version)

    @field(
        description="Put in force what the template's version in force replaced. For administrators.",
        of=of_templates.RollBackEmailTemplatePayload,
    )
    async def roll_back_email_template(
        self, info: Info, input: Annotated[of_templates.RollBackEmailTemplateInput, INPUT]
    ) -> Outcome[SavedTemplate]:
        return await templates.roll_back(info.context, input.key)

    @field(
        description="Silence a layer in every decision of every process within a second, or let it play again. For "
        "administrators.",
        of=of_mixes.MuteLayerPayload,
    )
    async def mute_layer(
        self, info: Info, input: Annotated[of_mixes.MuteLayerInput, INPUT]
    ) -> Outcome[tuple[Muted, ...]]:
        return await mixes.mute(info.context, input.layer, input.muted)
