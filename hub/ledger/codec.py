"""The written form of a served body: JSON of the hub's own, and the way back to what was shown.

Going out, a body is `hub.kit.canonical`. Coming back, instants, amounts and tuples are read here;
a field that a later version of the hub added to `Content` takes its default, so that rows outlive
releases.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import cattrs
import orjson

from hub.catalogue.model import Content
from hub.kit.canonical import canonical

REMEMBERED = 4_096  # contents as they were served, some 10 MB
# Of the body; a reader that meets a higher one is older than the row. In 1 an item named every layer with its weight,
# score, contribution and ranks; in 2 it has columns in the order of the mix, a third of the bytes.
FORMAT = 2
MOST_SPELLED = 20_000  # contents whose written form is remembered, some 20 MB


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    converter.register_structure_hook(Decimal, lambda text, _: Decimal(text))
    return converter


_READ = _converter()


class ContentBodies:
    """What is kept of contents, spelled once each: the same few hundred are shown all day.

    A content never changes, and a new version of it is another object; that is what the cache goes by.
    """

    def __init__(self, most: int = MOST_SPELLED) -> None:
        self._most = most
        self._spelled: dict[
            int, tuple[Content, orjson.Fragment]
        ] = {}  # the content is held: its id stays its own

    def of(self, content: Content) -> orjson.Fragment:
        """Return everything of a content but its long text, which no channel shows, as canonical JSON."""
        found = self._spelled.get(id(content))
        if found is None:
            if len(self._spelled) >= self._most:
                self._spelled.clear()
            kept = {name: getattr(content, name) for name in Content.__slots__ if name != "text"}
            found = self._spelled[id(content)] = (content, orjson.Fragment(canonical(kept)))
        return found[1]


_BODIES = ContentBodies()


def content_body(content: Content) -> orjson.Fragment:
    """Return what is kept of a content, to be put into a body that `hub.kit.canonical` writes."""
    return _BODIES.of(content)


@lru_cache(maxsize=REMEMBERED)
def _content(words: bytes) -> Content:
    return _READ.structure(orjson.loads(words), Content)


def content_of(told: Mapping[str, Any]) -> Content:
    """Return the content that a body tells of; servings of one customer tell of the same ones again and again."""
    return _content(orjson.dumps(told))
