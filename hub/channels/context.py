"""What a channel may know beside the decision: who is spoken to, who speaks, and where links lead.

The service gathers it; presenting is pure, so the same decision and context give the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hub.catalogue.model import BrandFacts, Content
from hub.channels.opening import OpenLinks
from hub.channels.template_check import MessageTemplate
from hub.decisions.model import Note
from hub.ledger.model import Served
from hub.profiles.merge_model import Review
from hub.profiles.model import Profile
from hub.profiles.needs import NeedState


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PresentationContext:
    """Everything but the decision that goes into an experience.

    `personal` is False where the customer refused personalization: then nothing that was worked out
    of them may be said. `profile` is None for somebody the hub has never seen.
    """

    assembled_at: datetime
    speaker: BrandFacts
    base_url: str
    served_id: str | None = None
    profile: Profile | None = None
    personal: bool = False
    withheld: Note | None = None
    unsubscribe_url: str = ""
    open_links: OpenLinks | None = None  # None: pictures and links are the catalogue's own
    template: MessageTemplate | None = None  # None: the shipped one
    known: Mapping[str, Content] = field(default_factory=dict)  # contents that profile and ledger speak of
    seen: tuple[Served, ...] = ()  # what was served before, newest first
    reviews: tuple[Review, ...] = ()  # that ask whether the customer is another one too, newest first
    needs: tuple[NeedState, ...] = ()

    def title_of(self, key: str) -> str:
        """Return the title of a content by key; the key itself where the catalogue has dropped it."""
        content = self.known.get(key)
        return content.title if content is not None else key

    @property
    def first_name(self) -> str:
        """What to call the customer in a greeting; empty where no name is known."""
        if self.profile is None:
            return ""
        for trait in ("first_name", "name"):
            fact = self.profile.traits.get(trait)
            words = str(fact.value).split() if fact is not None else []
            if words:
                return words[0]
        return ""
