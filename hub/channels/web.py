"""The web channel: slots as data, for a front-end's own templates."""

from hub.channels.context import PresentationContext
from hub.channels.model import WebExperience
from hub.channels.slots import slots_of
from hub.decisions.model import Channel, Decision


class WebPresenter:
    """Presents a decision as slots."""

    channel = Channel.WEB

    def present(self, decision: Decision, context: PresentationContext) -> WebExperience:
        """Return the slots of the page; a withheld one has none."""
        return WebExperience(
            served_id=context.served_id,
            channel=Channel.WEB,
            assembled_at=context.assembled_at,
            decision=decision,
            withheld=context.withheld,
            slots=() if context.withheld else slots_of(decision, Channel.WEB),
        )
