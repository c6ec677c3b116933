"""Amounts that texts state: which of them is not the price of what the text is of."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from hub.catalogue.references import SIGNS, without_references
from hub.kit.money import Money

VOUCHER = re.compile(
    r"\bvouchers?\b|\bgift (cards?|certificates?)\b|gutschein|geschenkkarte|\b(ch[eè]que|carte|bon)s?[ -]cadeaux?\b",
    re.IGNORECASE,
)


def disagreeing(texts: Mapping[str, str], price: Money) -> Iterator[tuple[str, str]]:
    """Yield the name of each text that states another amount than `price` in its currency, and that amount.

    In the title of a voucher an amount is what it is worth, which is not its price where that is kept without tax.
    """
    for name, text in texts.items():
        stated = other_amount(without_references(text), price)
        if stated is not None and not (name == "title" and VOUCHER.search(text)):
            yield name, stated


def other_amount(text: str, price: Money) -> str | None:
    """Return the first amount in the currency of `price` that a text states and that is not this price."""
    written = SIGNS.get(price.currency, price.currency)
    if written not in text and price.currency not in text:
        return None
    sign = re.escape(written)
    number = r"(\d[\d,]*(?:\.\d{1,2})?)"
    for found in re.finditer(
        rf"(?:{sign}|\b{price.currency})\s?{number}|{number}\s?{price.currency}\b", text
    ):
        try:
            amount = Decimal((found.group(1) or found.group(2)).replace(",", ""))
        except InvalidOperation:
            continue
        if amount != price.amount:
            return found.group()
    return None
