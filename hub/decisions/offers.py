"""Which offers go with a decision: those that hold, for this customer, in this moment."""

from collections.abc import Collection, Sequence

from hub.catalogue.model import Offer
from hub.layers.base import Moment
from hub.profiles.view import ProfileView

MOST = 3


def offers_for(
    offers: Sequence[Offer],
    view: ProfileView,
    moment: Moment,
    *,
    brands: Collection[str],
    categories: Collection[str],
) -> tuple[Offer, ...]:
    """Return at most three offers, the most particular first: made for the moment, then for the audience.

    An offer on categories of which nothing may be shown is not made: nobody wants a tenth off the
    second toilet seat.

    Args:
        offers: all of the house.
        view: the customer; an offer with an audience is made to those whose traits match it alone.
        moment: the situation; an offer with moments is made in these alone.
        brands: whose offers may be made; empty: everybody's.
        categories: those of the ranked contents.
    """
    made = [
        offer
        for offer in offers
        if offer.holds_at(view.at)
        and (not brands or not offer.brand or offer.brand in brands)
        and (not offer.moments or moment.key in offer.moments)
        and all(str(view.traits.get(trait)) == value for trait, value in offer.audience.items())
        and (not offer.categories or _touches(offer.categories, categories))
    ]
    made.sort(key=lambda offer: (not offer.moments, not offer.audience, not offer.categories, offer.key))
    return tuple(made[:MOST])


def _touches(wanted: Sequence[str], present: Collection[str]) -> bool:
    """Tell whether any category present is one of those wanted, or lies below one."""
    return any(name == category or name.startswith(f"{category}/") for category in wanted for name in present)
