"""What a brand can show and say: content, answers, brand facts, offers.

All are frozen; a change is a new version under the same key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from hub.kit.money import Money

REFERENCE = re.compile(r"\{\{[^{}]*\}\}")  # to a brand fact, see `hub.catalogue.references`


class ContentKind(StrEnum):
    """What a piece of content is."""

    PRODUCT = "PRODUCT"
    ARTICLE = "ARTICLE"
    STORY = "STORY"
    GUIDE = "GUIDE"


class Availability(StrEnum):
    """Whether a product can be had now; articles are always IN_STOCK."""

    IN_STOCK = "IN_STOCK"
    LOW_STOCK = "LOW_STOCK"
    PREORDER = "PREORDER"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    DISCONTINUED = "DISCONTINUED"


class NeedPattern(StrEnum):
    """What a purchase does to the demand for its like."""

    ONCE = "ONCE"  # one in a lifetime of the need: its category is closed
    DURABLE = "DURABLE"  # lasts `days`: its category is closed until then
    REPLENISHABLE = "REPLENISHABLE"  # runs out after `days`: the item comes back when it does
    CONSUMABLE = "CONSUMABLE"  # used up at no rhythm: never closed
    COLLECTIBLE = "COLLECTIBLE"  # one of each: the item is closed, its category is wanted more


class NeedOrigin(StrEnum):
    """Who says what a purchase does to the demand."""

    DECLARED = "DECLARED"  # the catalogue
    UNSTATED = "UNSTATED"  # nobody: used up at no rhythm, until purchases teach otherwise
    LEARNED = "LEARNED"  # purchases: see hub.catalogue.intervals
    ASSUMED = "ASSUMED"  # declared without an interval, and too few purchases to learn one


@dataclass(frozen=True, slots=True)
class Need:
    """A need pattern with its length: life of a durable, interval of a replenishable, in days.

    A replenishable may be declared without its interval, which is then learned; a snapshot always has one.
    """

    pattern: NeedPattern = NeedPattern.CONSUMABLE
    days: float | None = None
    origin: NeedOrigin = NeedOrigin.DECLARED

    def __post_init__(self) -> None:
        timed = self.pattern in {NeedPattern.DURABLE, NeedPattern.REPLENISHABLE}
        if self.days is None and self.pattern is NeedPattern.DURABLE:
            raise ValueError("a DURABLE need has a length in days, above 0 and under a century")
        if timed and self.days is not None and not 0 < self.days < 36_525:
            raise ValueError(f"a {self.pattern} need has a length in days, above 0 and under a century")
        if not timed and self.days is not None:
            raise ValueError(f"a {self.pattern} need has no length in days")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Anything that can be shown: product, article, story or guide."""

    key: str
    kind: ContentKind
    title: str
    summary: str = ""
    text: str = ""
    brand: str = ""  # key of its BrandFacts
    category: str = ""  # a path: "garden/roses"
    tags: tuple[str, ...] = ()
    url: str | None = None
    image_url: str | None = None
    price: Money | None = None
    availability: Availability = Availability.IN_STOCK
    need: Need = Need(origin=NeedOrigin.UNSTATED)
    goes_with: tuple[str, ...] = ()  # categories that complement it after purchase
    claims: tuple[str, ...] = ()  # keys of the brand claims it relies on
    editorial: float = 0.0  # a merchandiser's push, -1 to 1
    published_at: datetime | None = None
    version: int = 1

    @property
    def embedding_text(self) -> str:
        """What the encoder reads: title first, since the model weighs early words."""
        parts = (self.title, self.summary, self.category.replace("/", ", "), ", ".join(self.tags))
        read = ". ".join(part for part in parts if part)
        return REFERENCE.sub("", read) if "{{" in read else read


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A brand-approved, versioned reply to a question."""

    key: str
    title: str
    text: str
    questions: tuple[str, ...] = ()  # ways in which customers ask it
    claims: tuple[str, ...] = ()
    brand: str = ""
    locale: str = "en"
    approved: bool = True
    approved_by: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    version: int = 1

    def holds_at(self, at: datetime) -> bool:
        """Tell whether the answer is approved and valid at an instant."""
        begun = self.valid_from is None or self.valid_from <= at
        return self.approved and begun and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that the brand can prove and that every channel may say."""

    key: str
    text: str
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandFacts:
    """The single source of claims, voice and forbidden words that every channel draws on."""

    key: str
    name: str
    voice: str
    claims: tuple[Claim, ...] = ()
    forbidden: tuple[str, ...] = ()  # words that no channel says, matched whole, any case
    guarded: tuple[str, ...] = ()  # words that claim something: said only with a claim that says them
    sender_name: str = ""
    sender_email: str = ""
    postal_address: str = ""
    website: str = ""
    colour: str = "#1f3a5f"
    house: bool = False  # speaks where no other brand is named
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An incentive's definition. Its issue to one customer is a grant, which keeps it as it was promised.

    Budget and caps bound what may be issued, see `hub.offers`. What came back (reversed or expired) is
    in the budget again; caps count whatever was ever issued.
    """

    key: str
    title: str
    terms: str
    brand: str = ""
    percent_off: Decimal | None = None
    amount_off: Money | None = None
    categories: tuple[str, ...] = ()  # empty: everything
    audience: Mapping[str, str] = field(default_factory=dict)  # traits that must match; empty: everyone
    moments: tuple[str, ...] = ()  # keys of moments in which it is made; empty: any
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    value: Money | None = None  # what one grant is reckoned at; default: `amount_off`
    budget: Money | None = None  # the most that grants may come to together; None: without end
    most_grants: int | None = None  # how many may be issued in all
    per_person: int | None = None  # over all channels and identities
    per_household: int | None = None  # customers with the same trait `household_id`
    lasts_days: float | None = None  # how long a grant holds, at most to `valid_until`
    exclusive: bool = False  # is redeemed with no other offer in one order
    stack_group: str = ""  # of the offers of one group at most one is redeemed in an order
    version: int = 1

    @property
    def worth(self) -> Money | None:
        """What one grant is reckoned at in the books; None: it is counted, not reckoned."""
        return self.value or self.amount_off

    @property
    def limited(self) -> bool:
        """Tell whether anything bounds how often it may be issued."""
        limits = (self.budget, self.most_grants, self.per_person, self.per_household)
        return any(limit is not None for limit in limits)

    def holds_at(self, at: datetime) -> bool:
        """Tell whether the offer can be made at an instant."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A group of customers, defined by a rule, see `hub.profiles.segment_rules`; nobody is put in by hand.

    `title` stands in sentences behind "Chosen for", as in "gold customers".
    """

    key: str
    title: str
    rule: Mapping[str, Any]
    favours: tuple[str, ...] = ()  # categories that its members shall see more of
    version: int = 1
