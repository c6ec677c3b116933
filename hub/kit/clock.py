"""Time comes in through a `Clock`, so that a decision can be made "as of" and a test can hold it still."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Whatever tells the time."""

    def now(self) -> datetime:
        """Return the current instant, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock, cut to milliseconds: what MongoDB can store is what we compute with."""

    def now(self) -> datetime:
        return to_milliseconds(datetime.now(UTC))


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until it is moved; for tests and for previews as of an instant."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


def to_milliseconds(instant: datetime) -> datetime:
    """Return `instant` in UTC, cut (not rounded) to whole milliseconds.

    Raises:
        ValueError: if `instant` has no timezone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a timezone")
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def isoformat(instant: datetime) -> str:
    """Return ISO 8601 with milliseconds and a `Z`, the one spelling the hub emits."""
    return to_milliseconds(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")
