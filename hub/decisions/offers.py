"""Which offers go with a decision: those that hold, for this customer, in this moment, and those promised."""

from collections.abc import Collection, Mapping, Sequence

from hub.catalogue.model import Offer
from hub.layers.base import Moment
from hub.offers.issuing import is_for
from hub.offers.model import NOTHING_KNOWN, Standing
from hub.profiles.view import ProfileView

NEVER = "never"  # among an offer's moments: it is not made by itself, an agent grants it
MOST = 3
HIGH = 12  # positions that stand high: about a page
NOWHERE = 1_000_000  # a promised offer on what is not in the ranking is shown last


def offers_for(
    offers: Sequence[Offer],
    view: ProfileView,
    moment: Moment,
    *,
    brands: Collection[str],
    best: Mapping[str, int],
    standing: Standing = NOTHING_KNOWN,
) -> tuple[Offer, ...]:
    """Return at most three offers, the most fitting first.

    What the customer was promised is among them as it was promised, until it ends, whatever the moment and
    the house's offers are now. Of the others, one on what stands low in the ranking comes last; first come those
    made for the moment, then those for the audience, then those on what stands highest, then those on
    everything. An offer on categories of which nothing may be shown is not made anew: nobody wants a tenth
    off the second toilet seat. Nor is one that cannot be issued to this customer any more.

    Args:
        offers: all of the house.
        view: the customer; an offer with an audience is made to those whose traits match it alone.
        moment: the situation; an offer with moments is made in these alone.
        brands: whose offers may be made; empty: everybody's.
        best: of each category in the ranking the best position.
        standing: what the customer holds, and what is closed to them.
    """
    promised = [
        grant.offer
        for grant in standing.live.values()
        if grant.live_at(view.at) and _of_brands(grant.offer, brands)
    ]
    kept = {offer.key for offer in promised}
    made = [
        offer
        for offer in offers
        if offer.holds_at(view.at)
        and offer.key not in kept
        and standing.open_to(offer)
        and _of_brands(offer, brands)
        and (not offer.moments or moment.key in offer.moments)
        and is_for(offer, view.traits)
    ]
    places = {offer.key: _place(offer.categories, best) for offer in (*promised, *made)}
    made = [offer for offer in made if places[offer.key] is not None]

    def fit(offer: Offer) -> tuple[bool, bool, bool, int, str]:
        place = places[offer.key] or NOWHERE
        return (place > HIGH + 1, not offer.moments, not offer.audience, place, offer.key)

    chosen = [*sorted(promised, key=fit), *sorted(made, key=fit)][:MOST]
    return tuple(sorted(chosen, key=fit))


def _of_brands(offer: Offer, brands: Collection[str]) -> bool:
    return not brands or not offer.brand or offer.brand in brands


def _place(categories: Sequence[str], best: Mapping[str, int]) -> int | None:
    """Return the best position of anything an offer is on; just below the top for one on everything."""
    if not categories:
        return HIGH + 1
    found = [
        position
        for name, position in best.items()
        if any(name == category or name.startswith(f"{category}/") for category in categories)
    ]
    return min(found, default=None)
