"""Choosing for somebody else: the giver's profile is left alone, and what is told of the recipient is not kept.

    who the giver is        nothing but what they asked never to see again, and the layers they switched off
    who the recipient is    words ("tea and garden birds, not roses"), and things that would suit
    nothing told            what the giver looks at in this visit

The words come with the request, are understood as the likes of a profile are, and are forgotten with it;
what they led to stands in the giver's ledger row, as everything that was shown does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import InvalidInput
from hub.profiles.view import Directions, ProfileView
from hub.profiles.words import phrases

LONGEST_WORDS = 500  # characters
MOST_LIKE = 10


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody for whom something is chosen, as the giver describes them: in words, and by what would suit."""

    words: str = ""
    like: tuple[str, ...] = ()  # content keys

    def check(self, path: tuple[str | int, ...]) -> None:
        """Let it pass if it can be read.

        Raises:
            InvalidInput: TOO_LONG, with the path of the field.
        """
        if len(self.words) > LONGEST_WORDS:
            raise InvalidInput(
                f"say it in at most {LONGEST_WORDS} characters", path=(*path, "words"), code="TOO_LONG"
            )
        if len(self.like) > MOST_LIKE:
            raise InvalidInput(
                f"name at most {MOST_LIKE} things", path=(*path, "like", MOST_LIKE), code="TOO_LONG"
            )

    @property
    def said(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What they like and what they do not, phrase by phrase."""
        return phrases(self.words, None)


def for_another(
    view: ProfileView,
    snapshot: CatalogueSnapshot,
    recipient: Recipient = Recipient(),
    liked: NDArray[np.float32] | None = None,
    avoided: NDArray[np.float32] | None = None,
) -> ProfileView:
    """Return the view on which is decided when a customer chooses for somebody else.

    Args:
        view: the giver's, from the consent gate.
        snapshot: the catalogue.
        recipient: what was told of the recipient.
        liked: (k, d) float32, the vectors of the phrases they like, in the order of `recipient.said`.
        avoided: (j, d) float32, of those they do not.
    """
    liked_words, avoided_words = recipient.said
    like = tuple(key for key in recipient.like if snapshot.vector(key) is not None)
    none = Directions.none(snapshot.vectors.shape[1])
    told = bool(like) or liked is not None or avoided is not None
    titles = [snapshot.contents[snapshot.rows[key]].title for key in like]
    vectors = [vector for key in like if (vector := snapshot.vector(key)) is not None]
    return replace(
        view,
        personal=view.personal or told,
        interests=none,
        session=_directions(vectors, titles, none) if like else none if told else view.session,
        declared=_directions([] if liked is None else list(liked), liked_words, none),
        avoided=_directions([] if avoided is None else list(avoided), avoided_words, none),
        traits={},
        preferences={key: said for key, said in view.preferences.items() if key.startswith("layer.")},
        owned={},
        feedback={},
        cart=(),
        recent=(),
        segments=(),
        for_another=True,
    )


def _directions(
    vectors: Sequence[NDArray[np.float32]], labels: Sequence[str], none: Directions
) -> Directions:
    if not vectors:
        return none
    return Directions(
        vectors=np.stack(list(vectors)).astype(np.float32),
        weights=np.full(len(vectors), 1.0 / len(vectors)),
        labels=tuple(labels),
        ids=tuple(f"recipient_{number}" for number in range(len(vectors))),
        evidence=((),) * len(vectors),
    )
