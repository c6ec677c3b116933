"""Identifiers that sort by the time they were made, with a prefix that says of what."""

from ulid import ULID


def new_id(prefix: str) -> str:
    """Return `prefix_` and a lower-case ULID: 48 bits of milliseconds, 80 bits of chance."""
    return f"{prefix}_{str(ULID()).lower()}"
