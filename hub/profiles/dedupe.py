"""`tutti dedupe`: customers who are alike become reviews, never merges."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.kit.clock import Clock
from hub.profiles.matching import FIELDS, match
from hub.profiles.merge_model import Proof, Review, ReviewKind, ReviewState
from hub.profiles.merge_repository import review_id
from hub.profiles.service import ProfileService

METHOD = "fellegi-sunter"
# What traits may be called that say a field of `hub.profiles.matching`; the first that is there counts.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "given": ("first_name", "given_name", "firstname"),
    "family": ("last_name", "surname", "family_name", "lastname"),
    "born": ("birthday", "date_of_birth", "birth_date"),
    "street_number": ("street_number", "house_number"),
    "street": ("street", "address_1", "address_line1", "address_street"),
    "place": ("city", "suburb", "town", "address_city"),
    "postcode": ("postal_code", "postcode", "zip", "zip_code", "address_postal_code"),
    "state": ("state", "region", "address_state"),
    "email": ("email",),
    "phone": ("phone",),
}


OPENED_TOGETHER = 500  # reviews between two words on progress
Progress = Callable[[str, int, int], None]


def _silent(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two customers who may be one: their profiles' ids, how likely, and why in words."""

    customers: tuple[str, str]
    score: float
    text: str


@dataclass(frozen=True, slots=True)
class DedupeReport:
    """What a run looked at, what it found (the likeliest first) and how many new reviews it opened."""

    customers: int
    compared: int
    proposals: tuple[Proposal, ...]
    opened: int


class DedupeService:
    """Proposes customers who are alike."""

    def __init__(self, profiles: ProfileService, clock: Clock) -> None:
        self._repository = profiles.repository
        self._clock = clock

    async def propose(
        self, *, least: float, dry_run: bool = False, progress: Progress = _silent
    ) -> DedupeReport:
        """Compare all customers of whom something is told, and open a review for each likely pair.

        Running it again opens none that was opened before, decided or not.

        Args:
            least: the probability in [0, 1] from which on a pair is proposed.
            dry_run: open no review.
            progress: told what is being done, how much of it is done, and of how much; also from another thread.

        Raises:
            NotAvailable: the extra `dedupe` is not installed.
            Unavailable: the store does not answer.
        """
        spellings = {spelling for many in SPELLINGS.values() for spelling in many}
        told = await self._repository.told_traits({*spellings, "name", "address"})
        records = [(one, record) for one in told if len(record := record_of(one.traits)) > 1]
        progress("customers read", len(told), len(told))
        matches = await asyncio.to_thread(
            match,
            [record for _, record in records],
            least=least,
            progress=lambda done, of: progress("pairs compared", done, of),
        )
        proposals, opened = [], 0
        for number, found in enumerate(matches.found):
            if number % OPENED_TOGETHER == 0 and not dry_run:
                progress("reviews opened", number, len(matches.found))
            (one, a), (other, b) = records[found.one], records[found.other]
            alike = ", ".join(
                field.replace("_", " ") for field in FIELDS if a.get(field) and a.get(field) == b.get(field)
            )
            proposal = Proposal(
                (one.profile_id, other.profile_id), found.score, f"the same {alike or 'in sound'}"
            )
            proposals.append(proposal)
            if not dry_run:
                opened += await self._open(proposal, (one.facet_id, other.facet_id))
        return DedupeReport(len(records), matches.compared, tuple(proposals), opened)

    async def _open(self, proposal: Proposal, facets: tuple[str, str]) -> bool:
        at = self._clock.now()
        return await self._repository.reviews.open(
            Review(
                id=review_id(ReviewKind.SIMILAR, facets),
                kind=ReviewKind.SIMILAR,
                state=ReviewState.OPEN,
                facets=facets,
                identity=None,
                evidence=(Proof(proposal.text, at, METHOD),),
                opened_at=at,
                score=round(proposal.score, 6),
            )
        )


def record_of(traits: Mapping[str, Any]) -> dict[str, str]:
    """Return what traits tell of a person, by field.

    Segment's own places count too where nothing is said elsewhere: `address` with its parts, and a whole `name`,
    of which the last word is taken for the family's.
    """
    record = {}
    address = traits.get("address")
    if isinstance(address, dict):
        parts = {"city": "city", "postalCode": "postal_code", "street": "street", "state": "state"}
        traits = {f"address_{name}": address.get(part) for part, name in parts.items()} | dict(traits)
    for field, spellings in SPELLINGS.items():
        for spelling in spellings:
            value = traits.get(spelling)
            if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
                record[field] = str(value)
                break
    words = name.split() if isinstance(name := traits.get("name"), str) else []
    if len(words) > 1 and not record.keys() & {"given", "family"}:
        record |= {"given": " ".join(words[:-1]), "family": words[-1]}
    return record
