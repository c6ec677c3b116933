"""How long a purchase satisfies its need, and what is said when it is due: what gates, layers and moments share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.catalogue.model import Content, NeedOrigin, NeedPattern
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.layers.words import span, thing
from hub.profiles.model import Ownership
from hub.profiles.needs import lasting_days
from hub.profiles.view import ProfileView

OWN_RHYTHM_FROM = 3  # days of purchase, as in the layer `habit`


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


def due_sentence(item: Owned) -> str:
    """Return the reminder for a refill: "Your house coffee should be running out about now".

    Where the interval is learned, it says of whom: "You buy house coffee about every 5 weeks".
    """
    rhythm = rhythm_sentence(item)
    end = f": {rhythm}" if rhythm else ""
    return f"Your {thing(item.content)} should be running out about now{end}"


def rhythm_sentence(item: Owned) -> str:
    """Return what an interval rests on where purchases taught it: the customer's own rhythm, or that of others."""
    if item.content.need.origin is not NeedOrigin.LEARNED or item.lasts_days is None:
        return ""
    if item.ownership.days >= OWN_RHYTHM_FROM:
        return f"you buy it about every {span(item.lasts_days)}"
    return f"customers buy this again after about {span(item.lasts_days)}"
