"""What every schema module shares: the context, scalars, arguments, global ids, pages.

A type here is a *view*: its fields name attributes of the domain object that a resolver returned, so
that there is no mapping code. `@field(...)` marks what needs work; its first parameter after `self` is
the domain object itself, typed by `strawberry.Parent`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Generic, NewType, TypeVar, cast

import strawberry
from strawberry.types.scalar import ScalarDefinition

from hub.kit.clock import isoformat, to_milliseconds
from hub.kit.money import parse_amount
from resolvers.context import Context
from resolvers.globalids import global_id

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

Info = strawberry.Info[Context, None]
READ = "tutti.read"  # key, in a field's metadata, of how it is read at once


@dataclass(frozen=True, slots=True)
class Asking:
    """What a method that answers at once sees of `Info`."""

    context: Context


@dataclass(frozen=True, slots=True)
class Reading:
    """How a field that answers at once is read: `method(parent)`, or `method(parent, asking)` if it `asks`."""

    method: Callable[..., Any]
    asks: bool

    @classmethod
    def of(cls, method: Callable[..., Any]) -> "Reading":
        """Return how a method of a type is read; its `self` is never anything."""
        return cls(partial(method, None), "info" in inspect.signature(method).parameters)


def field(
    *, description: str, of: Any = None, name: str | None = None, at_once: bool = False
) -> Callable[[F], F]:
    """Mark a method as a GraphQL field.

    Args:
        description: of the field.
        of: its GraphQL type, where the method returns a domain object.
        name: its name in the schema, where it is not the method's.
        at_once: the method promises to answer at once, to change nothing, and to use no more of `info`
            than the context; what it takes besides are numbers, strings and booleans. Trees of such fields and of
            attributes are completed by one compiled function (`hub.serving.plans`).
    """

    def mark(method: F) -> F:
        metadata = {READ: Reading.of(method)} if at_once else None
        marked = strawberry.field(description=description, graphql_type=of, name=name, metadata=metadata)
        return cast("F", marked(method))

    return mark


def watched(*, description: str, of: Any) -> Callable[[F], F]:
    """Mark a method as a subscription, as `field` does."""
    return cast("Callable[[F], F]", strawberry.subscription(description=description, graphql_type=of))


def argument(description: str, name: str | None = None) -> Any:
    """Describe an argument, for use in `Annotated`."""
    return strawberry.argument(description=description, name=name)


First = Annotated[int, argument("How many at most, 0 to 200.")]
After = Annotated[
    str | None, argument("The `endCursor` of the page before. Without it, the list begins at its start.")
]


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise TypeError("an instant is a string such as 2026-03-02T10:00:00Z")
    try:
        return to_milliseconds(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        raise ValueError("an instant is ISO 8601 with a time zone, such as 2026-03-02T10:00:00Z") from None


def _amount(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError('a decimal is a string such as "12.90"')
    return parse_amount(value)


Json = NewType("Json", object)

SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant: ISO 8601 with a time zone. The hub answers in UTC with milliseconds.",
        serialize=isoformat,
        parse_value=_instant,
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="An exact decimal number, as a string, so that no client rounds it.",
        serialize=str,
        parse_value=_amount,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value: a string, number, boolean, list, object or null.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
    ),
}


@strawberry.interface(description="Anything that can be fetched again by its global id.")
class Node:
    @field(description="The global id: opaque, unique over all types.", at_once=True)
    def id(self, parent: strawberry.Parent[Any]) -> strawberry.ID:
        return strawberry.ID(global_id(parent))


@strawberry.type(description="Where a page stands in the whole list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is something before this page.")
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first edge; null when the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last edge, to be passed as `after`; null when the page is empty."
    )


@strawberry.type(description="One node of a page and the cursor that points just behind it.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The node itself.")
    cursor: str = strawberry.field(description="Points just behind this node; opaque.")


@strawberry.type(description="One page of a longer list, after Relay's connection specification.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The nodes of this page with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page stands in the whole list.")
    total_count: int | None = strawberry.field(
        description="How many there are in all; null where counting would cost more than it is worth."
    )
