"""The moment: in which situation the customer is, told from their profile alone.

    first_visit           nobody we know, or somebody who came today and has done nothing yet
    just_bought           an order within two days
    cart_left             something lies in the basket for an hour to a fortnight
    return_after_absence  nothing heard for 45 days or more before this visit
    replenishment_due     something bought should be running out about now
    browsing              none of these

The first that holds is the moment.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.layers.base import Moment
from hub.profiles.model import SignalKind
from hub.profiles.view import ProfileView

VISIT = timedelta(minutes=30)  # signals closer together than this are one visit
ABSENCE = timedelta(days=45)
NEW = timedelta(days=1)
JUST_BOUGHT = timedelta(days=2)
CART_LEFT_AFTER = timedelta(hours=1)
CART_FORGOTTEN_AFTER = timedelta(days=14)

TITLES = {
    "first_visit": "A first visit",
    "just_bought": "Just bought something",
    "cart_left": "Left something in the basket",
    "return_after_absence": "Back after a while",
    "replenishment_due": "Something is running out",
    "browsing": "Looking around",
}


def detect(view: ProfileView, at: datetime, *, due: Sequence[str] = ()) -> Moment:
    """Return the moment of a customer at an instant.

    Args:
        view: what may be known of the customer.
        at: the instant.
        due: keys of replenishables that should be running out, see `hub.layers.lasting.due_items`.
    """
    key, about = _situation(view, at, tuple(due))
    return Moment(key, TITLES[key], at, about)


def _situation(view: ProfileView, at: datetime, due: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    if view.profile_id is None:
        return "first_visit", ()
    if not view.personal:
        return "browsing", ()
    past = [signal for signal in view.recent if signal.stamp.at <= at]
    if not past and not any(own.count > 0 for own in view.owned.values()) and _is_new(view, at):
        return "first_visit", ()
    bought = [
        signal.content_key
        for signal in past
        if signal.kind is SignalKind.PURCHASED
        and signal.content_key is not None
        and at - signal.stamp.at <= JUST_BOUGHT
        and (signal.content_key not in view.owned or view.owned[signal.content_key].count > 0)
    ]
    if bought:
        return "just_bought", tuple(dict.fromkeys(reversed(bought)))
    if view.cart and _cart_is_left(view, at):
        return "cart_left", view.cart
    if _away_before(view, at) >= ABSENCE:
        return "return_after_absence", ()
    return ("replenishment_due", due) if due else ("browsing", ())


def _is_new(view: ProfileView, at: datetime) -> bool:
    """Tell whether the customer was first heard of within a day."""
    return view.last_seen_at is None or view.first_seen_at is None or at - view.first_seen_at < NEW


def _cart_is_left(view: ProfileView, at: datetime) -> bool:
    """Tell whether the basket was last filled long enough ago to be called left, and not forgotten."""
    filled = [
        signal.stamp.at
        for signal in view.recent
        if signal.kind is SignalKind.ADDED and signal.content_key in view.cart and signal.stamp.at <= at
    ]
    return bool(filled) and CART_LEFT_AFTER <= at - max(filled) <= CART_FORGOTTEN_AFTER


def _away_before(view: ProfileView, at: datetime) -> timedelta:
    """Return how long nothing was heard before the present visit; the visit itself is not counted."""
    heard = sorted(signal.stamp.at for signal in view.recent if signal.stamp.at <= at)
    if not heard:
        return at - view.last_seen_at if view.last_seen_at is not None else timedelta(0)
    began = at
    for instant in reversed(heard):
        if began - instant > VISIT:
            return began - instant
        began = instant
    return timedelta(0)
