from datetime import timedelta
from decimal import Decimal

import pytest

from hub.channels.words import day, listed, plural, price, shortened
from hub.kit.money import Money
from tests.builders import NOW


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("12.5", "GBP", "£12.50"),
        ("1234.005", "EUR", "€1,234.00"),
        ("980", "JPY", "¥980"),
        ("12.5", "SEK", "12.50 SEK"),
    ],
)
def test_price(amount, currency, said):
    assert price(Money(Decimal(amount), currency)) == said


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(0), "today"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=6), "on Tuesday"),
        (timedelta(days=7), "on 23 February"),
        (timedelta(days=400), "on 26 January 2025"),
    ],
)
def test_day(ago, said):
    assert day(NOW - ago, NOW) == said


def test_lists_and_counts():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c", "d"]) == "a, b and c"
    assert plural(1, "order") == "1 order"
    assert plural(1200, "more item") == "1,200 more items"


def test_shortened_cuts_at_a_word_and_says_so():
    assert shortened("short  enough", 20) == "short enough"
    cut = shortened("a sentence that is rather too long", 20)
    assert cut == "a sentence that is…"
    assert len(shortened("x" * 50, 20)) == 20
