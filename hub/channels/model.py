"""Experiences: one decision as it is presented on one channel."""

from dataclasses import dataclass
from datetime import datetime

from hub.catalogue.model import Offer
from hub.decisions.model import Channel, Decision, Note, RankedItem


@dataclass(frozen=True, slots=True)
class Slot:
    """A filled place: its items keep their order and position of the ranking."""

    key: str
    title: str
    items: tuple[RankedItem, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """One header of a mail."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something an agent could do or say next."""

    title: str
    sentence: str
    item: RankedItem | None = None
    offer: Offer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """What leaves the hub. `served_id` is None for a preview and for what was withheld."""

    served_id: str | None
    channel: Channel
    assembled_at: datetime
    decision: Decision
    withheld: Note | None = None

    @property
    def degraded(self) -> Note | None:
        """Why this is less than it could be, if it is."""
        return self.decision.degraded


@dataclass(frozen=True, slots=True, kw_only=True)
class WebExperience(Experience):
    """Slots as data, for a front-end's own templates."""

    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailExperience(Experience):
    """A finished message; `to` to `text` are None when it is withheld."""

    to: str | None
    subject: str | None
    preheader: str | None
    html: str | None
    text: str | None
    headers: tuple[Header, ...]
    slots: tuple[Slot, ...]
    template: tuple[str, int] | None = None  # key and version that it was made with; version 0: as shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDeskExperience(Experience):
    """What an agent needs in one conversation."""

    brief: str
    cautions: tuple[Note, ...]
    suggestions: tuple[Suggestion, ...]
    slots: tuple[Slot, ...]
