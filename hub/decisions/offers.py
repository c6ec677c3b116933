"""Which offers go with a decision: those that hold, for this customer, in this moment."""

from collections.abc import Collection, Mapping, Sequence

from hub.catalogue.model import Offer
from hub.layers.base import Moment
from hub.profiles.view import ProfileView

MOST = 3
HIGH = 12  # positions that stand high: about a page


def offers_for(
    offers: Sequence[Offer],
    view: ProfileView,
    moment: Moment,
    *,
    brands: Collection[str],
    best: Mapping[str, int],
) -> tuple[Offer, ...]:
    """Return at most three offers, the most fitting first.

    One on what stands low in the ranking comes last. Of the others those made for the moment come first,
    then those for the audience, then those on what stands highest, then those on everything. An offer on categories of
    which nothing may be shown is not made: nobody wants a tenth off the second toilet seat.

    Args:
        offers: all of the house.
        view: the customer; an offer with an audience is made to those whose traits match it alone.
        moment: the situation; an offer with moments is made in these alone.
        brands: whose offers may be made; empty: everybody's.
        best: of each category in the ranking the best position.
    """
    made = [
        offer
        for offer in offers
        if offer.holds_at(view.at)
        and (not brands or not offer.brand or offer.brand in brands)
        and (not offer.moments or moment.key in offer.moments)
        and all(str(view.traits.get(trait)) == value for trait, value in offer.audience.items())
    ]
    places = {offer.key: _place(offer.categories, best) for offer in made}
    made = [offer for offer in made if places[offer.key] is not None]
    made.sort(
        key=lambda offer: (
            (places[offer.key] or 0) > HIGH + 1,
            not offer.moments,
            not offer.audience,
            places[offer.key] or 0,
            offer.key,
        )
    )
    return tuple(made[:MOST])


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
