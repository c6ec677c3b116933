"""Cursor pages, as Relay's connection specification describes them."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    """One node and the cursor that points just behind it."""

    node: T
    cursor: str


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Where a page stands in the whole."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A slice of a list; `total_count` is None where counting would cost more than it is worth."""

    edges: tuple[Edge[T], ...]
    page_info: PageInfo
    total_count: int | None = None

    @property
    def nodes(self) -> tuple[T, ...]:
        return tuple(edge.node for edge in self.edges)


def encode_cursor(position: str) -> str:
    """Return an opaque cursor for `position`."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Return the position that `cursor` was made of.

    Raises:
        ValueError: if it is no cursor of ours.
    """
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ValueError(f"{cursor!r} is not a cursor this hub gave out") from None


def page_of(
    found: Sequence[tuple[str, T]], *, first: int, total_count: int | None = None, has_previous: bool = False
) -> Page[T]:
    """Build a page from `(position, node)` pairs of which one more than `first` was asked for."""
    edges = tuple(Edge(node, encode_cursor(position)) for position, node in found[:first])
    return Page(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(found) > first,
            has_previous_page=has_previous,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        total_count=total_count,
    )


def slice_page(everything: Sequence[T], *, first: int, after: str | None = None) -> Page[T]:
    """Page through a list already in memory; its cursors are positions.

    Raises:
        ValueError: if `first` is out of range or `after` is no cursor of ours.
    """
    if not 0 <= first <= LARGEST_PAGE:
        raise ValueError(f"first must be between 0 and {LARGEST_PAGE}")
    start = 0
    if after is not None:
        position = decode_cursor(after)
        if not position.isdecimal():
            raise ValueError(f"{after!r} is not a cursor this hub gave out")
        start = int(position) + 1
    found = [(str(i), everything[i]) for i in range(start, min(len(everything), start + first + 1))]
    return page_of(found, first=first, total_count=len(everything), has_previous=start > 0)
