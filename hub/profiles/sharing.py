"""Names that several customers bear: an address that a family shares is no way to say whom one means.

Reading by it finds whoever gave it first. What cannot be undone, or gives somebody's data away, is refused.
"""

from hub.errors import Conflict
from hub.profiles.identity import PROFILE_ID
from hub.profiles.model import CustomerRef
from hub.profiles.repository import ProfileRepository

ONES_OWN = frozenset({PROFILE_ID, "user_id", "anonymous_id"})


async def sharers(repository: ProfileRepository, ref: CustomerRef) -> frozenset[str]:
    """Return the profiles of the customers who bear a name, where they are several; else none.

    Raises:
        Unavailable: the store does not answer.
    """
    if ref.type in ONES_OWN:
        return frozenset()
    facets = await repository.reviews.claiming(ref.key)
    owners = frozenset((await repository.owners(facets)).values()) if facets else frozenset()
    return owners if len(owners) > 1 else frozenset()


async def check_one_is_meant(
    repository: ProfileRepository, ref: CustomerRef, path: tuple[str | int, ...] = ("for",)
) -> None:
    """Let a name pass that only one customer bears, or nobody.

    Raises:
        Conflict: SEVERAL_CUSTOMERS share it.
        Unavailable: the store does not answer.
    """
    found = await sharers(repository, ref)
    if found:
        raise Conflict(
            f"{len(found)} customers share this {ref.type}; name the one who is meant by user_id or id",
            path=path,
            code="SEVERAL_CUSTOMERS",
        )
