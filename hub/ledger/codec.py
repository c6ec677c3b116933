"""The written form of a served body: JSON of the hub's own, and the way back to what was shown.

Going out, a body is `hub.kit.canonical`. Coming back, instants, amounts and tuples are read here;
a field that a later version of the hub added to `Content` takes its default, so that rows outlive
releases.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import cattrs

from hub.catalogue.model import Content
from hub.ledger.model import Served, ServedItem, ServedWhy

FORMAT = 1  # of the body; a reader that meets a higher one is older than the row


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    converter.register_structure_hook(Decimal, lambda text, _: Decimal(text))
    return converter


_READ = _converter()


def content_body(content: Content) -> dict[str, Any]:
    """Return what is kept of a content: everything but its long text, which no channel shows."""
    return {name: getattr(content, name) for name in Content.__slots__ if name != "text"}


def items_of(served: Served) -> tuple[ServedItem, ...]:
    """Return everything that was shown, by position."""
    found = [_item(item, slot["key"]) for slot in served.content["slots"] for item in slot["items"]]
    return tuple(sorted(found, key=lambda item: item.position))


def _item(item: Mapping[str, Any], slot: str) -> ServedItem:
    return ServedItem(
        position=item["position"],
        score=item["score"],
        content=_READ.structure(item["content"], Content),
        why=_READ.structure(item["why"], ServedWhy),
        slot=slot,
    )
