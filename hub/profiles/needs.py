"""What a customer's purchases have done to their needs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.catalogue.model import NeedPattern
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.profiles.model import Profile


@dataclass(frozen=True, slots=True)
class NeedState:
    """One category's need: met until when. None: met for good, as a ONCE need is."""

    category: str
    pattern: NeedPattern
    satisfied_until: datetime | None


def needs(profile: Profile, snapshot: CatalogueSnapshot, at: datetime) -> tuple[NeedState, ...]:
    """Return the needs that purchases up to `at` touched, by category; refunded purchases touched none.

    Of several items of one category the latest date counts. COLLECTIBLE needs are met until the moment of
    the last purchase (the category is wanted more, not less); CONSUMABLE ones are never met and left out.
    """
    found: dict[tuple[str, NeedPattern], datetime | None] = {}
    for key, ownership in profile.owned.items():
        row = snapshot.row(key)
        if row is None or ownership.last_at > at:
            continue
        content = snapshot.contents[row]
        need = content.need
        if need.pattern is NeedPattern.CONSUMABLE:
            continue
        place = (content.category, need.pattern)
        if need.pattern is NeedPattern.ONCE:
            found[place] = None
            continue
        until = ownership.last_at + timedelta(days=need.days or 0.0)
        before = found.get(place)
        found[place] = until if before is None else max(before, until)
    return tuple(
        NeedState(category, pattern, until)
        for (category, pattern), until in sorted(found.items(), key=lambda e: e[0])
    )
