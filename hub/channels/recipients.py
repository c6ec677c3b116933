"""For whom an experience is: the customer themselves, or somebody whom they describe in a few words."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.consent.recipient import Recipient, for_another
from hub.decisions.model import Note
from hub.errors import Unavailable
from hub.profiles.view import ProfileView

log = structlog.get_logger(__name__)

WORDS_UNREAD = Note(
    "WORDS_UNREAD", "What was said of the recipient could not be read in time; it has no part in this."
)


class Words(Protocol):
    """What is needed to read words: their vectors, which need not be kept."""

    @property
    def id(self) -> str:
        """The encoder's id."""
        ...

    async def vectors(self, texts: Sequence[str], *, keep: bool = True) -> NDArray[np.float32]:
        """Return (n, d) float32 of length 1."""
        ...


async def for_whom(
    view: ProfileView,
    snapshot: CatalogueSnapshot,
    recipient: Recipient | None,
    words: Words,
    in_time: Callable[[Any], Awaitable[NDArray[np.float32]]],
) -> tuple[ProfileView, Note | None]:
    """Return the view to decide on, and a note of what could not be read.

    Args:
        view: the customer's, from the consent gate.
        snapshot: the catalogue.
        recipient: whom they choose for; None: themselves.
        words: reads words; they are not kept, since they are about somebody who never spoke to us.
        in_time: awaits a call for as long as there is time, else raises Unavailable.
    """
    if recipient is None:
        return view, None
    liked, avoided = recipient.said
    if not liked and not avoided:
        return for_another(view, snapshot, recipient), None
    if words.id != snapshot.encoder_id:
        return for_another(view, snapshot, recipient), WORDS_UNREAD
    try:
        vectors = await in_time(words.vectors([*liked, *avoided], keep=False))
    except Unavailable:
        log.warning("a recipient's words were not read in time")
        return for_another(view, snapshot, recipient), WORDS_UNREAD
    return for_another(view, snapshot, recipient, vectors[: len(liked)], vectors[len(liked) :]), None
