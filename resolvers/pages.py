"""Pages of lists that are in memory already, with errors that name the argument."""

from collections.abc import Sequence
from typing import TypeVar

from hub.errors import InvalidInput
from hub.kit.pages import LARGEST_PAGE, Page, slice_page

T = TypeVar("T")


def check_first(first: int) -> int:
    """Return `first`.

    Raises:
        InvalidInput: if it is out of range.
    """
    if not 0 <= first <= LARGEST_PAGE:
        raise InvalidInput(f"first must be between 0 and {LARGEST_PAGE}", path=("first",))
    return first


def page(everything: Sequence[T], first: int, after: str | None) -> Page[T]:
    """Return one page.

    Raises:
        InvalidInput: if `first` is out of range or `after` no cursor of ours.
    """
    check_first(first)
    try:
        return slice_page(everything, first=first, after=after)
    except ValueError as error:
        raise InvalidInput(str(error), path=("after",)) from None
