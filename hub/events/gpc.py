"""Global Privacy Control: `Sec-GPC: 1`, with which a browser says that its user objects (W3C, 2025).

The header is heeded at every door: an experience asked for under it is not personal, and an event that was
sent under it is marked in its context, so that it is no sign of interest and counts as an objection.
"""

from collections.abc import Mapping
from typing import Any

HEADER = "sec-gpc"
GPC = "gpc"  # in an event's context
SOURCE = "global privacy control"  # of the consent that follows


def signalled(headers: Mapping[str, str]) -> bool:
    """Tell whether a request came under Global Privacy Control."""
    return headers.get(HEADER, "").strip() == "1"


def marked(message: Any) -> Any:
    """Return a message of the Segment spec as one that was sent under it; what is no message stays as it is."""
    if not isinstance(message, Mapping):
        return message
    context = message.get("context")
    if context is not None and not isinstance(context, Mapping):
        return message  # it is refused for that anyway
    return {**message, "context": {**(context or {}), GPC: True}}


def was_signalled(context: Mapping[str, Any]) -> bool:
    """Tell whether an event's context says that it was sent under it."""
    return context.get(GPC) is True
