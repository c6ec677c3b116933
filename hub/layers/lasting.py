"""How long a purchase satisfies its need: the arithmetic that gates, layers and moments share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.catalogue.model import Content, NeedPattern
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.profiles.model import Ownership
from hub.profiles.needs import lasting_days
from hub.profiles.view import ProfileView


@dataclass(frozen=True, slots=True)
class Owned:
    """One item that the customer has, net of what came back, as the catalogue knows it."""

    content: Content
    row: int
    ownership: Ownership

    @property
    def lasts_days(self) -> float | None:
        """For how many days it lasts, see `hub.profiles.needs.lasting_days`; None for needs without a length."""
        return lasting_days(self.content.need, self.ownership)

    @property
    def lasts_until(self) -> datetime | None:
        """When a durable wears out or a replenishable runs out; None for needs without a length."""
        days = self.lasts_days
        return None if days is None else self.ownership.last_at + timedelta(days=days)


def owned_items(view: ProfileView, snapshot: CatalogueSnapshot) -> tuple[Owned, ...]:
    """Return what the customer has at `view.at`: refunded items and later purchases are not among it."""
    rows, contents = snapshot.rows, snapshot.contents
    return tuple(
        Owned(contents[row], row, ownership)
        for key, ownership in view.owned.items()
        if ownership.count > 0 and ownership.first_at <= view.at and (row := rows.get(key)) is not None
    )


def due_items(owned: Iterable[Owned], at: datetime, *, window: float = 1.0) -> list[Owned]:
    """Return the replenishables that have run out, latest first, for at most `window` intervals past due.

    Who let more time pass than that has changed their habit, and a reminder would be noise.
    """
    due: list[Owned] = []
    for item in owned:
        if item.content.need.pattern is NeedPattern.REPLENISHABLE and (until := item.lasts_until) is not None:
            past = (at - until).total_seconds() / 86_400
            if 0 <= past <= window * (item.lasts_days or 0):
                due.append(item)
    due.sort(key=lambda item: (-item.ownership.last_at.timestamp(), item.content.key))
    return due
