"""The contract of a channel, and the one way to present a decision on it.

    decision, context -> present -> WebExperience | EmailExperience | ServiceDeskExperience

A presenter is pure: it chooses nothing that the decision did not rank, reads no store and no clock,
and gives equal results for equal arguments.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Protocol

from hub.channels.context import PresentationContext
from hub.channels.email import EmailPresenter
from hub.channels.model import Experience
from hub.channels.service_desk import ServiceDeskPresenter
from hub.channels.web import WebPresenter
from hub.decisions.model import Channel, Decision


class Presenter(Protocol):
    """One channel."""

    channel: Channel

    def present(self, decision: Decision, context: PresentationContext) -> Experience:
        """Return the decision as this channel shows it."""
        ...


@cache
def presenters() -> Mapping[Channel, Presenter]:
    """Return every channel's presenter; made once, since email compiles its templates."""
    every: tuple[Presenter, ...] = (WebPresenter(), EmailPresenter(), ServiceDeskPresenter())
    return MappingProxyType({presenter.channel: presenter for presenter in every})


def present(decision: Decision, channel: Channel, context: PresentationContext) -> Experience:
    """Return `decision` as `channel` shows it to whom `context` tells of."""
    return presenters()[channel].present(decision, context)
