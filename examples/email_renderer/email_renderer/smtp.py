"""The mail server: one connection a thread, kept open, opened again when it breaks."""

import contextlib
import smtplib
import ssl
from dataclasses import dataclass

from email_renderer.hub import Patience
from email_renderer.mime import Envelope


class Rejected(Exception):
    """The mail server refuses a message for good (5xx); the message is its answer."""


class NotNow(Exception):
    """The mail server did not take a message, however often it was tried."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the mail server is, and how it wants to be spoken to."""

    host: str
    port: int
    tls: str = "none"  # none, starttls or implicit
    user: str = ""
    password: str = ""
    timeout: float = 30.0


class Mailer:
    """Hands messages over. One instance a thread."""

    def __init__(self, server: Server, *, patience: Patience) -> None:
        self._server = server
        self._patience = patience
        self._connection: smtplib.SMTP | None = None

    def send(self, envelope: Envelope) -> None:
        """Return when the mail server has taken the message.

        Raises:
            Rejected: it refuses for good; trying again is of no use.
            NotNow: it could not be reached, or asked to come back later, to the last.
        """
        said = ""
        for attempt in range(1, self._patience.attempts + 1):
            if attempt > 1:
                self._patience.wait(attempt - 1)
            try:
                self._hand_over(envelope)
            except smtplib.SMTPRecipientsRefused as error:
                code, answer = next(iter(error.recipients.values()))
                said = _said(code, answer)
                self._judge(code, said)
            except smtplib.SMTPResponseException as error:
                said = _said(error.smtp_code, error.smtp_error)
                self._judge(error.smtp_code, said)
            except (OSError, smtplib.SMTPException) as error:
                said = f"{type(error).__name__}: {error}"
                self.close()
            else:
                return
        raise NotNow(said)

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def _hand_over(self, envelope: Envelope) -> None:
        connection = self._connection or self._open()
        # An address beyond ASCII needs a server that knows RFC 6531; one that does not refuses it.
        plain = (envelope.sender + envelope.recipient).isascii()
        options = () if plain else ("SMTPUTF8", "BODY=8BITMIME")
        connection.sendmail(envelope.sender, [envelope.recipient], envelope.content, mail_options=options)

    def _open(self) -> smtplib.SMTP:
        server = self._server
        if server.tls == "implicit":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout, context=ssl.create_default_context()
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
        self._connection = connection
        if server.tls == "starttls":
            connection.starttls(context=ssl.create_default_context())
        if server.user:
            connection.login(server.user, server.password)
        return connection

    def _judge(self, code: int, said: str) -> None:
        if code >= 500:
            raise Rejected(said)
        self.close()


def _said(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(text.split())}"
