"""Brand facts by reference: text names a claim or a price by its key, and never holds a copy of it.

    {{claim:returns-60}}       the words of a claim of the brand that speaks
    {{price}}                  the content's own price
    {{price:oak-table}}        the price of another content

The store keeps the references. They are resolved where a snapshot is built, which is what every
channel presents from: a claim reworded or a price changed is on every channel at the next decision,
and nothing has to be looked for and edited.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

from hub.catalogue.model import Answer, BrandFacts, Content
from hub.kit.money import Money

REFERENCE = re.compile(r"\{\{\s*([a-z_]+)\s*(?::\s*([^{}\s]+)\s*)?\}\}")
SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥"}
WITHOUT_MINOR_UNITS = frozenset({"JPY", "KRW", "CLP", "ISK", "VND"})

Prices = Callable[[str], Money | None]


def price_words(money: Money) -> str:
    """Return `£12.50`, or `12.50 SEK` for a currency without a sign of its own."""
    step = Decimal(1) if money.currency in WITHOUT_MINOR_UNITS else Decimal("0.01")
    amount = f"{money.amount.quantize(step, ROUND_HALF_EVEN):,}"
    sign = SIGNS.get(money.currency)
    return f"{sign}{amount}" if sign else f"{amount} {money.currency}"


def claims_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of the claims that texts refer to, each once."""
    referring = (text for text in texts if "{{" in text)
    found = (m.group(2) for text in referring for m in REFERENCE.finditer(text) if m.group(1) == "claim")
    return tuple(dict.fromkeys(key for key in found if key))


def without_references(text: str) -> str:
    """Return a text with its references left out: the words that are its own."""
    return REFERENCE.sub("", text) if "{{" in text else text


class Unresolved(ValueError):
    """A text refers to what there is not; the message names the reference."""


def resolved(text: str, brand: BrandFacts, own: Money | None, prices: Prices) -> str:
    """Return a text with its references replaced by what they stand for.

    Args:
        text: the text.
        brand: whose claims it refers to.
        own: the price of the content that the text belongs to.
        prices: the price of a content by its key.

    Raises:
        Unresolved: if a reference is misspelt, or there is no such claim or price.
    """
    if "{{" not in text:
        return text
    claims = {claim.key: claim.text for claim in brand.claims}

    def stands_for(found: re.Match[str]) -> str:
        what, key = found.group(1), found.group(2)
        if what == "claim" and key in claims:
            return claims[key]
        money = prices(key) if key else own
        if what == "price" and money is not None:
            return price_words(money)
        raise Unresolved(f"{found.group()} refers to nothing that the brand {brand.key!r} has")

    made = REFERENCE.sub(stands_for, text)
    if "{{" in made:
        raise Unresolved("a reference is {{claim:KEY}}, {{price}} or {{price:CONTENT}}")
    return made


def resolved_content(content: Content, brand: BrandFacts, prices: Prices) -> Content:
    """Return a content in the words it is shown with.

    Raises:
        Unresolved: see `resolved`.
    """
    texts = (content.title, content.summary, content.text)
    if not any("{{" in text for text in texts):
        return content
    title, summary, text = (resolved(each, brand, content.price, prices) for each in texts)
    claims = tuple(dict.fromkeys((*content.claims, *claims_in(texts))))
    return replace(content, title=title, summary=summary, text=text, claims=claims)


def resolved_answer(answer: Answer, brand: BrandFacts, prices: Prices) -> Answer:
    """Return an answer in the words it is said with.

    Raises:
        Unresolved: see `resolved`.
    """
    texts = (answer.title, answer.text)
    if not any("{{" in text for text in texts):
        return answer
    title, text = (resolved(each, brand, None, prices) for each in texts)
    claims = tuple(dict.fromkeys((*answer.claims, *claims_in(texts))))
    return replace(answer, title=title, text=text, claims=claims)


def prices_of(contents: Mapping[str, Content]) -> Prices:
    """Return the way to look up a price among contents."""

    def price(key: str) -> Money | None:
        content = contents.get(key)
        return None if content is None else content.price

    return price
