"""Experiences: asked for, and taken apart for the schema's fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hub.catalogue.model import Claim, Content, Offer
from hub.channels.markup import slot_markup
from hub.channels.model import Experience, Slot, Suggestion
from hub.consent.recipient import Recipient
from hub.decisions.choices import MOST_QUESTIONS, Choice, between, parse_choice
from hub.decisions.model import Channel, MixRequest, RankedItem, Removed
from hub.errors import InvalidInput
from hub.kit.leaving import Departure
from hub.kit.pages import Page
from hub.offers.model import Grant
from hub.profiles.model import CustomerRef
from resolvers import access, layers
from resolvers.context import Context
from resolvers.globalids import to_global
from resolvers.pages import check_first, page


@dataclass(frozen=True, slots=True)
class Speaking:
    """How the brand speaks, and what it may claim."""

    voice: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class MadeOffer:
    """An offer as it is made, and its issue to the customer."""

    offer: Offer
    grant: Grant | None


async def experience(
    context: Context,
    ref: CustomerRef,
    *,
    channel: Channel,
    scenario: str,
    mix: MixRequest | None,
    preview: bool,
    recipient: Recipient | None = None,
    budget: tuple[Decimal | None, Decimal | None] = (None, None),
    answers: Sequence[str] = (),
) -> Experience:
    """Return one decision, presented on one channel.

    Raises:
        Forbidden: if the caller may not ask for that customer or channel.
        InvalidInput: if the mix, the recipient or an answer is impossible.
        NotFound: if there is no such scenario.
    """
    asked = repr((ref, channel, scenario, mix, preview, recipient, budget, tuple(answers)))
    made: Experience | None = context.leaving.made(asked)
    if made is not None:  # the answer is completed anew
        return made
    who = await access.experience_for(context, ref, channel, keep=not preview)
    return await context.services.experiences.assemble(
        who,
        channel=channel,
        scenario=scenario,
        mix=mix or MixRequest(),
        preview=preview,
        at=context.at,
        gpc=context.gpc,
        recipient=recipient,
        chosen=_chosen(budget, answers),
        profiles=context,
        leaving=Departure(context.leaving, asked),
    )


def _chosen(budget: tuple[Decimal | None, Decimal | None], answers: Sequence[str]) -> tuple[Choice, ...]:
    if len(answers) > MOST_QUESTIONS:
        raise InvalidInput(
            f"a guided choice has at most {MOST_QUESTIONS} answers",
            path=("answers", MOST_QUESTIONS),
            code="TOO_MANY_ANSWERS",
        )
    given = tuple(parse_choice(answer, ("answers", at)) for at, answer in enumerate(answers))
    least, most = budget
    if least is None and most is None:
        return given
    if (least or 0) < 0 or (most is not None and most < (least or 0)):
        raise InvalidInput(
            "the most is no less than the least, and neither is below 0",
            path=("recipient", "mostPrice"),
            code="INVALID_BUDGET",
        )
    return (between(least, most, beforehand=True), *given)


def served_id(experience: Experience) -> str | None:
    """Return the global id of the ledger's row."""
    return None if experience.served_id is None else to_global("Served", experience.served_id)


def mix(context: Context, experience: Experience) -> list[layers.PlayedLayer]:
    """Return the mix as it was played."""
    return layers.played(context, experience.decision.mix)


def brand(experience: Experience) -> Speaking:
    """Return how the brand speaks in an experience."""
    return Speaking(experience.decision.voice, experience.decision.claims)


def offers(experience: Experience) -> list[MadeOffer]:
    """Return the offers that are made."""
    decision = experience.decision
    return [MadeOffer(offer, decision.grant_of(offer)) for offer in decision.offers]


def ranking(experience: Experience, first: int) -> tuple[RankedItem, ...]:
    """Return the first items of the ranking, explained.

    Raises:
        InvalidInput: if `first` is out of range.
    """
    return experience.decision.ranking.first(check_first(first))


def suppressed(experience: Experience, first: int, after: str | None) -> Page[Removed]:
    """Return a page of what the gates removed.

    Raises:
        InvalidInput: if `first` or `after` is impossible.
    """
    return page(experience.decision.removed, first, after)


def slot_items(slot: Slot, first: int) -> tuple[RankedItem, ...]:
    """Return the first items of a slot.

    Raises:
        InvalidInput: if `first` is out of range.
    """
    return slot.items[: check_first(first)]


def markup(context: Context, slot: Slot) -> str:
    """Return a slot as JSON-LD."""
    services = context.services
    return slot_markup(slot, services.catalogue.snapshot.facts, services.settings.base_url)


def suggested_content(suggestion: Suggestion) -> Content | None:
    """Return what a suggestion is about."""
    return None if suggestion.item is None else suggestion.item.content
