"""One spelling for data: canonical JSON, so that equal values are equal bytes and hashes are stable."""

import hashlib
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

import orjson

from hub.kit.clock import isoformat


def plain(value: Any) -> Any:
    """Return `value` with dataclasses, enums, decimals and instants as JSON's own types.

    Raises:
        TypeError: for a type that has no plain form.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        return isoformat(value)
    if isinstance(value, Decimal):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(plain(k)): plain(v) for k, v in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(plain(v) for v in value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_NON_STR_KEYS
    | orjson.OPT_PASSTHROUGH_DATACLASS  # its own order of fields is not sorted
    | orjson.OPT_PASSTHROUGH_DATETIME  # ours has milliseconds and a Z
)


def canonical(value: Any) -> bytes:
    """Return `value` as JSON bytes with sorted keys and no white space.

    The bytes are those of `plain(value)`; orjson walks the value itself and asks only for what it does
    not know, which is some ten times faster.

    Raises:
        TypeError: for a type that has no plain form.
    """
    return orjson.dumps(value, default=_unknown, option=_OPTIONS)


def _unknown(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _names(type(value))}
    return plain(value)


@lru_cache(maxsize=1024)
def _names(of: type[Any]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(of))


def digest(value: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of the canonical form: a version, not a signature."""
    return hashlib.sha256(canonical(value)).hexdigest()[:16]
