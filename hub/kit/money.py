"""Amounts of money: exact decimals with a currency, never floats."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency (ISO 4217, three capitals)."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not self.amount.is_finite():
            raise ValueError("an amount of money must be a finite decimal")
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency code such as 'EUR'")

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def parse_amount(text: str | float) -> Decimal:
    """Return the decimal that `text` spells; floats go through their shortest spelling.

    Raises:
        ValueError: if it is no finite number.
    """
    try:
        amount = Decimal(str(text).strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not amount.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return amount
