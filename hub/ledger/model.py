"""What left the hub, as it left it: one row for each experience served, and what was seen of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson


@dataclass(frozen=True, kw_only=True)
class Served:
    """One experience that left the hub; `body` is its canonical JSON, byte for byte.

    It is the one domain type without slots, so that body and listing are parsed once and only when asked for.
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
    listing: bytes | None = None  # `hub.ledger.items`; None on a row of a release before listings

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """The body, parsed."""
        parsed: dict[str, Any] = orjson.loads(self.body)
        return parsed

    @cached_property
    def told(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """What the body tells of each item, with its slot's key, in the body's order."""
        return tuple((slot["key"], item) for slot in self.content["slots"] for item in slot["items"])

    @cached_property
    def listed(self) -> Mapping[str, Any] | None:
        """The listing, parsed; None where there is none."""
        if self.listing is None:
            return None
        parsed: dict[str, Any] = orjson.loads(self.listing)
        return parsed

    @property
    def html(self) -> str | None:
        """The message's HTML, None on channels that have none."""
        if self.listed is not None and not self.listed["html"]:
            return None
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


@dataclass(frozen=True, slots=True)
class Exposure:
    """Evidence that the customer saw one item of what was served."""

    served_id: str
    content_key: str
    at: datetime
    profile_id: str | None = None
