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


def check_plain(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    """Return JSON `value` with integers beyond 64 bits as floats.

    Raises:
        InvalidInput: too deep (TOO_DEEP), too long (TOO_LONG), or nothing JSON can say; the path names where.
    """
    return _check(value, path, DEEPEST, [MOST_VALUES])


def _check(value: Any, path: tuple[str | int, ...], depth: int, budget: list[int]) -> Any:
    kind = type(value)
    if kind is str:
        return _text(value, path)
    if kind is bool or value is None:
        return value
    if kind is int:
        return value if -_INT64 <= value < _INT64 else _wide(value, path)
    if kind is float:
        if not math.isfinite(value):
            raise InvalidInput("a number must be finite", path=path)
        return value
    if depth == 0:
        raise InvalidInput(f"nested more than {DEEPEST} levels deep", path=path[:3], code="TOO_DEEP")
    if kind is dict:
        _spend(budget, len(value), path)
        return {
            _key(key, path): _check(inner, (*path, key), depth - 1, budget) for key, inner in value.items()
        }
    if kind is list or kind is tuple:
        _spend(budget, len(value), path)
        return [_check(inner, (*path, at), depth - 1, budget) for at, inner in enumerate(value)]
    raise InvalidInput(f"{kind.__name__} is not a JSON type", path=path)


def _wide(value: int, path: tuple[str | int, ...]) -> float:
    try:
        return float(value)
    except OverflowError:
        raise InvalidInput("a number must be finite", path=path) from None


def _text(value: str, path: tuple[str | int, ...]) -> str:
    if len(value) > LONGEST_TEXT:
        raise InvalidInput(f"a text may have {LONGEST_TEXT} characters", path=path, code="TOO_LONG")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput("not valid Unicode", path=path) from None
    return value


def _key(key: Any, path: tuple[str | int, ...]) -> str:
    if type(key) is not str or not key or "\0" in key or len(key) > LONGEST_KEY:
        raise InvalidInput(f"a name has 1 to {LONGEST_KEY} characters and no NUL", path=path, code="BAD_NAME")
    return _text(key, path)


def _spend(budget: list[int], count: int, path: tuple[str | int, ...]) -> None:
    budget[0] -= count
    if budget[0] < 0:
        raise InvalidInput(f"a message may hold {MOST_VALUES} values", path=path[:3], code="TOO_LONG")
