"""A batch: for every customer one message, asked for, kept, sent and noted; several at once."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from email_renderer.hub import Away, Hub, Message, Refused
from email_renderer.mime import Envelope, Unsendable, envelope
from email_renderer.outbox import FAILED, SENT, WITHHELD, Outbox
from email_renderer.smtp import Mailer, NotNow, Rejected

Progress = Callable[["Tally"], None]
TOLD_SECONDS = 2.0


@dataclass(slots=True)
class Tally:
    """How far a run has come."""

    customers: int = 0
    sent: int = 0
    withheld: int = 0
    failed: int = 0
    waiting: int = 0  # neither the hub nor the mail server could be asked: run it again
    before: int = 0  # settled by an earlier run
    began: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """How many customers were looked at."""
        return self.sent + self.withheld + self.failed + self.waiting + self.before

    def line(self) -> str:
        """Return it in words."""
        seconds = max(time.monotonic() - self.began, 1e-9)
        parts = [f"{self.done:,} of {self.customers:,} customers", f"{self.sent:,} sent"]
        others = {
            "withheld": self.withheld,
            "failed": self.failed,
            "waiting": self.waiting,
            "sent or settled before": self.before,
        }
        parts += [f"{count:,} {name}" for name, count in others.items() if count]
        return f"{', '.join(parts)}; {self.sent / seconds:.1f} a second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is to be sent, to whom, and through what."""

    scenario: str
    customers: list[str]
    ref: Callable[[str], Mapping[str, Any]]
    hub: Callable[[], Hub]
    mailer: Callable[[], Mailer]
    sender: str = ""
    bounces: str = ""
    workers: int = 4


def run(batch: Batch, outbox: Outbox, progress: Progress) -> Tally:
    """Send a batch, or what is left of it.

    Raises:
        Refused: the hub says no for good: nothing that follows could succeed.
    """
    tally = Tally(customers=len(batch.customers))
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for customer in dict.fromkeys(batch.customers):
        waiting.put(customer)
    tally.customers = waiting.qsize()
    stop, lock = threading.Event(), threading.Lock()
    told = time.monotonic()

    def work() -> None:
        nonlocal told
        hub, mailer = batch.hub(), batch.mailer()
        try:
            while not stop.is_set():
                try:
                    customer = waiting.get_nowait()
                except queue.Empty:
                    return
                outcome = _one(customer, batch, outbox, hub, mailer)
                with lock:
                    setattr(tally, outcome, getattr(tally, outcome) + 1)
                    if time.monotonic() - told >= TOLD_SECONDS:
                        told = time.monotonic()
                        progress(tally)
        except BaseException:
            stop.set()
            raise
        finally:
            mailer.close()
            hub.close()

    with ThreadPoolExecutor(batch.workers) as pool:
        _join([pool.submit(work) for _ in range(batch.workers)])
    progress(tally)
    return tally


def _join(futures: Iterable[Any]) -> None:
    for future in futures:
        future.result()


def _one(customer: str, batch: Batch, outbox: Outbox, hub: Hub, mailer: Mailer) -> str:
    """Do what is left for one customer; return the name of the count that it belongs to."""
    if outbox.settled(customer):
        return "before"
    kept = outbox.ready(customer)
    if kept is None:
        try:
            message = hub.message(batch.ref(customer), batch.scenario)
        except Away:
            return "waiting"
        kept_or_outcome = _keep(customer, message, batch, outbox)
        if isinstance(kept_or_outcome, str):
            return kept_or_outcome
        kept = kept_or_outcome
    try:
        mailer.send(kept)
    except NotNow:
        return "waiting"
    except Rejected as error:
        outbox.settle(customer, FAILED, str(error))
        return "failed"
    outbox.settle(customer, SENT)
    return "sent"


def _keep(customer: str, message: Message, batch: Batch, outbox: Outbox) -> Envelope | str:
    if message.withheld is not None:
        outbox.settle(customer, WITHHELD, message.withheld)
        return "withheld"
    try:
        made = envelope(message, sender=batch.sender, bounces=batch.bounces)
    except Unsendable as error:
        outbox.settle(customer, FAILED, str(error))
        return "failed"
    if not outbox.keep(customer, made):
        outbox.settle(customer, FAILED, f"a message {made.message_id} was kept before")
        return "failed"
    return made


__all__ = ["Batch", "Refused", "Tally", "run"]
