"""The outbox: what was asked for and what became of it, in a SQLite file, so that nobody gets a message twice.

    READY      rendered and kept; not yet taken by the mail server. Sent as it is on the next run
    SENT       the mail server took it
    WITHHELD   the hub gave none, and why: NO_CONSENT, NO_ADDRESS, FREQUENCY_CAP, ...
    FAILED     the mail server refused it for good, and why

A message is kept before it is sent. If the renderer dies between the mail server's yes and our note of it, it is sent again
with the same Message-ID, which mailboxes show once. One process works on an outbox at a time.
"""

import fcntl
import sqlite3
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from email_renderer.mime import Envelope

READY, SENT, WITHHELD, FAILED = "READY", "SENT", "WITHHELD", "FAILED"
SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  batch TEXT NOT NULL, customer TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
  message_id TEXT UNIQUE, sender TEXT, recipient TEXT, content BLOB,
  changed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')),
  PRIMARY KEY (batch, customer)
)"""


class InUse(Exception):
    """Another renderer works on this outbox."""


class Outbox:
    """One batch in the file; safe to be used by several threads."""

    def __init__(self, path: Path, batch: str) -> None:
        self._lock_file = path.with_name(f"{path.name}.lock").open("w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock_file.close()
            raise InUse(f"another renderer works on {path}; wait for it, or name another outbox") from None
        self._batch = batch
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # a message that was sent must not be forgotten
        self._db.execute(SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._lock_file.close()

    def settled(self, customer: str) -> bool:
        """Tell whether nothing is left to do for a customer."""
        with self._lock:
            found = self._db.execute(
                "SELECT state FROM messages WHERE batch = ? AND customer = ?", (self._batch, customer)
            ).fetchone()
        return found is not None and found[0] != READY

    def ready(self, customer: str) -> Envelope | None:
        """Return the message that waits for the mail server, None if none does."""
        with self._lock:
            found = self._db.execute(
                "SELECT message_id, sender, recipient, content FROM messages "
                "WHERE batch = ? AND customer = ? AND state = ?",
                (self._batch, customer, READY),
            ).fetchone()
        return None if found is None else Envelope(*found)

    def keep(self, customer: str, envelope: Envelope) -> bool:
        """Keep a message before it is sent; False if one with its id was kept before."""
        with self._lock:
            done = self._db.execute(
                "INSERT OR IGNORE INTO messages (batch, customer, state, message_id, sender, recipient, content) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    self._batch,
                    customer,
                    READY,
                    envelope.message_id,
                    envelope.sender,
                    envelope.recipient,
                    envelope.content,
                ),
            )
        return done.rowcount == 1

    def settle(self, customer: str, state: str, reason: str = "") -> None:
        """Note what became of a customer's message; its content is not needed any more."""
        with self._lock:
            self._db.execute(
                "INSERT INTO messages (batch, customer, state, reason) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (batch, customer) DO UPDATE SET state = excluded.state, reason = excluded.reason, "
                "content = NULL, changed_at = strftime('%Y-%m-%dT%H:%M:%fZ')",
                (self._batch, customer, state, reason[:500]),
            )

    def counts(self) -> Counter[str]:
        """Return how many there are of each state and, behind a colon, reason."""
        with self._lock:
            rows = self._db.execute(
                "SELECT state, reason, count(*) FROM messages WHERE batch = ? GROUP BY 1, 2", (self._batch,)
            ).fetchall()
        return Counter({f"{state}: {reason}" if reason else state: n for state, reason, n in rows})
