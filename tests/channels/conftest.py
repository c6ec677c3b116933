from dataclasses import dataclass

import pytest

from hub.channels.context import PresentationContext
from hub.decisions.model import Decision
from tests.channels.house import make_context, make_decision


@dataclass(frozen=True)
class Sample:
    """A decision and the context of its serving."""

    decision: Decision
    context: PresentationContext


@pytest.fixture(scope="session")
def sample() -> Sample:
    """One decision and context that most tests of presenting start from."""
    return Sample(make_decision(), make_context())
