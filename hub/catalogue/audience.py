"""What groups of customers have in common: of each, how many they are and which categories they deal with.

Groups are the members of a segment ("segment:gold"), and those who came in one way ("country=GB",
"campaign=spring"). Only groups of at least `LEAST` customers are kept, and no customer is in the document.
Worked out by `hub.profiles.audience`; part of the catalogue's snapshot, so that layers stay pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.store.database import Store
from hub.store.faults import store_faults

LEAST = 20  # customers; fewer would tell of persons
ONE = "current"
SEGMENT = "segment:"


@dataclass(frozen=True, slots=True)
class Group:
    """So many customers, how many of them deal with each category, and how many came each way."""

    members: int
    categories: Mapping[str, int] = field(default_factory=dict)
    hints: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audience:
    """All customers as one group, and the groups among them."""

    everybody: Group = field(default_factory=lambda: Group(0))
    groups: Mapping[str, Group] = field(default_factory=dict)
    version: str = ""


NOBODY = Audience()


async def load_audience(store: Store) -> Audience:
    """Return what was worked out last; nobody before the first time.

    Raises:
        Unavailable: the store does not answer.
    """
    with store_faults():
        document = await store.db["audience"].find_one({"_id": ONE})
    if document is None:
        return NOBODY
    groups = {
        key: Group(members, dict(categories), dict(hints))
        for key, members, categories, hints in document["groups"]
    }
    everybody = groups.pop("", Group(0))
    return Audience(everybody, groups, document["version"])
