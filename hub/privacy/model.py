"""Jobs on a customer's data: an erasure, an export."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobState(StrEnum):
    """Where a longer job stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Removed:
    """So many documents were removed from one collection."""

    name: str
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The erasure of one customer. What it says after it is done names nobody."""

    id: str
    state: JobState
    requested_at: datetime
    requested_by: str
    completed_at: datetime | None = None
    collections: tuple[Removed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The permission to fetch one customer's data until it ends."""

    id: str
    state: JobState
    url: str
    expires_at: datetime
