"""`python -m email_renderer`: send a scenario's messages to a list of customers."""

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from email_renderer.hub import Hub, Patience, Refused
from email_renderer.mime import Unsendable, envelope
from email_renderer.outbox import InUse, Outbox
from email_renderer.sending import Batch, Tally, run
from email_renderer.smtp import Mailer, Server

EPILOG = """\
environment:
  RENDERER_KEY   the hub's key, of scope `renderer`
  SMTP_USER, SMTP_PASSWORD   for a mail server that wants them

examples:
  python -m email_renderer newsletter --customers ids.txt --smtp smtp://127.0.0.1:25
  python -m email_renderer newsletter --customer ada --preview out/

Run it again with the same batch and it goes on where it stopped. Exit code 0: everybody is settled; 1: some wait for
another run; 2: it could not begin.
"""
SCHEMES = {"smtp": ("none", 25), "smtp+starttls": ("starttls", 587), "smtps": ("implicit", 465)}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    key = os.environ.get("RENDERER_KEY", "")
    if not key:
        return _fault("set RENDERER_KEY to a key of scope `renderer` (`tutti keys create renderer`)")
    try:
        customers = _customers(given)
        server = _server(given.smtp)
    except (OSError, ValueError) as error:
        return _fault(str(error))
    patience = Patience(attempts=given.attempts, first=given.wait)
    ref = _ref(given.by)

    def hub() -> Hub:
        return Hub(given.hub, key, patience=patience)

    try:
        if given.preview is not None:
            return _preview(given, customers, hub(), ref)
        batch = Batch(
            scenario=given.scenario,
            customers=customers,
            ref=ref,
            hub=hub,
            mailer=lambda: Mailer(server, patience=patience),
            sender=given.sender,
            bounces=given.bounces,
            workers=given.workers,
        )
        with Outbox(given.outbox, given.batch or given.scenario) as outbox:
            tally = run(batch, outbox, _tell)
            for what, count in sorted(outbox.counts().items()):
                sys.stdout.write(f"{count:>9,}  {what}\n")
    except (Refused, InUse) as error:
        return _fault(str(error))
    except KeyboardInterrupt:
        return _fault("stopped; run it again and it goes on")
    return 1 if tally.waiting else 0


def _preview(given: argparse.Namespace, customers: list[str], hub: Hub, ref: Any) -> int:
    """Write messages into files; nothing is sent, and nothing counts at the hub."""
    given.preview.mkdir(parents=True, exist_ok=True)
    for customer in customers:
        message = hub.message(ref(customer), given.scenario, preview=True)
        if message.withheld is not None:
            sys.stdout.write(f"{customer}: none, {message.withheld}\n")
            continue
        try:
            content = envelope(message, sender=given.sender).content
        except Unsendable as error:
            sys.stdout.write(f"{customer}: none, {error}\n")
            continue
        path = given.preview / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', customer)}.eml"
        path.write_bytes(content)
        sys.stdout.write(f"{path}: {message.subject}\n")
    hub.close()
    return 0


def _tell(tally: Tally) -> None:
    sys.stderr.write(f"{tally.line()}\n")
    sys.stderr.flush()


def _fault(text: str) -> int:
    sys.stderr.write(f"email-renderer: {text}\n")
    return 2


def _customers(given: argparse.Namespace) -> list[str]:
    listed = list(given.customer)
    if given.customers is not None:
        text = (
            sys.stdin.read() if str(given.customers) == "-" else given.customers.read_text(encoding="utf-8")
        )
        listed += [line.strip() for line in text.splitlines() if line.strip()]
    if not listed:
        raise ValueError("name somebody: --customer ID, or --customers FILE with one id a line")
    return listed


def _server(url: str) -> Server:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError(
            f"{url!r} is no mail server; one is {', '.join(f'{s}://HOST:PORT' for s in SCHEMES)}"
        )
    tls, port = SCHEMES[parts.scheme]
    return Server(
        parts.hostname,
        parts.port or port,
        tls,
        os.environ.get("SMTP_USER", ""),
        os.environ.get("SMTP_PASSWORD", ""),
    )


def _ref(by: str) -> Any:
    def ref(customer: str) -> Mapping[str, Any]:
        return {by: customer}

    return ref


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="email-renderer",
        description="Asks a Tutti hub for a scenario's finished messages and hands them to a mail server: each "
        "customer gets one, however often this is run.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", help="key of the scenario, such as newsletter")
    parser.add_argument(
        "--customer", action="append", default=[], metavar="ID", help="a customer; may be repeated"
    )
    parser.add_argument(
        "--customers", type=Path, metavar="FILE", help="customers, one id a line; - reads standard input"
    )
    parser.add_argument(
        "--by", choices=("userId", "email", "id"), default="userId", help="what the ids are (default: userId)"
    )
    parser.add_argument(
        "--hub", default="http://127.0.0.1:8470", help="where the hub is reached (default: %(default)s)"
    )
    parser.add_argument(
        "--smtp",
        default="smtp://127.0.0.1:25",
        metavar="URL",
        help="the mail server: smtp://, smtp+starttls:// or smtps:// (default: %(default)s)",
    )
    parser.add_argument("--from", dest="sender", default="", help="sender, where the brand facts name none")
    parser.add_argument(
        "--bounces", default="", help="where undeliverable mail returns to (default: the sender)"
    )
    parser.add_argument(
        "--outbox", type=Path, default=Path("outbox.sqlite"), help="file that remembers what was sent"
    )
    parser.add_argument("--batch", default="", help="name of this sending (default: the scenario's key)")
    parser.add_argument("--workers", type=_count, default=4, help="how many at once (default: %(default)s)")
    parser.add_argument(
        "--attempts",
        type=_count,
        default=6,
        help="tries before a message waits for another run (default: %(default)s)",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=0.5,
        help="seconds before the second try, doubling (default: %(default)s)",
    )
    parser.add_argument(
        "--preview", type=Path, metavar="FOLDER", help="write .eml files instead; nothing is sent"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
