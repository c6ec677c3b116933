"""The documentation of events is the table that the code acts on."""

from pathlib import Path

import pytest

from hub.events.names import HANDLED, Handled

DOCS = Path(__file__).parents[2] / "docs" / "events.md"


@pytest.mark.parametrize("handled", HANDLED.values(), ids=HANDLED)
def test_each_event_is_documented_as_it_is_handled(handled: Handled) -> None:
    assert f"| `{handled.name}` | {handled.kind.value} | {handled.does} |" in DOCS.read_text()
