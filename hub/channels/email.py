"""Email: a finished message, ready to hand to a mail server.

The decision's items become MJML (by Liquid templates that escape every value), MJML becomes HTML that
mail clients understand, and the same values become the plain text. Headers: one-click unsubscription
(RFC 8058, RFC 2369) and the list's name (RFC 2919).
"""

import re
from collections.abc import Mapping
from email.utils import formataddr
from typing import Any
from urllib.parse import urlsplit

import structlog
from liquid.exceptions import LiquidError

from hub.channels.context import PresentationContext
from hub.channels.message import Message, compose
from hub.channels.model import EmailExperience, Header
from hub.channels.slots import slots_of
from hub.channels.template_check import MessageTemplate, markup_to_html, shipped
from hub.decisions.model import Channel, Decision, Note

log = structlog.get_logger(__name__)

NOTHING_TO_SHOW = Note(
    "NOTHING_TO_SHOW",
    "There is nothing to show this customer now, so there is no message. Try again when there is.",
)


class EmailPresenter:
    """Presents a decision as a message."""

    channel = Channel.EMAIL

    def present(self, decision: Decision, context: PresentationContext) -> EmailExperience:
        """Return the message, or why there is none."""
        message = prepared(decision, context)
        if not isinstance(message, Message):
            return message
        template, html, text = rendered(message.values, context.template or shipped())
        return finished(decision, context, message, (template.key, template.version), html, text)


def prepared(decision: Decision, context: PresentationContext) -> Message | EmailExperience:
    """Return what the message says, to be rendered; the withheld experience where there is none."""
    if context.withheld is not None:
        return _withheld(decision, context, context.withheld)
    slots = slots_of(decision, Channel.EMAIL)
    return compose(decision, context, slots) if slots else _withheld(decision, context, NOTHING_TO_SHOW)


def finished(
    decision: Decision,
    context: PresentationContext,
    message: Message,
    template: tuple[str, int],
    html: str,
    text: str,
) -> EmailExperience:
    """Return the message, rendered with a template of that key and version."""
    return EmailExperience(
        served_id=context.served_id,
        channel=Channel.EMAIL,
        assembled_at=context.assembled_at,
        decision=decision,
        to=message.to,
        subject=message.subject,
        preheader=message.preheader,
        html=html,
        text=text,
        headers=headers_of(decision, context),
        slots=slots_of(decision, Channel.EMAIL),
        template=template,
    )


def rendered(values: Mapping[str, Any], template: MessageTemplate) -> tuple[MessageTemplate, str, str]:
    """Return HTML and text of a message, and the template that they were made with.

    A marketer's template that fails costs its looks and not the message: that is made with the shipped one.
    """
    try:
        return template, html_of(values, template), text_of(values, template)
    except (LiquidError, OSError) as error:
        if template.version == 0:
            raise
        log.error(  # noqa: TRY400 - the template's fault, not ours: its trace says nothing
            "an email template failed", key=template.key, version=template.version, error=type(error).__name__
        )
        return shipped(), html_of(values, shipped()), text_of(values, shipped())


def html_of(values: Mapping[str, Any], template: MessageTemplate) -> str:
    """Return the message's HTML: every value escaped, MJML unfolded into what mail clients understand."""
    return markup_to_html(template.markup.render(**values))


def text_of(values: Mapping[str, Any], template: MessageTemplate) -> str:
    """Return the message as plain text, with the same items, reasons and links."""
    return re.sub(r"\n{3,}", "\n\n", template.plain.render(**values)).strip() + "\n"


def headers_of(decision: Decision, context: PresentationContext) -> tuple[Header, ...]:
    """Return the headers that the mail server sends beside To and Subject.

    The mail server's DKIM signature has to cover both List-Unsubscribe headers (RFC 8058, section 4).
    """
    speaker = context.speaker
    host = speaker.sender_email.rpartition("@")[2] or urlsplit(context.base_url).hostname or "localhost"
    headers = []
    if speaker.sender_email:
        headers.append(
            Header("From", _line(formataddr((speaker.sender_name or speaker.name, speaker.sender_email))))
        )
    headers += [
        Header("List-Id", _line(f"<{decision.scenario.key.replace('_', '-')}.{host}>")),
        Header("List-Unsubscribe", f"<{context.unsubscribe_url}>"),
        Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
    if context.served_id:
        headers.append(Header("X-Tutti-Served", context.served_id))
    return tuple(headers)


def _line(value: str) -> str:
    """Return a header's value on one line: what a catalogue says can never begin another header."""
    return " ".join(value.split())


def _withheld(decision: Decision, context: PresentationContext, why: Note) -> EmailExperience:
    return EmailExperience(
        served_id=None,
        channel=Channel.EMAIL,
        assembled_at=context.assembled_at,
        decision=decision,
        withheld=why,
        to=None,
        subject=None,
        preheader=None,
        html=None,
        text=None,
        headers=(),
        slots=(),
    )
