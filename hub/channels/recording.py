"""What the ledger keeps of an experience, and what may leave the hub when the ledger cannot keep it."""

from dataclasses import replace
from datetime import datetime, timedelta

from hub.channels.base import present
from hub.channels.body import body_of
from hub.channels.context import PresentationContext
from hub.channels.context_building import TRY_AGAIN
from hub.channels.model import EmailExperience, Experience, ServiceDeskExperience, WebExperience
from hub.decisions.model import Channel, Decision, Note
from hub.ledger.items import listing_of
from hub.ledger.model import Served

NOT_RECORDED = Note(
    "NOT_RECORDED", "The ledger could not take this experience in time, so it was not counted as served."
)


def row_of(experience: Experience, now: datetime, retention_days: int) -> Served:
    """Return what the ledger keeps of an experience that is about to leave."""
    decision = experience.decision
    assert experience.served_id is not None
    assert isinstance(experience, WebExperience | EmailExperience | ServiceDeskExperience)
    return Served(
        id=experience.served_id,
        at=now,
        profile_id=decision.profile_id,
        channel=experience.channel.value,
        scenario_key=decision.scenario.key,
        scenario_version=decision.scenario.version,
        configuration_version=decision.configuration_version,
        profile_version=decision.profile_version,
        body=body_of(experience),
        expires_at=now + timedelta(days=retention_days),
        shown=tuple(item.content.key for slot in experience.slots for item in slot.items),
        listing=listing_of(
            (
                (slot.key, item.position, float(item.score), item.content, item.why.sentence)
                for slot in experience.slots
                for item in slot.items
            ),
            html=isinstance(experience, EmailExperience),
        ),
    )


def unrecorded(decision: Decision, channel: Channel, context: PresentationContext) -> Experience:
    """Return what may leave the hub without a row: everything but a message, which can wait."""
    withheld = TRY_AGAIN if channel is Channel.EMAIL else context.withheld
    degraded = decision.degraded or NOT_RECORDED
    return present(
        replace(decision, degraded=degraded), channel, replace(context, served_id=None, withheld=withheld)
    )
