"""Choices: what somebody answered in a guided choice, as a text that says all of it.

    category:kitchen|garden   of one of these, or below them      category:!kitchen   of none of these
    price:10-40               from 10 to 40, both included        price:80-           80 or more
    tag:birds                 with this tag                       tag:!birds          without it
    tag:birds:any             does not mind; `category:any` and `price:any` likewise

The text is the answer's key: a front-end sends back what the question gave it, the hub keeps nothing in
between, and anybody can read in a ledger row what was asked for.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from hub.catalogue.model import Content
from hub.errors import InvalidInput

ANY = "any"
MOST_QUESTIONS = 5  # of a guided choice; who is asked more goes away
MOST_VALUES = 20
LONGEST = 1_000
_DEAREST = Decimal(10) ** 12


class Attribute(StrEnum):
    """What a question is about."""

    CATEGORY = "category"
    PRICE = "price"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer. `values` are categories or a tag; `least` and `most` the bounds of a price."""

    attribute: Attribute
    values: tuple[str, ...] = ()
    refused: bool = False  # none of the values
    indifferent: bool = False  # does not mind
    least: Decimal | None = None
    most: Decimal | None = None
    beforehand: bool = False  # told with the wish itself, such as a budget, and no answer to a question

    @property
    def key(self) -> str:
        """The answer as a text, which `parse_choice` reads."""
        if self.attribute is Attribute.PRICE:
            told = ANY if self.indifferent else f"{_plain(self.least)}-{_plain(self.most)}"
        elif self.indifferent:
            told = f"{self.values[0]}:{ANY}" if self.values else ANY
        else:
            told = ("!" if self.refused else "") + "|".join(self.values)
        return f"{self.attribute.value}:{told}"

    def fits(self, content: Content) -> bool:
        """Tell whether a content is what was asked for; what has no price fits no price."""
        if self.indifferent:
            return True
        match self.attribute:
            case Attribute.CATEGORY:
                named = any(
                    content.category == each or content.category.startswith(f"{each}/")
                    for each in self.values
                )
                return named != self.refused
            case Attribute.TAG:
                return bool(set(self.values) & set(content.tags)) != self.refused
            case Attribute.PRICE:
                if content.price is None:
                    return False
                amount = content.price.amount
                return (self.least is None or amount >= self.least) and (
                    self.most is None or amount <= self.most
                )


def between(least: Decimal | None, most: Decimal | None, *, beforehand: bool = False) -> Choice:
    """Return the choice of a price: what costs from `least` to `most`, both included."""
    return Choice(Attribute.PRICE, least=least, most=most, beforehand=beforehand)


def parse_choice(told: str, path: tuple[str | int, ...] = ()) -> Choice:
    """Return an answer that was given.

    Raises:
        InvalidInput: UNKNOWN_ANSWER.
    """
    name, found, rest = told.partition(":")
    fault = InvalidInput(
        "an answer is the key of one of the question's options, such as category:kitchen or price:10-40",
        path=path,
        code="UNKNOWN_ANSWER",
    )
    if not found or not rest or name not in set(Attribute) or len(told) > LONGEST:
        raise fault
    attribute = Attribute(name)
    if rest == ANY:
        return Choice(attribute, indifferent=True)
    if attribute is Attribute.PRICE:
        low, dash, high = rest.partition("-")
        try:
            least, most = _amount(low), _amount(high)
        except (InvalidOperation, ValueError):
            raise fault from None
        if not dash or least is most is None or (least is not None and most is not None and least > most):
            raise fault
        return between(least, most)
    if attribute is Attribute.TAG and rest.endswith(f":{ANY}"):
        return Choice(attribute, (rest.removesuffix(f":{ANY}"),), indifferent=True)
    values = tuple(dict.fromkeys(rest.removeprefix("!").split("|")))
    if not all(values) or len(values) > MOST_VALUES:
        raise fault
    return Choice(attribute, values, refused=rest.startswith("!"))


def _amount(told: str) -> Decimal | None:
    if not told:
        return None
    amount = Decimal(told)
    if not amount.is_finite() or not 0 <= amount <= _DEAREST:
        raise ValueError(told)
    return amount


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"
