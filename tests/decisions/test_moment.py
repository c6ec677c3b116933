"""In which situation a customer is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.decisions.moment import detect
from hub.profiles.model import SignalKind
from tests.builders import NOW, make_signal, make_stranger, make_view

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
        assert moment(make_view(recent=(bought,), owned={})).key == "browsing"


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


class TestContactedService:
    def test_within_two_days_before_all_that_was_bought(self):
        asked = make_signal(SignalKind.CONTACTED, None, ago=30 * HOUR)
        bought = make_signal(SignalKind.PURCHASED, "vase", ago=HOUR)
        assert moment(make_view(recent=(asked, bought))).key == "contacted_service"

    def test_not_after_two_days(self):
        asked = make_signal(SignalKind.CONTACTED, None, ago=2 * DAY + HOUR)
        assert moment(make_view(recent=(asked,))).key == "browsing"


class TestBirthday:
    @pytest.mark.parametrize(
        "told", ["1958-03-02", "03-02", "--03-02", "1958-03-02T00:00:00Z", "1958-03-05", "2001-03-01"]
    )
    def test_from_three_days_before_to_the_day_after(self, told):  # NOW is 2 March
        assert moment(make_view(traits={"birthday": told}, recent=(viewed(DAY),))).key == "birthday"

    @pytest.mark.parametrize(
        "told", ["1958-03-06", "1958-02-28", "1958-13-02", "02-30", "soon", 19580302, None]
    )
    def test_not_on_other_days_nor_for_what_is_no_day(self, told):
        assert moment(make_view(traits={"birthday": told}, recent=(viewed(DAY),))).key == "browsing"

    def test_on_29_february_is_on_the_28th_in_other_years(self):
        view = make_view(traits={"birthday": "2000-02-29"}, recent=(viewed(10 * DAY),))
        assert detect(view, NOW - 2 * DAY).key == "birthday"  # 28 February 2026

    def test_around_the_turn_of_the_year(self):
        view = make_view(traits={"birthday": "1970-01-01"}, recent=())
        assert detect(view, NOW.replace(month=12, day=30)).key == "birthday"


class TestAnniversary:
    @pytest.mark.parametrize(
        ("days", "key"),
        [
            (365, "anniversary"),
            (363, "anniversary"),
            (733, "anniversary"),
            (360, "browsing"),
            (3, "browsing"),
        ],
    )
    def test_whole_years_with_us_give_or_take_three_days(self, days, key):
        assert moment(make_view(first_seen_at=NOW - days * DAY, recent=(viewed(DAY),))).key == key


def test_choosing_for_somebody_else_comes_before_all_others():
    bought = make_signal(SignalKind.PURCHASED, "vase", ago=HOUR)
    assert moment(make_view(for_another=True, recent=(bought,))).key == "gift"
    assert moment(replace(make_stranger(), for_another=True)).key == "gift"
