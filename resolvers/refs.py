"""Whom a `CustomerRef` means, as the domain says it."""

from hub.errors import InvalidInput
from hub.profiles.identity import PROFILE_ID, parse_ref
from hub.profiles.model import CustomerRef
from resolvers.globalids import from_global

# How the API spells the types that have a key of their own.
SPELLED = {"user_id": "userId", "anonymous_id": "anonymousId"}


def parse(kind: str, value: str, path: tuple[str, ...]) -> CustomerRef:
    """Return the reference, its value normalised.

    Raises:
        InvalidInput: if the value cannot be one of that type; the path begins with `path`.
    """
    place = (*path, SPELLED.get(kind, kind))
    if kind == PROFILE_ID:
        value = from_global("Customer", value, path=place)
    try:
        return parse_ref(kind, value)
    except InvalidInput as error:
        raise InvalidInput(error.message, path=place, code=error.kind) from None


def parse_identity(kind: str, value: str, path: tuple[str, ...]) -> CustomerRef:
    """Return the reference that an `IdentityInput` is, its value normalised.

    Raises:
        InvalidInput: if type or value cannot be one; the path begins with `path` and names which.
    """
    try:
        return parse_ref(kind, value)
    except InvalidInput as error:
        raise InvalidInput(error.message, path=(*path, *error.path), code=error.kind) from None
