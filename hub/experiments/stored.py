"""An event log out of the store: what the hub recorded, whoever sent it.

Contents and segments are those of today's catalogue, with today's words and prices: what they said at an instant is not kept in a
form that could be shown again. One published later than the instant is not among them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.catalogue.model import Content, Segment
from hub.catalogue.repository import CatalogueRepository
from hub.errors import InvalidInput
from hub.events.repository import EventRepository
from hub.experiments.log import EventLog
from hub.store.database import Store

Share = Callable[[float], None]


async def stored_log(store: Store, *, progress: Share) -> EventLog:
    """Return every event in the store, oldest first.

    Raises:
        InvalidInput: there is none.
        Unavailable: the store does not answer.
    """
    events = tuple(await EventRepository(store.db).everything(progress=progress))
    if not events:
        raise InvalidInput("there is no event in the store yet; import some, or name a file", path=("log",))
    catalogue = CatalogueRepository(store.db)
    contents, segments = await catalogue.get_all(Content), await catalogue.get_all(Segment)
    return EventLog(events, _Published(tuple(contents.values())), tuple(segments.values()))


@dataclass(frozen=True, slots=True)
class _Published:
    contents: tuple[Content, ...]

    def __call__(self, at: datetime) -> Sequence[Content]:
        return [one for one in self.contents if one.published_at is None or one.published_at < at]
