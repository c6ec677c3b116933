"""How a trait's value reads where it is asked for in words: an offer's audience, a batch's `name=value`."""

from typing import Any


def spelled(value: Any) -> str | None:
    """Return a trait's value as it is written in JSON, texts without their quotes: `true`, `5`, `gold`; None: no value.

    A number without a fraction is written without one, since JavaScript knows no other.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
