"""Small things said in words, the same on every channel: prices, days, lists."""

from collections.abc import Sequence
from datetime import datetime

from hub.catalogue.references import price_words
from hub.kit.money import Money

DAYS_OF_A_WEEK = 7
DAYS_OF_A_YEAR = 300  # beyond this a date needs its year


def price(money: Money) -> str:
    """Return `£12.50`, or `12.50 SEK` for a currency without a sign of its own."""
    return price_words(money)


def day(instant: datetime, now: datetime) -> str:
    """Return how one would say the day of `instant` at `now`: today, yesterday, Tuesday, 3 March, 3 March 2019."""
    days = (now.date() - instant.date()).days
    if days == 0:
        return "today"
    if days == 1:
        return "yesterday"
    if 1 < days < DAYS_OF_A_WEEK:
        return f"on {instant:%A}"
    if abs(days) < DAYS_OF_A_YEAR:
        return f"on {instant.day} {instant:%B}"
    return f"on {instant.day} {instant:%B %Y}"


def full_day(instant: datetime) -> str:
    """Return a day that is read later than it is written: 3 March 2026."""
    return f"{instant.day} {instant:%B %Y}"


def listed(words: Sequence[str], *, most: int = 3) -> str:
    """Return `a, b and c`, at most so many of them."""
    shown = list(words[:most])
    if len(shown) <= 1:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return `1 order`, `3 orders`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def shortened(text: str, most: int) -> str:
    """Return `text` cut at a word so that it has at most `most` characters, with an ellipsis if it was cut."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    at = cut.rfind(" ")
    return (cut[:at] if at > most // 2 else cut).rstrip(" ,;:.-") + "…"
