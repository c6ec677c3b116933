"""A message as a mail server takes it: MIME, with every header that mail clients look for.

    Message-ID                        made of the served id, so that a message sent twice is seen as one
    List-Unsubscribe(-Post), List-Id  as the hub gave them (RFC 2369, RFC 8058, RFC 2919)

The mail server signs: its DKIM signature has to cover both List-Unsubscribe headers (RFC 8058, section 4).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from email_renderer.hub import Message

LONGEST_LINE = 998  # RFC 5322, section 2.1.1; a folded List-Unsubscribe would be encoded and not be read


class Unsendable(Exception):
    """A message that no mail server could take."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message ready to go."""

    message_id: str
    sender: str
    recipient: str
    content: bytes


def envelope(
    message: Message, *, sender: str = "", bounces: str = "", now: datetime | None = None
) -> Envelope:
    """Return a message in its envelope.

    Args:
        message: as the hub gave it.
        sender: who it is from, where the hub's brand facts name nobody.
        bounces: where a mail server sends what it cannot deliver; default: the sender's address.
        now: its date; default: the machine's clock.

    Raises:
        Unsendable: there is no sender, or an address or header is none.
    """
    made = EmailMessage(policy=SMTP)
    given = {name.lower() for name, _ in message.headers}
    try:
        for name, value in message.headers:
            made[name] = value
        if "from" not in given:
            if not sender:
                raise Unsendable("nobody is named that it is from: add one to the brand facts, or use --from")
            made["From"] = sender
        address = parseaddr(str(made["From"]))[1]
        made["To"] = message.to
        made["Subject"] = message.subject
        made["Date"] = format_datetime(now or datetime.now(UTC))
        host = address.rpartition("@")[2] or "localhost"
        # The header says it as mail logs and `tutti` do; a hub that sends none is taken by its global id.
        message_id = f"<{made['X-Tutti-Served'] or message.served_id}@{host}>"
        made["Message-ID"] = message_id
    except (ValueError, TypeError) as error:
        raise Unsendable(f"a header cannot be written: {error}") from None
    recipient = parseaddr(message.to)[1]
    if "@" not in recipient or "@" not in address:
        raise Unsendable("an address is no address")
    made.set_content(message.text, cte="quoted-printable")
    made.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return Envelope(
        message_id,
        bounces or address,
        recipient,
        made.as_bytes(policy=SMTP.clone(max_line_length=LONGEST_LINE)),
    )
