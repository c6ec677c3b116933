"""What a customer's purchases have done to their needs."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.catalogue.model import Need, NeedOrigin, NeedPattern
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.profiles.model import Ownership, Profile

OTHERS_COUNT = (
    1.0  # as many gaps of one's own weigh as much as what others do: people differ as much as their gaps
)


@dataclass(frozen=True, slots=True)
class NeedState:
    """One category's need: met until when. None: met for good, as a ONCE need is."""

    category: str
    pattern: NeedPattern
    satisfied_until: datetime | None


def lasting_days(need: Need, ownership: Ownership) -> float | None:
    """Return how many days what was bought last satisfies a need; None where the need has no length.

    What is declared holds as it is. A learned interval leans towards the customer's own rhythm, the more so the
    more often they bought: the mean of logarithms, the interval of others counting for `OTHERS_COUNT` gaps.
    """
    if need.days is None or need.origin not in {NeedOrigin.LEARNED, NeedOrigin.ASSUMED}:
        return need.days
    gaps = ownership.days - 1
    span = (ownership.last_at - ownership.first_at) / timedelta(days=1)
    if gaps < 1 or span <= 0:
        return need.days
    own = gaps / (gaps + OTHERS_COUNT)
    return math.exp(own * math.log(span / gaps) + (1 - own) * math.log(need.days))


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
        until = ownership.last_at + timedelta(days=lasting_days(need, ownership) or 0.0)
        before = found.get(place)
        found[place] = until if before is None else max(before, until)
    return tuple(
        NeedState(category, pattern, until)
        for (category, pattern), until in sorted(found.items(), key=lambda e: e[0])
    )
