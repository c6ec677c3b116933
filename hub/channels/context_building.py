"""Gathers what presenting may know beside the decision; see `hub.channels.context`.

A preview's links do nothing: whoever looks at it is not the customer.
"""

from datetime import datetime

from hub.auth.tokens import Signer
from hub.catalogue.brand import NO_FACTS
from hub.catalogue.model import BrandFacts, Content
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.channels.context import PresentationContext
from hub.channels.opening import OpenLinks
from hub.channels.reading import NOTHING, Known, Reader, StoreTime
from hub.channels.template_check import MessageTemplate
from hub.consent.gate import Admission
from hub.decisions.model import Channel, Decision, Note, Scenario
from hub.kit.ids import new_id
from hub.profiles.model import Profile
from hub.profiles.needs import needs

UNSUBSCRIBE = "unsubscribe"  # the purpose of the tokens in messages
PREVIEW_TOKEN = "preview"  # noqa: S105 - what stands in a preview's links instead of a token

TRY_AGAIN = Note(
    "TRY_AGAIN",
    "The store does not answer, so consent cannot be known nor the message recorded. Ask again later.",
)


class ContextBuilder:
    """Makes the context of one experience."""

    def __init__(self, base_url: str, signer: Signer, reader: Reader) -> None:
        self._base_url = base_url
        self._signer = signer
        self._reader = reader

    async def context(
        self,
        channel: Channel,
        decision: Decision,
        admission: Admission,
        snapshot: CatalogueSnapshot,
        store: StoreTime,
        *,
        preview: bool,
        now: datetime,
        served_id: str | None = None,
        template: MessageTemplate | None = None,
        known: Known = NOTHING,
    ) -> PresentationContext:
        """Return the context of one experience: the customer as admitted, and what their channel asks for.

        Args:
            channel: where.
            decision: what was decided for them.
            admission: what the consent gate let through.
            snapshot: the catalogue that was decided on.
            store: the time that is left for reading.
            preview: True leaves no trace; nothing it links to does anything.
            now: when the experience is assembled.
            served_id: the id that its row is to have; default: a new one.
            template: instead of the one in force.
            known: what an agent is told beside the profile.
        """
        profile = admission.profile
        withheld = None
        if admission.withheld is not None:
            withheld = Note(admission.withheld.code, admission.withheld.message)
        if channel is Channel.EMAIL and profile is None and decision.degraded is not None:
            withheld = TRY_AGAIN
        desk = profile is not None and channel is Channel.SERVICE_DESK
        served_id = served_id or new_id("srv")
        return PresentationContext(
            assembled_at=now,
            speaker=_speaker(snapshot, decision.scenario),
            base_url=self._base_url,
            served_id=None if preview or withheld else served_id,
            profile=profile,
            personal=admission.view.personal,
            withheld=withheld,
            unsubscribe_url=self._unsubscribe_url(profile, preview=preview)
            if channel is Channel.EMAIL
            else "",
            template=template or await self._reader.template(decision.scenario.key, store)
            if channel is Channel.EMAIL
            else None,
            open_links=OpenLinks(self._base_url, self._signer, None if preview or withheld else served_id)
            if channel is Channel.EMAIL
            else None,
            known=_known(snapshot, _keys(profile if desk else None, decision)),
            seen=known.seen,
            reviews=known.reviews,
            needs=needs(profile, snapshot, decision.at) if desk and profile is not None else (),
        )

    def _unsubscribe_url(self, profile: Profile | None, *, preview: bool) -> str:
        """Return the link of one message. A preview's does nothing: whoever looks at it is not the customer."""
        if preview or profile is None:
            return f"{self._base_url}/unsubscribe/{PREVIEW_TOKEN}"
        token = self._signer.sign(UNSUBSCRIBE, {"profile": profile.id})
        return f"{self._base_url}/unsubscribe/{token}"


def _speaker(snapshot: CatalogueSnapshot, scenario: Scenario) -> BrandFacts:
    """Return the facts of the brand that speaks: the scenario's first brand, else the house's."""
    brand = scenario.brands[0] if scenario.brands else snapshot.house_brand
    return snapshot.facts.get(brand, NO_FACTS)


def _keys(profile: Profile | None, decision: Decision) -> set[str]:
    keys = set(decision.moment.about)
    if profile is not None:
        keys |= {*profile.owned, *profile.cart, *profile.feedback}
        keys |= {signal.content_key for signal in profile.recent if signal.content_key}
    return keys


def _known(snapshot: CatalogueSnapshot, keys: set[str]) -> dict[str, Content]:
    rows = ((key, snapshot.row(key)) for key in keys)
    return {key: snapshot.contents[row] for key, row in rows if row is not None}
