"""Customers like this one, as groups that nobody can be picked out of.

Groups are disjoint and each holds at least `SMALLEST_GROUP` other customers (k-anonymity; L. Sweeney,
2002). They are disjoint on purpose: from overlapping groups one could subtract, and a difference
of one is a person. Customers who refused analytics are in no group.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.errors import InvalidInput
from hub.kit.pages import Page, slice_page
from hub.profiles.model import InterestKind, Profile, Purpose
from hub.profiles.profile_codec import refusing
from hub.store.database import Store
from hub.store.faults import store_faults

SMALLEST_GROUP = 5
MOST_READ = 20_000  # profiles looked at; groups of a hub with more are told from that many
KINDS = (InterestKind.LONG_TERM, InterestKind.DECLARED)


@dataclass(frozen=True, slots=True)
class SimilarGroup:
    """So many other customers share these interests, and no further one, with the customer."""

    shared_interests: tuple[str, ...]
    count: int


class SimilarService:
    """Finds groups of customers with the same interests."""

    def __init__(self, store: Store) -> None:
        self._profiles = store.db["profiles"]

    async def similar(
        self, profile: Profile, *, first: int = 5, after: str | None = None
    ) -> Page[SimilarGroup]:
        """Return groups of other customers, those who share most first.

        Raises:
            InvalidInput: if `first` or `after` is impossible.
            Unavailable: if the store cannot answer.
        """
        labels = labels_of(profile)
        shared = await self._shared(profile.id, labels) if labels else {}
        try:
            return slice_page(groups(shared), first=first, after=after)
        except ValueError as error:
            raise InvalidInput(str(error), path=("first",)) from None

    async def _shared(self, profile_id: str, labels: Sequence[str]) -> Mapping[frozenset[str], int]:
        own = {
            "$filter": {
                "input": "$interests",
                "as": "interest",
                "cond": {"$in": ["$$interest.kind", [kind.value for kind in KINDS]]},
            }
        }
        pipeline: list[dict[str, Any]] = [
            {
                "$match": {
                    "interests.label": {"$in": list(labels)},
                    "_id": {"$ne": profile_id},
                    "$nor": [refusing(Purpose.ANALYTICS)],
                }
            },
            {"$limit": MOST_READ},
            {"$project": {"labels": {"$map": {"input": own, "as": "interest", "in": "$$interest.label"}}}},
            {"$project": {"shared": {"$setIntersection": ["$labels", list(labels)]}}},
            {"$group": {"_id": "$shared", "count": {"$sum": 1}}},
        ]
        shared: Counter[frozenset[str]] = Counter()
        with store_faults():
            async for row in await self._profiles.aggregate(pipeline):
                shared[frozenset(row["_id"])] += row["count"]
        return shared


def labels_of(profile: Profile) -> tuple[str, ...]:
    """Return the labels of a profile's lasting interests, strongest first, each once."""
    lasting = sorted((i for i in profile.interests if i.kind in KINDS), key=lambda i: -i.weight)
    return tuple(dict.fromkeys(interest.label for interest in lasting if interest.label))


def groups(shared: Mapping[frozenset[str], int]) -> list[SimilarGroup]:
    """Return disjoint groups of at least `SMALLEST_GROUP`, out of counts by what exactly is shared.

    A set that too few share is told with one interest less (the one that fewest share), together
    with those who share just that; whoever stays too few at one interest is not told at all.
    """
    frequency = Counter[str]()
    for labels, count in shared.items():
        for label in labels:
            frequency[label] += count
    left = Counter({labels: count for labels, count in shared.items() if labels})
    for size in range(max((len(labels) for labels in left), default=0), 1, -1):
        for labels in sorted((s for s in left if len(s) == size), key=sorted):
            if left[labels] < SMALLEST_GROUP:
                rarest = min(labels, key=lambda label: (frequency[label], label))
                left[labels - {rarest}] += left.pop(labels)
    told = [
        SimilarGroup(tuple(sorted(labels)), count)
        for labels, count in left.items()
        if count >= SMALLEST_GROUP
    ]
    return sorted(
        told, key=lambda group: (-len(group.shared_interests), -group.count, group.shared_interests)
    )
