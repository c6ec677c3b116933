"""The items of a served experience, and the listing by which they can be told without parsing its body.

An agent's screen lists twenty servings: positions, titles and sentences of some three hundred items. Their bodies
are most of a megabyte of JSON, and nobody reads every layer's part in each. So a row carries a listing:

    {"html": false, "items": [[position, slot, key, title, version, score, sentence], ...]}

in the order of the body. Whatever else is asked of an item is read from the body, once somebody asks. A row of
a release before listings has none, and everything is read from its body. The chain's hashes cover listings too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.catalogue.model import Content
from hub.kit.canonical import canonical
from hub.ledger.codec import content_of
from hub.ledger.model import Served, ServedScore, ServedVariety

COLUMNS = frozenset({"scores", "ranks_before", "rank_after"})  # of an item, since format 2


class ServedContent:
    """A content in the version that was shown, without its long text; what no listing tells is read from the body."""

    __slots__ = ("_nth", "_served", "key", "title", "version")

    def __init__(self, served: Served, nth: int, key: str, title: str, version: int) -> None:
        """Take what a listing tells of the `nth` item."""
        self._served, self._nth = served, nth
        self.key, self.title, self.version = key, title, version

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._whole(), name)

    def __eq__(self, other: object) -> bool:
        """Tell whether it is the same content, in the same version."""
        return self._whole() == (other._whole() if isinstance(other, ServedContent) else other)

    def __hash__(self) -> int:
        return hash((self.key, self.version))

    def _whole(self) -> Content:
        return content_of(self._served.told[self._nth][1]["content"])


class ServedWhy:
    """Why an item stood where it did, as it was served; the layers' parts are read only when asked for."""

    __slots__ = ("_nth", "_served", "sentence")

    def __init__(self, served: Served, nth: int, sentence: str) -> None:
        """Take what a listing tells of the `nth` item."""
        self._served, self._nth = served, nth
        self.sentence = sentence

    @property
    def _told(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self._served.told[self._nth][1]["why"]
        return told

    @property
    def contributions(self) -> tuple[ServedScore, ...]:
        """Each layer's part, in the order of the mix."""
        return _parts(self._told, self._served.content)

    @property
    def variety(self) -> ServedVariety | None:
        """How variety moved it; None where it did not say."""
        told = self._told.get("variety")
        return None if told is None else ServedVariety(**{n: told[n] for n in ServedVariety.__slots__})


@dataclass(frozen=True, slots=True)
class ServedItem:
    """One item that was shown."""

    position: int
    score: float
    content: ServedContent
    why: ServedWhy
    slot: str


# slot, position, score, content, sentence
Placed = tuple[str, int, float, Content, str]


def listing_of(items: Iterable[Placed], *, html: bool) -> bytes:
    """Return the listing of an experience: its items in the order of the body, and whether it has HTML."""
    told = [
        [position, slot, content.key, content.title, content.version, score, sentence]
        for slot, position, score, content, sentence in items
    ]
    return canonical({"html": html, "items": told})


def items_of(served: Served) -> tuple[ServedItem, ...]:
    """Return everything that was shown, by position."""
    listed: Iterable[Any] = _read(served) if served.listed is None else served.listed["items"]
    found = [
        ServedItem(
            position,
            score,
            ServedContent(served, nth, key, title, version),
            ServedWhy(served, nth, sentence),
            slot,
        )
        for nth, (position, slot, key, title, version, score, sentence) in enumerate(listed)
    ]
    return tuple(sorted(found, key=lambda item: item.position))


def contents_of(served: Served) -> dict[str, Content]:
    """Return the contents that were shown, whole but for their long text, by key in the order of position."""
    by_position = sorted((item for _, item in served.told), key=lambda item: int(item["position"]))
    return {item["content"]["key"]: content_of(item["content"]) for item in by_position}


def spelled_out(served: Served) -> dict[str, Any]:
    """Return the body for somebody who reads it by itself: each item names its layers, as in format 1."""
    body = served.content

    def whole(item: Mapping[str, Any]) -> dict[str, Any]:
        why = {name: told for name, told in item["why"].items() if name not in COLUMNS}
        parts = [
            {name: getattr(part, name) for name in ServedScore.__slots__}
            for part in _parts(item["why"], body)
        ]
        return {**item, "why": {**why, "contributions": parts}}

    slots = [{**slot, "items": [whole(item) for item in slot["items"]]} for slot in body["slots"]]
    return {**body, "slots": slots}


def _parts(why: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[ServedScore, ...]:
    if "contributions" in why:  # format 1
        return tuple(
            ServedScore(**{name: part[name] for name in ServedScore.__slots__})
            for part in why["contributions"]
        )
    columns = zip(body["mix"], why["scores"], why["ranks_before"], strict=True)
    return tuple(
        ServedScore(layer, float(weight), float(score), weight * score, rank_before, why["rank_after"])
        for (layer, weight), score, rank_before in columns
    )


def _read(served: Served) -> Iterable[tuple[Any, ...]]:
    for slot, item in served.told:
        content = item["content"]
        yield (
            item["position"], slot, content["key"], content["title"], content.get("version", 1), item["score"],
            item["why"]["sentence"],
        )  # fmt: skip
