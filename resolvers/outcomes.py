"""What a mutation came to: the changed object, or the reasons why not, as data."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hub.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotAvailable,
    NotFound,
    TooLarge,
    TuttiError,
    Unavailable,
)

T = TypeVar("T")

# What is told in a payload; too large an input is told as an invalid one.
TOLD: tuple[type[TuttiError], ...] = (
    InvalidInput,
    NotFound,
    Forbidden,
    Conflict,
    NotAvailable,
    Unavailable,
    TooLarge,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A `TuttiError` as data: GraphQL raises exceptions even where they are returned as values."""

    kind: type[TuttiError]
    code: str
    message: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """The changed object, None if there is none, and the refusals."""

    value: T | None
    errors: tuple[Refusal, ...] = ()


def refusal(error: TuttiError) -> Refusal:
    """Return an error as data; its path begins at the mutation's one argument, `input`."""
    kind = InvalidInput if isinstance(error, TooLarge) else type(error)
    path = ("input", *(str(step) for step in error.path)) if error.path else ()
    return Refusal(kind, error.kind, error.message, path)


async def outcome(doing: Awaitable[T]) -> Outcome[T]:
    """Wait for a change and return what it came to; only the unexpected is raised."""
    try:
        return Outcome(await doing)
    except TOLD as error:
        return Outcome(None, (refusal(error),))
