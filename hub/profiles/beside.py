"""What is read of a customer along with the profile, in the same command: a round trip to the store is dear.

    identity -> profile -> documents of other rooms that name the profile, or one that was merged into it

The room whose they are says which and reads them; profiles only bring them along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hub.profiles.model import Profile

Documents = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Beside:
    """Which documents: those of a collection whose `field` is the profile's id or, if `former`, a former one of it.

    `steps` of an aggregation say which of them, in what order, and what of each.
    """

    collection: str
    field: str = "profile_id"
    former: bool = True
    steps: tuple[Mapping[str, Any], ...] = ()


class Along(NamedTuple):
    """A profile, and what was read along with it by collection; None where that has to be read on its own.

    So it is for somebody who was named by the id of a profile, and where the profile was merged into another or
    had to be folded first: what belongs to it may have become more meanwhile.
    """

    profile: Profile | None
    documents: Documents | None = None
