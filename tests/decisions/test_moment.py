"""In which situation a customer is."""

from datetime import timedelta

import pytest

from hub.decisions.moment import detect
from hub.profiles.model import SignalKind
from tests.builders import NOW, make_ownership, make_signal, make_stranger, make_view

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def moment(view, **given):
    return detect(view, NOW, **given)


def viewed(ago):
    return make_signal(SignalKind.VIEWED, "vase", ago=ago)


class TestFirstVisit:
    def test_nobody_we_know(self):
        assert moment(make_stranger()).key == "first_visit"

    def test_somebody_who_came_today_and_has_done_nothing(self):
        assert moment(make_view(last_seen_at=None)).key == "first_visit"
        assert moment(make_view(first_seen_at=NOW - HOUR, last_seen_at=NOW - HOUR)).key == "first_visit"

    def test_not_after_a_day_nor_after_doing_something(self):
        assert moment(make_view(first_seen_at=NOW - DAY, last_seen_at=NOW - DAY)).key == "browsing"
        assert moment(make_view(first_seen_at=NOW - HOUR, recent=(viewed(HOUR),))).key == "browsing"


class TestJustBought:
    def test_an_order_within_two_days_latest_first(self):
        bought = tuple(
            make_signal(SignalKind.PURCHASED, key, ago=ago)
            for key, ago in (("lamp", 30 * HOUR), ("vase", 3 * HOUR))
        )
        found = moment(make_view(recent=bought, owned={"lamp": 1.25, "vase": 0.125}))
        assert (found.key, found.about) == ("just_bought", ("vase", "lamp"))

    def test_not_after_two_days(self):
        bought = make_signal(SignalKind.PURCHASED, "vase", ago=2 * DAY + HOUR)
        assert moment(make_view(recent=(bought,))).key == "browsing"

    def test_not_if_it_was_given_back(self):
        bought = make_signal(SignalKind.PURCHASED, "vase", ago=HOUR)
        view = make_view(recent=(bought,), owned={"vase": make_ownership(count=0)})
        assert moment(view).key == "browsing"


class TestCartLeft:
    @pytest.mark.parametrize(
        ("ago", "key"),
        [(HOUR / 2, "browsing"), (HOUR, "cart_left"), (14 * DAY, "cart_left"), (15 * DAY, "browsing")],
    )
    def test_an_hour_to_a_fortnight_after_it_was_filled(self, ago, key):
        view = make_view(cart=("vase",), recent=(make_signal(SignalKind.ADDED, "vase", ago=ago),))
        assert moment(view).key == key

    def test_is_about_what_lies_in_it(self):
        view = make_view(cart=("vase",), recent=(make_signal(SignalKind.ADDED, "vase", ago=DAY),))
        assert moment(view).about == ("vase",)


class TestReturnAfterAbsence:
    def test_this_visit_is_not_counted(self):
        view = make_view(
            recent=(viewed(60 * DAY), viewed(timedelta(minutes=20)), viewed(timedelta(minutes=1)))
        )
        assert moment(view).key == "return_after_absence"

    def test_before_the_first_sign_of_this_visit(self):
        assert moment(make_view(recent=(viewed(45 * DAY),))).key == "return_after_absence"
        assert moment(make_view(recent=(viewed(44 * DAY),))).key == "browsing"

    def test_by_when_they_were_last_seen_if_nothing_else_is_known(self):
        assert moment(make_view(last_seen_at=NOW - 50 * DAY)).key == "return_after_absence"


def test_replenishment_due_names_what_runs_out():
    found = moment(make_view(recent=(viewed(DAY),)), due=["coffee"])
    assert (found.key, found.about) == ("replenishment_due", ("coffee",))


def test_those_who_refused_personalization_are_just_browsing():
    bought = make_signal(SignalKind.PURCHASED, "vase", ago=HOUR)
    assert moment(make_view(personal=False, recent=(bought,)), due=["coffee"]).key == "browsing"


def test_what_happens_after_the_instant_is_not_known_yet():
    later = make_signal(SignalKind.PURCHASED, "vase", ago=-HOUR)
    assert moment(make_view(recent=(viewed(DAY), later))).key == "browsing"
