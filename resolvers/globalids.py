"""Relay's global ids: the name of a type and the domain's own id, in one opaque string."""

import base64
import binascii
from functools import lru_cache

from hub.catalogue.model import Answer, Content, Offer
from hub.errors import InvalidInput
from hub.ledger.items import ServedContent
from hub.ledger.model import Served
from hub.offers.model import Grant
from hub.privacy.model import Erasure, Export
from hub.profiles.model import Profile

Anything = Answer | Content | ServedContent | Grant | Offer | Served | Profile | Erasure | Export


def global_id(thing: Anything) -> str:
    """Return the global id of anything that has one."""
    match thing:
        case Content() | ServedContent():
            return _of_content(thing.key)
        case Profile():
            return to_global("Customer", thing.id)
        case Served():
            return to_global("Served", thing.id)
        case Answer():
            return to_global("Answer", thing.key)
        case Erasure():
            return to_global("Erasure", thing.id)
        case Export():
            return to_global("Export", thing.id)
        case Offer():
            return to_global("Offer", thing.key)
        case Grant():
            return to_global("Grant", thing.id)


def to_global(kind: str, local: str) -> str:
    """Return the global id of a thing of one type."""
    return base64.urlsafe_b64encode(f"{kind}:{local}".encode()).decode().rstrip("=")


@lru_cache(maxsize=16_384)
def _of_content(key: str) -> str:
    """Return what is asked for with every item of every page; of customers and what is theirs nothing is remembered."""
    return to_global("Content", key)


def split_global(text: str) -> tuple[str, str] | None:
    """Return type and local id; None if `text` is no global id of ours."""
    try:
        kind, colon, local = (
            base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            .decode()
            .partition(":")
        )
    except (binascii.Error, ValueError):
        return None
    return (kind, local) if colon and kind.isidentifier() and local else None


def from_global(kind: str, text: str, *, path: tuple[str | int, ...] = ()) -> str:
    """Return the local id in a global one of the given type; a local id is taken as it is.

    The hub's other doors (logs, exports, headers of mails) speak of local ids, and an operator who
    pastes one should get an answer.

    Raises:
        InvalidInput: if it is the global id of another type.
    """
    parts = split_global(text)
    if parts is None:
        return text
    if parts[0] != kind:
        raise InvalidInput(f"this is the id of a {parts[0]}, not of a {kind}", path=path)
    return parts[1]
