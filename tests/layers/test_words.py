"""Instants and deeds in the words a person would use."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.catalogue.model import ContentKind
from hub.layers.words import day, leaf_words, quoted, short_title, thing, when
from tests.builders import NOW, make_content


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


@pytest.mark.parametrize(
    ("title", "summary", "told"),
    [
        ("Oak seat with slow hinges", "Solid oak, oiled.", "oak seat"),
        ("Harbour House espresso, whole beans, 500 g", "", "Harbour House espresso"),
        ("Alba espresso machine with a wand", "A machine for small kitchens.", "'Alba espresso machine'"),
        ("Coffee (250 g)", "Dark coffee.", "coffee"),
        ("WHITE LUNCH BAG", "", "'WHITE LUNCH BAG'"),
        ("Rose 'Firstborn', pink", "", "\"Rose 'Firstborn'\""),
    ],
)
def test_a_product_is_called_what_a_person_would_call_it(title, summary, told):
    assert thing(make_content(title=title, summary=summary)) == told


def test_what_is_read_keeps_its_whole_title():
    story = make_content(title="Roses, and how to prune them", kind=ContentKind.STORY)
    assert short_title(story) == "Roses, and how to prune them"
