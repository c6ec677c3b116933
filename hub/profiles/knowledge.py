"""What the fold must know beside the facets: vectors, titles and words, all of one encoder."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.labels import Labeller
from hub.catalogue.model import Content
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.profiles.model import Facet
from hub.profiles.words import phrases

MOST_TEXTS = 60  # searched phrases that count, the latest


class Knowledge(Protocol):
    """What is known of contents and words, at one version of the catalogue."""

    @property
    def encoder_id(self) -> str:
        """Whose vectors these are."""
        ...

    @property
    def version(self) -> str:
        """Changes with the catalogue."""
        ...

    def vector(self, key: str) -> NDArray[np.float32] | None:
        """Return the (d,) vector of a content, None if there is none."""
        ...

    def text_vector(self, text: str) -> NDArray[np.float32] | None:
        """Return the (d,) vector of words, None if they were not embedded."""
        ...

    def title(self, key: str) -> str:
        """Return the title of a content, "" if it is not known."""
        ...

    def naming(self, key: str) -> str:
        """Return the words out of which an interest in a content may be named, "" if it is not known."""
        ...

    def label(self, texts: Sequence[str], weights: Sequence[float], taken: Collection[str]) -> str:
        """Return a few words for what `texts` have in common, none of those in `taken`."""
        ...


def naming(content: Content) -> str:
    """Return the words out of which an interest in a content may be named: its title, then its category's path.

    Things that share no word of their titles (a kettle, a grinder) may share one that the house has for them.
    """
    return " / ".join([content.title, *content.category.replace("-", " ").split("/")])


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotKnowledge:
    """Knowledge out of a catalogue snapshot and the words that were embedded for the facets at hand."""

    snapshot: CatalogueSnapshot
    texts: Mapping[str, NDArray[np.float32]]
    labeller: Labeller

    @property
    def encoder_id(self) -> str:
        return self.snapshot.encoder_id

    @property
    def version(self) -> str:
        return self.snapshot.version

    def vector(self, key: str) -> NDArray[np.float32] | None:
        return self.snapshot.vector(key)

    def text_vector(self, text: str) -> NDArray[np.float32] | None:
        return self.texts.get(text)

    def title(self, key: str) -> str:
        row = self.snapshot.row(key)
        return "" if row is None else self.snapshot.contents[row].title

    def naming(self, key: str) -> str:
        row = self.snapshot.row(key)
        return "" if row is None else naming(self.snapshot.contents[row])

    def label(self, texts: Sequence[str], weights: Sequence[float], taken: Collection[str]) -> str:
        return self.labeller.label(texts, weights, taken=taken)


def texts_of(facets: Iterable[Facet]) -> list[str]:
    """Return the words in facets that the fold needs vectors of: searches, likes and dislikes."""
    wanted: dict[str, None] = {}
    for facet in facets:
        searched = [signal.text for signal in facet.signals if signal.text]
        wanted.update(dict.fromkeys(searched[-MOST_TEXTS:]))
        likes, dislikes = facet.preferences.get("likes"), facet.preferences.get("dislikes")
        liked, avoided = phrases(likes and likes.value, dislikes and dislikes.value)
        wanted.update(dict.fromkeys([*liked, *avoided]))
    return list(wanted)
