"""Paging through a snapshot's contents, by key or by nearness in meaning."""

import asyncio
from collections.abc import Sequence

from hub.catalogue.model import Content
from hub.catalogue.putting import Embedding
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import InvalidInput
from hub.kit.pages import LARGEST_PAGE, Page, decode_cursor, page_of, slice_page

LONGEST_SEARCH = 500
MOST_FOUND = 200


def by_key(snapshot: CatalogueSnapshot, first: int, after: str | None) -> Page[Content]:
    """Return contents in the order of their keys.

    Raises:
        InvalidInput: `first` or `after` is impossible, with its name as path.
    """
    _check_first(first)
    try:
        position = None if after is None else decode_cursor(after)
    except ValueError as error:
        raise InvalidInput(str(error), path=("after",)) from None
    start = 0 if position is None else _first_behind(snapshot.contents, position)
    found = [(content.key, content) for content in snapshot.contents[start : start + first + 1]]
    return page_of(found, first=first, total_count=len(snapshot), has_previous=start > 0)


async def by_meaning(
    snapshot: CatalogueSnapshot, encoder: Embedding, words: str, first: int, after: str | None
) -> Page[Content]:
    """Return contents by nearness in meaning to `words`.

    Raises:
        InvalidInput: an argument is impossible, with its name as path.
    """
    _check_first(first)
    if len(words) > LONGEST_SEARCH:
        raise InvalidInput(f"search takes at most {LONGEST_SEARCH} characters", path=("search",))
    nearest: list[Content] = []
    if len(snapshot):
        query = await encoder.vectors([words])
        rows, _ = await asyncio.to_thread(snapshot.index.search, query, min(MOST_FOUND, len(snapshot)))
        nearest = [snapshot.contents[row] for row in rows[0] if row >= 0]
    try:
        return slice_page(nearest, first=first, after=after)
    except ValueError as error:
        raise InvalidInput(str(error), path=("after",)) from None


def _check_first(first: int) -> None:
    """Let the length of a page pass.

    Raises:
        InvalidInput: if it is below 0 or too long.
    """
    if not 0 <= first <= LARGEST_PAGE:
        raise InvalidInput(f"first must be between 0 and {LARGEST_PAGE}", path=("first",))


def _first_behind(contents: Sequence[Content], key: str) -> int:
    low, high = 0, len(contents)
    while low < high:
        middle = (low + high) // 2
        if contents[middle].key <= key:
            low = middle + 1
        else:
            high = middle
    return low
