"""What JSON from outside may hold before it goes into the store: bounded depth, length and numbers.

BSON knows no integers beyond 64 bits, keys without NUL only, and nesting of a hundred levels; a message
that the store would choke on later is refused here, with the path of what is wrong.
"""

import math
from typing import Any

from hub.errors import InvalidInput

DEEPEST = 12
LONGEST_TEXT = 8_192
LONGEST_KEY = 200
MOST_VALUES = 20_000
_INT64 = 2**63


class _Fault(Exception):
    """What is wrong, and where: the path is put together on the way out, so that what is right costs nothing."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.code = message, code
        self.path: list[str | int] = []


def check_plain(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    """Return JSON `value`, integers beyond 64 bits made floats.

    Raises:
        InvalidInput: too deep (TOO_DEEP), too long (TOO_LONG), or nothing JSON can say; the path names where.
    """
    if value == {}:  # two of a message's three objects, as a rule
        return {}
    try:
        return _check(value, DEEPEST, [MOST_VALUES])
    except _Fault as fault:
        inside = fault.path[::-1]
        if fault.code in {"TOO_DEEP", "BAD_NAME"}:
            inside = inside[: 3 - len(path)]
        raise InvalidInput(fault.message, path=(*path, *inside), code=fault.code) from None


def _check(value: Any, depth: int, budget: list[int]) -> Any:
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is bool or value is None:
        return value
    if kind is int:
        return value if -_INT64 <= value < _INT64 else _wide(value)
    if kind is float:
        if not math.isfinite(value):
            raise _Fault("a number must be finite")
        return value
    if kind is dict:
        return _object(value, depth, budget)
    if kind is list or kind is tuple:
        return _list(value, depth, budget)
    raise _Fault(f"{kind.__name__} is not a JSON type")


def _object(value: dict[Any, Any], depth: int, budget: list[int]) -> dict[str, Any]:
    _enter(len(value), depth, budget)
    checked: dict[str, Any] = {}
    for key, inner in value.items():
        if type(key) is not str or not 0 < len(key) <= LONGEST_KEY or "\0" in key:
            raise _Fault(f"a name has 1 to {LONGEST_KEY} characters and no NUL", "BAD_NAME")
        if not key.isascii():
            _text(key)
        # The commonest value, an ordinary text, is passed without a call.
        if type(inner) is str and len(inner) <= LONGEST_TEXT and inner.isascii():
            checked[key] = inner
            continue
        try:
            checked[key] = _check(inner, depth - 1, budget)
        except _Fault as fault:
            fault.path.append(key)
            raise
    return checked


def _list(value: Any, depth: int, budget: list[int]) -> list[Any]:
    _enter(len(value), depth, budget)
    checked: list[Any] = []
    for at, inner in enumerate(value):
        try:
            checked.append(_check(inner, depth - 1, budget))
        except _Fault as fault:
            fault.path.append(at)
            raise
    return checked


def _enter(count: int, depth: int, budget: list[int]) -> None:
    if depth == 0:
        raise _Fault(f"nested more than {DEEPEST} levels deep", "TOO_DEEP")
    budget[0] -= count
    if budget[0] < 0:
        raise _Fault(f"a message may hold {MOST_VALUES} values", "TOO_LONG")


def _wide(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise _Fault("a number must be finite") from None


def _text(value: str) -> str:
    if len(value) > LONGEST_TEXT:
        raise _Fault(f"a text may have {LONGEST_TEXT} characters", "TOO_LONG")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Fault("not valid Unicode") from None
    return value
