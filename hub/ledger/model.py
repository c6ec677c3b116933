"""What left the hub, as it left it: one row for each experience served, and what was seen of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from hub.catalogue.model import Content


@dataclass(frozen=True, kw_only=True)
class Served:
    """One experience that left the hub; `body` is its canonical JSON, byte for byte.

    It is the one domain type without slots, so that its body is parsed once and only when asked for.
    """

    id: str
    at: datetime
    profile_id: str | None  # None: somebody the hub had never seen
    channel: str
    scenario_key: str
    scenario_version: int
    configuration_version: str
    profile_version: int
    body: bytes
    expires_at: datetime
    shown: tuple[str, ...] = ()  # keys of what it held, for frequency caps

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """The body, parsed."""
        parsed: dict[str, Any] = orjson.loads(self.body)
        return parsed

    @property
    def html(self) -> str | None:
        """The message's HTML, None on channels that have none."""
        return self.content.get("html")


@dataclass(frozen=True, slots=True)
class ServedScore:
    """One layer's part in one item, as it was served."""

    layer: str
    weight: float
    score: float
    contribution: float
    rank_before: int
    rank_after: int


@dataclass(frozen=True, slots=True)
class ServedVariety:
    """How variety moved an item, as it was served."""

    rank_by_score: int
    closest_key: str | None
    similarity: float


class ServedWhy:
    """Why an item stood where it did, as it was served.

    Read from the body's own words; the layers' parts are put together only when asked for, since whoever
    reads twenty servings mostly wants their sentences.
    """

    __slots__ = ("_told",)

    def __init__(self, told: Mapping[str, Any]) -> None:
        """Take what the body says of an item's reasons."""
        self._told = told

    @property
    def sentence(self) -> str:
        """The reason in a sentence."""
        sentence: str = self._told["sentence"]
        return sentence

    @property
    def contributions(self) -> tuple[ServedScore, ...]:
        """Each layer's part."""
        return tuple(
            ServedScore(**{name: part[name] for name in ServedScore.__slots__})
            for part in self._told["contributions"]
        )

    @property
    def variety(self) -> ServedVariety | None:
        """How variety moved it; None where it did not say."""
        told = self._told.get("variety")
        return None if told is None else ServedVariety(**{n: told[n] for n in ServedVariety.__slots__})


@dataclass(frozen=True, slots=True)
class ServedItem:
    """One item that was shown: the content in the version that was shown, without its long text."""

    position: int
    score: float
    content: Content
    why: ServedWhy
    slot: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """Evidence that the customer saw one item of what was served."""

    served_id: str
    content_key: str
    at: datetime
    profile_id: str | None = None
