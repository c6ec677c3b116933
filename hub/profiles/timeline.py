"""The timeline: everything that happened to a customer, newest first, each in a few words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import InvalidInput
from hub.events.model import Event, EventType, Item
from hub.events.names import HANDLED, TimelineKind
from hub.kit.clock import isoformat
from hub.kit.pages import LARGEST_PAGE, decode_cursor
from hub.profiles.merge_model import BY_ITSELF, Operation, OperationKind
from hub.profiles.model import Profile

MOST_NAMED = 3

_VERBS = {
    TimelineKind.VIEWED: "Viewed",
    TimelineKind.CLICKED: "Clicked",
    TimelineKind.ADDED: "Put in the cart:",
    TimelineKind.REMOVED: "Took out of the cart:",
    TimelineKind.PURCHASED: "Bought",
    TimelineKind.REFUNDED: "Gave back",
    TimelineKind.SAVED: "Saved",
    TimelineKind.READ: "Read",
}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened; `id` is the event's messageId, the served id, or the merge's or split's id."""

    id: str
    at: datetime
    kind: TimelineKind
    title: str


def entry_of(event: Event, snapshot: CatalogueSnapshot) -> TimelineEntry:
    """Return an event as an entry, titles as the catalogue has them today."""
    return TimelineEntry(event.id, event.at, event.kind, _title(event, snapshot))


class TimelineSource(Protocol):
    """Something besides events that the timeline is made of."""

    async def newest(
        self, profile: Profile, *, most: int, before: tuple[datetime, str] | None
    ) -> Sequence[TimelineEntry]:
        """Return entries, newest first (of equal instants the greater id first), behind a position if given."""

    @property
    def kinds(self) -> Collection[TimelineKind]:
        """The kinds of entry that it has."""


def position_of(entry: TimelineEntry) -> str:
    """Return the place of an entry in the timeline, for cursors."""
    return f"{isoformat(entry.at)}|{entry.id}"


def entry_of_operation(operation: Operation, profile_id: str) -> TimelineEntry:
    """Return a merge or split as an entry; who did it and why is in the audit trail, for agents."""
    if operation.kind is OperationKind.MERGE:
        return TimelineEntry(
            operation.id,
            operation.at,
            TimelineKind.MERGED,
            "Was found to be the same person as another customer",
        )
    if operation.by == BY_ITSELF:
        title = (
            "A device turned out to be used by others too"
            if operation.into == profile_id
            else "Turned out to be a device that several customers use"
        )
        return TimelineEntry(operation.id, operation.at, TimelineKind.SPLIT, title)
    others = len(operation.others)
    title = (
        f"{others} other customer{'' if others == 1 else 's'} turned out to be somebody else"
        if operation.into == profile_id
        else "Turned out to be somebody else than a customer they were merged with"
    )
    return TimelineEntry(operation.id, operation.at, TimelineKind.SPLIT, title)


def parse_position(first: int, after: str | None) -> tuple[datetime, str] | None:
    """Return the place that a cursor points at.

    Raises:
        InvalidInput: `first` is out of range, or `after` is no cursor of a timeline.
    """
    if not 0 <= first <= LARGEST_PAGE:
        raise InvalidInput(f"first must be between 0 and {LARGEST_PAGE}", path=("first",))
    if after is None:
        return None
    try:
        at, _, event_id = decode_cursor(after).partition("|")
        position = datetime.fromisoformat(at)
    except ValueError:
        position = None
        event_id = ""
    if position is None or position.tzinfo is None or not event_id:
        raise InvalidInput("after is not a cursor of this timeline", path=("after",))
    return position, event_id


def _title(event: Event, snapshot: CatalogueSnapshot) -> str:
    if event.type in {EventType.PAGE, EventType.SCREEN}:
        return f"Visited {event.name}" if event.name else "Visited a page"
    if event.type is EventType.IDENTIFY:
        told = ", ".join(sorted(event.traits)[:5])
        return f"Gave details: {told}" if told else "Was recognised"
    if event.type is EventType.ALIAS:
        return "Was recognised under another id"
    if event.type is EventType.GROUP:
        return "Joined a group"
    return _track_title(event, snapshot)


def _track_title(event: Event, snapshot: CatalogueSnapshot) -> str:
    properties = event.properties
    if event.name not in HANDLED:
        return event.name
    if event.kind is TimelineKind.SEARCHED:
        return f'Searched for "{properties["query"]}"'
    if event.kind is TimelineKind.FEEDBACK:
        return f"Said {properties['kind'].lower()} to {_name(Item(properties['content_key']), snapshot)}"
    if event.kind is TimelineKind.PREFERENCE:
        told = ", ".join(
            f"{key} taken back" if value is None else f"{key}: {value}"
            for key, value in sorted(properties["preferences"].items())
        )
        return f"Preferences: {told}"[:200]
    if event.kind is TimelineKind.CONSENT:
        return _consent_title(event)
    if event.kind is TimelineKind.CORRECTION:
        if properties["action"] == "REMOVE":
            return "Removed an interest"
        return f'Named an interest "{properties["label"]}"'
    if event.items and event.kind in _VERBS:
        return f"{_VERBS[event.kind]} {_names(event.items, snapshot)}"
    about = properties.get("subject")
    if HANDLED[event.name].ticket is not None and isinstance(about, str) and about.strip():
        return f"{event.name}: {' '.join(about.split())}"[:200]
    return event.name


def _consent_title(event: Event) -> str:
    properties = event.properties
    if "purpose" not in properties:
        told = properties.get("categories", {})
        return (
            f"Consent: {', '.join(f'{_plain(p)} {s.lower()}' for p, s in sorted(told.items()))}"
            if told
            else event.name
        )
    channel = properties["channel"]
    where = "" if channel == "*" else f" on {_plain(channel)}"
    return f"Consent to {_plain(properties['purpose'])}{where}: {properties['state'].lower()}"


def _plain(constant: str) -> str:
    return constant.lower().replace("_", " ")


def _names(items: Sequence[Item], snapshot: CatalogueSnapshot) -> str:
    named = [_name(item, snapshot) for item in items[:MOST_NAMED]]
    if len(items) > MOST_NAMED:
        return f"{', '.join(named)} and {len(items) - MOST_NAMED} more"
    return " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else named[0]


def _name(item: Item, snapshot: CatalogueSnapshot) -> str:
    row = snapshot.row(item.key)
    title = item.title or item.key if row is None else snapshot.contents[row].title
    return f"{item.quantity} x {title}" if item.quantity > 1 else title
