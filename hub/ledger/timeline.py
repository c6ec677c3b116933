"""The ledger's part of a customer's timeline: what they were served, on whatever channel."""

from collections.abc import Sequence
from datetime import datetime

from hub.events.names import TimelineKind
from hub.ledger.repository import LedgerRepository
from hub.profiles.model import Profile
from hub.profiles.timeline import TimelineEntry
from hub.store.database import Store


class ServedTimeline:
    """Served experiences as entries; their bytes stay where they are."""

    kinds = (TimelineKind.SERVED,)

    def __init__(self, store: Store) -> None:
        self._repository = LedgerRepository(store)

    async def newest(
        self, profile: Profile, *, most: int, before: tuple[datetime, str] | None
    ) -> Sequence[TimelineEntry]:
        """Return what was served to the customer or to whom they were before they were merged."""
        ids = (profile.id, *profile.former_ids)
        return [
            TimelineEntry(served_id, at, TimelineKind.SERVED, f"Was served {scenario} {_where(channel)}")
            for served_id, at, channel, scenario in await self._repository.latest_brief(
                ids, most=most, before=before
            )
        ]


def _where(channel: str) -> str:
    places = {"WEB": "on the web", "EMAIL": "by email", "SERVICE_DESK": "to the service desk"}
    return places.get(channel, f"on {channel.lower()}")
