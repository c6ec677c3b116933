"""Where a customer stands with the offers: what they hold, and what caps and budgets close to them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.catalogue.model import Offer
from hub.offers.issuing import bounded
from hub.offers.model import Grant, Standing, live_grants
from hub.profiles.model import Profile

HOUSEHOLD = "household_id"  # the trait by which customers are of one household


def standing_of(
    mine: Sequence[Grant],
    theirs: Sequence[Grant],
    at: datetime,
    offers: Sequence[Offer],
    spent: Mapping[str, str],
) -> Standing:
    """Return where a customer stands at an instant.

    Args:
        mine: their grants.
        theirs: those of all their household, theirs among them.
        at: the instant.
        offers: those in question.
        spent: which of them have nothing left, with the rule.
    """
    return Standing(live_grants(mine, at), {**spent, **_closed(mine, theirs, offers)})


def counts_households(offers: Sequence[Offer]) -> bool:
    """Tell whether any of the offers is capped by household."""
    return any(offer.per_household is not None for offer in offers)


def household_of(profile: Profile) -> str | None:
    """Return the household that a customer belongs to, None where none is known."""
    fact = profile.traits.get(HOUSEHOLD)
    name = "" if fact is None or fact.value is None else str(fact.value).strip()
    return name or None


def spent(offer: Offer, counter: Mapping[str, Any]) -> bool:
    """Tell whether an offer has nothing left to issue, by the counter of what is out."""
    if offer.most_grants is not None and counter.get("units", 0) >= offer.most_grants:
        return True
    worth = offer.worth
    if offer.budget is None or worth is None:
        return False
    taken = counter.get("amounts", {}).get(worth.currency)
    return (taken.to_decimal() if taken is not None else 0) + worth.amount > offer.budget.amount


def _closed(mine: Sequence[Grant], household: Sequence[Grant], offers: Sequence[Offer]) -> dict[str, str]:
    """Return the offers that caps close to somebody with these grants, each with the rule."""
    closed: dict[str, str] = {}
    for offer in offers:
        key = offer.key
        rule = bounded(
            offer, [g for g in mine if g.offer.key == key], [g for g in household if g.offer.key == key]
        )
        if rule is not None:
            closed[key] = rule
    return closed
