"""Catalogue entries as they come from outside: validated, then made into the model's dataclasses.

The fields are the model's own names, so that a line of JSON needs no mapping:

    {"key": "rose-1", "kind": "PRODUCT", "title": "Climbing rose", "price": {"amount": "12.90", "currency": "GBP"},
     "need": {"pattern": "DURABLE", "days": 3650}}
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from hub.catalogue.model import (
    Answer,
    Availability,
    BrandFacts,
    Claim,
    Content,
    ContentKind,
    Need,
    NeedPattern,
    Offer,
)
from hub.errors import InvalidInput
from hub.kit.clock import to_milliseconds
from hub.kit.money import Money, parse_amount

Entry = Content | Answer | BrandFacts | Offer


def _as_text(value: Any) -> Any:
    """Item codes are often read as numbers; 22423.0 means the code 22423."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _address(value: str) -> str:
    if not value.startswith(("https://", "http://", "/")) or any(char.isspace() for char in value):
        raise ValueError("not a web address: it begins with https://, http:// or /")
    return value


Key = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f](.*[^\s\x00-\x1f])?$"),
]
Title = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")]
Short = Annotated[str, Field(max_length=2_000)]
Long = Annotated[str, Field(max_length=50_000)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], Field(max_length=100)]
Category = Annotated[str, Field(max_length=300, pattern=r"^([^/]+(/[^/]+)*)?$")]
Address = Annotated[str, Field(max_length=2_000), AfterValidator(_address)]
Amount = Annotated[Decimal, BeforeValidator(parse_amount), Field(ge=0, lt=Decimal(10) ** 12)]
Count = Annotated[int, Field(ge=0, lt=10**9)]
Instant = Annotated[AwareDatetime, AfterValidator(to_milliseconds)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MoneyRow(_Row):
    """An amount with its currency."""

    amount: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

    def made(self) -> Money:
        return Money(self.amount, self.currency)


class NeedRow(_Row):
    """A need pattern with its length in days."""

    pattern: NeedPattern
    days: float | None = None


class ContentRow(_Row):
    """One content."""

    key: Key
    kind: ContentKind
    title: Title
    summary: Short = ""
    text: Long = ""
    brand: Annotated[str, Field(max_length=200)] = ""
    category: Category = ""
    tags: Words = ()
    url: Address | None = None
    image_url: Address | None = None
    price: MoneyRow | None = None
    availability: Availability = Availability.IN_STOCK
    need: NeedRow | None = None
    goes_with: Words = ()
    claims: Words = ()
    editorial: Annotated[float, Field(ge=-1, le=1)] = 0.0
    published_at: Instant | None = None

    def made(self) -> Content:
        plain = {name: getattr(self, name) for name in type(self).model_fields}
        plain["price"] = self.price.made() if self.price else None
        if self.need is None:
            del plain["need"]  # nothing is stated: purchases may teach it
        else:
            plain["need"] = Need(self.need.pattern, self.need.days)
        return Content(**plain)


class AnswerRow(_Row):
    """One answer."""

    key: Key
    title: Title
    text: Annotated[str, Field(min_length=1, max_length=50_000)]
    questions: Annotated[tuple[Title, ...], Field(max_length=100)] = ()
    claims: Words = ()
    brand: Annotated[str, Field(max_length=200)] = ""
    locale: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    approved: bool = True
    approved_by: Annotated[str, Field(max_length=200)] = ""
    valid_from: Instant | None = None
    valid_until: Instant | None = None

    def made(self) -> Answer:
        _check_span(self.valid_from, self.valid_until)
        return Answer(**{name: getattr(self, name) for name in type(self).model_fields})


class ClaimRow(_Row):
    """One claim."""

    key: Key
    text: Annotated[str, Field(min_length=1, max_length=2_000)]


class BrandFactsRow(_Row):
    """One brand's facts."""

    key: Key
    name: Title
    voice: Short
    claims: Annotated[tuple[ClaimRow, ...], Field(max_length=1_000)] = ()
    forbidden: Annotated[tuple[Word, ...], Field(max_length=1_000)] = ()
    guarded: Annotated[tuple[Word, ...], Field(max_length=1_000)] = ()
    sender_name: Annotated[str, Field(max_length=200)] = ""
    sender_email: Annotated[str, Field(max_length=320, pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    postal_address: Short = ""
    website: Annotated[str, Field(max_length=2_000)] = ""
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#1f3a5f"
    house: bool = False

    def made(self) -> BrandFacts:
        plain = {name: getattr(self, name) for name in type(self).model_fields}
        plain["claims"] = tuple(Claim(claim.key, claim.text) for claim in self.claims)
        return BrandFacts(**plain)


class OfferRow(_Row):
    """One offer's definition."""

    key: Key
    title: Title
    terms: Annotated[str, Field(min_length=1, max_length=5_000)]
    brand: Annotated[str, Field(max_length=200)] = ""
    percent_off: Annotated[Decimal, BeforeValidator(parse_amount), Field(gt=0, le=100)] | None = None
    amount_off: MoneyRow | None = None
    categories: Words = ()
    audience: Annotated[dict[Word, Annotated[str, Field(max_length=500)]], Field(max_length=20)] = {}
    moments: Words = ()
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    value: MoneyRow | None = None
    budget: MoneyRow | None = None
    most_grants: Count | None = None
    per_person: Count | None = None
    per_household: Count | None = None
    lasts_days: Annotated[float, Field(gt=0, lt=36_525)] | None = None
    exclusive: bool = False
    stack_group: Annotated[str, Field(max_length=200)] = ""

    def made(self) -> Offer:
        _check_span(self.valid_from, self.valid_until)
        if self.percent_off is not None and self.amount_off is not None:
            raise ValueError("an offer takes off a percentage or an amount, not both")
        plain = {name: getattr(self, name) for name in type(self).model_fields}
        for name in ("amount_off", "value", "budget"):
            row = plain[name]
            plain[name] = row.made() if row else None
        offer = Offer(**plain)
        if offer.budget is not None and (
            offer.worth is None or offer.worth.currency != offer.budget.currency
        ):
            raise ValueError("a budget needs a value (or amount_off) of one grant in the same currency")
        return offer


def _check_span(begin: datetime | None, end: datetime | None) -> None:
    if begin is not None and end is not None and end <= begin:
        raise ValueError("valid_until does not lie behind valid_from")


_ROWS: Mapping[str, type[ContentRow | AnswerRow | BrandFactsRow | OfferRow]] = {
    "contents": ContentRow,
    "answers": AnswerRow,
    "brand_facts": BrandFactsRow,
    "offers": OfferRow,
}


def parse_entry(what: str, row: Mapping[str, Any]) -> Entry:
    """Make a catalogue entry of a row from outside.

    Args:
        what: `contents`, `answers`, `brand_facts` or `offers`.
        row: fields by the model's names; a `version` is ignored, since the store counts versions.

    Raises:
        InvalidInput: says which field is wrong and why; `path` points at it.
    """
    given = {name: value for name, value in row.items() if name != "version"}
    try:
        return _ROWS[what].model_validate(given).made()
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{_spell(first['loc'])}: {_plainly(first)}", path=tuple(first["loc"])) from None
    except ValueError as error:
        raise InvalidInput(str(error)) from None


def parser_of(what: str) -> Callable[[Mapping[str, Any]], Entry]:
    """Return `parse_entry` for one sort of entries."""
    return lambda row: parse_entry(what, row)


def _spell(path: tuple[str | int, ...]) -> str:
    return ".".join(str(step) for step in path)


def _plainly(error: Any) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    message: str = error["msg"].removeprefix("Value error, ")
    return message
