"""Instants and deeds in the words a person would use."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.layers.words import day, leaf_words, quoted, when
from tests.builders import NOW


@pytest.mark.parametrize(
    ("then", "told"),
    [
        (NOW, "just now"),
        (NOW - timedelta(minutes=29), "just now"),
        (NOW - timedelta(hours=2), "earlier today"),
        (NOW - timedelta(hours=11), "yesterday"),
        (NOW - timedelta(days=2), "on Saturday"),
        (NOW - timedelta(days=6), "on Tuesday"),
        (NOW - timedelta(days=7), "last week"),
        (NOW - timedelta(days=14), "in February"),
        (NOW - timedelta(days=70), "in December"),
        (NOW - timedelta(days=400), "in January 2025"),
    ],
)
def test_when(then, told):
    assert when(then, NOW) == told


def test_a_night_is_not_today():
    at = datetime(2026, 3, 2, 0, 45, tzinfo=UTC)
    assert when(at - timedelta(minutes=20), at) == "just now"
    assert when(at - timedelta(minutes=50), at) == "yesterday"


def test_a_day_has_its_year_where_it_is_another():
    assert day(NOW, NOW) == "2 March"
    assert day(NOW + timedelta(days=400), NOW) == "6 April 2027"


def test_titles_and_categories():
    assert quoted("  Pruning roses ") == "'Pruning roses'"
    assert leaf_words("garden/Rose-bushes") == "rose bushes"
    assert leaf_words("coffee") == "coffee"
    assert leaf_words("") == ""
