"""Choosing for somebody else, and being guided to a choice."""

from decimal import Decimal

import strawberry

from hub.consent import recipient as domain


@strawberry.input(
    description="Somebody for whom something is chosen. What is said here is used for this call and not kept in any "
    "profile; the giver's own tastes and belongings have no part in the choice."
)
class RecipientInput:
    words: str | None = strawberry.field(
        default=None,
        description="What they like and do not like, such as: tea and garden birds, not roses. Null: not said.",
    )
    like: list[str] | None = strawberry.field(
        default=None, description="Keys of contents that would suit them, at most 10; null: none."
    )
    least_price: Decimal | None = strawberry.field(
        default=None, description="What it shall cost at least; null: no matter."
    )
    most_price: Decimal | None = strawberry.field(
        default=None, description="What it may cost at most; null: no matter."
    )

    def recipient(self, *path: str) -> domain.Recipient:
        """Return it as the domain says it; `path` is where it stands in the arguments."""
        found = domain.Recipient(self.words or "", tuple(self.like or ()))
        found.check(path)
        return found

    @property
    def budget(self) -> tuple[Decimal | None, Decimal | None]:
        """What it shall cost at least and at most."""
        return self.least_price, self.most_price


@strawberry.type(description="One answer that can be given.")
class Option:
    key: str = strawberry.field(description="What to send back among `answers`.")
    label: str = strawberry.field(description="For people.")
    share: float = strawberry.field(
        description="Which share of what is left fits it, by likelihood; 1 for not minding."
    )


@strawberry.type(
    description="The next question of a guided choice: of all that could be asked, the one whose answer is expected "
    "to tell most."
)
class Question:
    key: str = strawberry.field(description="What it is about: category, price or tag.")
    text: str = strawberry.field(description="The question, for people.")
    options: list[Option] = strawberry.field(description="The answers that can be given.")
    bits: float = strawberry.field(description="How much its answer is expected to tell, in bits.")
    number: int = strawberry.field(description="Which question it is, from 1.")
    most: int = strawberry.field(description="How many are asked at most.")
    left: int = strawberry.field(description="Between how many things there is still to choose.")
