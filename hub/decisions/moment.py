"""The moment: in which situation the customer is, told from their profile alone.

    first_visit           nobody we know, or somebody who came today and has done nothing yet
    contacted_service     a question to the service desk within two days
    just_bought           an order within two days of which something was kept
    cart_left             something lies in the basket for an hour to a fortnight
    birthday              three days before the trait `birthday` to the day after
    return_after_absence  nothing heard for 45 days or more before this visit
    replenishment_due     something bought should be running out about now
    anniversary           a year, or years, since they were first heard of, give or take three days
    browsing              none of these
    gift                  whatever else: the customer chooses for somebody else

The first that holds is the moment.
"""

import calendar
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from hub.layers.base import Moment
from hub.profiles.model import SignalKind
from hub.profiles.view import ProfileView

VISIT = timedelta(minutes=30)  # signals closer together than this are one visit
ABSENCE = timedelta(days=45)
NEW = timedelta(days=1)
JUST_BOUGHT = timedelta(days=2)
CART_LEFT_AFTER = timedelta(hours=1)
CART_FORGOTTEN_AFTER = timedelta(days=14)

CONTACTED = timedelta(days=2)
BIRTHDAY_BEFORE, BIRTHDAY_AFTER = 3, 1  # days
ANNIVERSARY = 3  # days, either way
YEAR = timedelta(days=365.2425)
_BIRTHDAY = re.compile(r"(?:\d{4}|-)?-?(?P<month>\d{2})-(?P<day>\d{2})(?:[T ].*)?")
LEAP_YEAR = 2000  # in which every birthday exists

TITLES = {
    "first_visit": "A first visit",
    "contacted_service": "Asked our service something",
    "just_bought": "Just bought something",
    "cart_left": "Left something in the basket",
    "birthday": "A birthday",
    "return_after_absence": "Back after a while",
    "replenishment_due": "Something is running out",
    "anniversary": "A year or years with us",
    "browsing": "Looking around",
    "gift": "Choosing for somebody else",
}


def detect(view: ProfileView, at: datetime, *, due: Sequence[str] = ()) -> Moment:
    """Return the moment of a customer at an instant.

    Args:
        view: what may be known of the customer.
        at: the instant.
        due: keys of replenishables that should be running out, see `hub.layers.lasting.due_items`.
    """
    key, about = ("gift", ()) if view.for_another else _situation(view, at, tuple(due))
    return Moment(key, TITLES[key], at, about)


def _situation(view: ProfileView, at: datetime, due: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    if view.profile_id is None:
        return "first_visit", ()
    if not view.personal:
        return "browsing", ()
    past = [signal for signal in view.recent if signal.stamp.at <= at]
    if not past and not any(own.count > 0 for own in view.owned.values()) and _is_new(view, at):
        return "first_visit", ()
    if any(s.kind is SignalKind.CONTACTED and at - s.stamp.at <= CONTACTED for s in past):
        return "contacted_service", ()
    bought = [
        signal.content_key
        for signal in past
        if signal.kind is SignalKind.PURCHASED
        and signal.content_key is not None
        and at - signal.stamp.at <= JUST_BOUGHT
        and signal.content_key in view.owned  # what went back is not
    ]
    if bought:
        return "just_bought", tuple(dict.fromkeys(reversed(bought)))
    if view.cart and _cart_is_left(view, at):
        return "cart_left", view.cart
    if _has_birthday(view.traits.get("birthday"), at.date()):
        return "birthday", ()
    if _away_before(view, at) >= ABSENCE:
        return "return_after_absence", ()
    if due:
        return "replenishment_due", due
    return ("anniversary", ()) if _has_anniversary(view.first_seen_at, at) else ("browsing", ())


def _has_birthday(told: object, today: date) -> bool:
    """Tell whether a birthday, "1958-05-21" or "05-21", is near; one on 29 February is on the 28th in other years."""
    found = _BIRTHDAY.fullmatch(told.strip()) if isinstance(told, str) else None
    if found is None:
        return False
    month, day = int(found["month"]), int(found["day"])
    try:
        date(LEAP_YEAR, month, day)
    except ValueError:  # there is no such day
        return False
    for year in (today.year - 1, today.year, today.year + 1):
        leapless = (month, day) == (2, 29) and not calendar.isleap(year)
        away = (today - date(year, month, 28 if leapless else day)).days
        if -BIRTHDAY_BEFORE <= away <= BIRTHDAY_AFTER:
            return True
    return False


def _has_anniversary(since: datetime | None, at: datetime) -> bool:
    """Tell whether whole years have passed, give or take three days."""
    if since is None:
        return False
    years = round((at - since) / YEAR)
    return years >= 1 and abs((at - since) - years * YEAR) <= timedelta(days=ANNIVERSARY)


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
