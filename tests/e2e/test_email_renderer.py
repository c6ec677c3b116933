"""The example renderer as its users run it: a process, a real hub, a real SMTP server on loopback."""

import email
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from email.policy import default
from pathlib import Path

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.e2e.customers import Shopper
from tests.e2e.hub_process import HubProcess, free_port

FOLDER = Path(__file__).parents[2] / "examples" / "email_renderer"


class Mailbox:
    """Takes messages as a mail server does, and refuses when it is told to."""

    def __init__(self) -> None:
        self.taken: list[email.message.EmailMessage] = []
        self.recipients: Counter[str] = Counter()
        self.not_yet: Counter[str] = Counter()  # how often to say 451 to a recipient
        self.never: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list
    ) -> str:
        if address in self.never:
            return "550 5.1.1 no such mailbox"
        if self.not_yet[address] > 0:
            self.not_yet[address] -= 1
            return "451 4.7.1 greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(email.message_from_bytes(envelope.content, policy=default))
        self.recipients.update(envelope.rcpt_tos)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    handler = Mailbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def render(hub_url: str, key: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "email_renderer", *arguments, "--hub", hub_url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(FOLDER), "RENDERER_KEY": key},
    )


def readers(hub: HubProcess, count: int) -> list[Shopper]:
    made = []
    for number in range(count):
        shopper = Shopper(
            hub, firstName=f"Reader{number}", email=f"r{number}-{time.monotonic_ns()}@example.com"
        )
        shopper.consents("EMAIL_MARKETING", "GRANTED")
        made.append(shopper)
    return made


def address_of(hub: HubProcess, shopper: Shopper) -> str:
    document = """query($for: CustomerRef!) { experience(for: $for, channel: EMAIL, scenario: "home", preview: true) {
      ... on EmailExperience { to } } }"""
    return hub.data(document, {"for": shopper.ref}, key="renderer")["experience"]["to"]


def test_it_asks_with_the_contracts_own_document():
    theirs = (FOLDER / "email_renderer" / "email.graphql").read_text()
    assert theirs == (Path(__file__).parents[1] / "contract" / "email.graphql").read_text()


def test_everybody_who_may_be_written_to_gets_one_message_whatever_the_mail_server_says_first(
    hub, mailbox, tmp_path
):
    box, smtp = mailbox
    people = readers(hub, 4)
    silent = Shopper(hub, email="silent@example.com")
    addresses = [address_of(hub, each) for each in people]
    box.not_yet[addresses[1]] = 2
    box.never.add(addresses[2])
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join([*(each.user_id for each in people), silent.user_id, people[0].user_id]))
    command = ("home", "--customers", str(ids), "--smtp", smtp, "--wait", "0.05", "--batch", "spring")

    first = render(hub.url, hub.keys["renderer"], *command, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stdout.split() == ["1", "FAILED:", "550", "5.1.1", "no", "such", "mailbox", "3", "SENT", "1", "WITHHELD:", "NO_CONSENT"]  # fmt: skip
    assert "5 of 5 customers, 3 sent, 1 withheld, 1 failed" in first.stderr
    assert box.recipients == Counter({addresses[0]: 1, addresses[1]: 1, addresses[3]: 1})

    again = render(hub.url, hub.keys["renderer"], *command, cwd=tmp_path)
    assert again.returncode == 0
    assert "0 sent, 5 sent or settled before" in again.stderr
    assert len(box.taken) == 3


def test_the_message_that_arrives_has_every_header_and_both_bodies_and_its_way_out_works(
    hub, mailbox, tmp_path
):
    box, smtp = mailbox
    (reader,) = readers(hub, 1)
    done = render(
        hub.url, hub.keys["renderer"], "home", "--customer", reader.user_id, "--smtp", smtp, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    (message,) = box.taken
    served = message["X-Tutti-Served"]
    assert message["Message-ID"] == f"<{served}@{message['From'].addresses[0].domain}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"].startswith("<home.")
    assert message["Date"].datetime is not None
    url = re.fullmatch(r"<(http://[^>]+/unsubscribe/[^>]+)>", message["List-Unsubscribe"])
    assert url is not None
    html = message.get_body(("html",)).get_content()
    text = message.get_body(("plain",)).get_content()
    kept = hub.data("query($id: ID!) { served(id: $id) { html } }", {"id": served}, key="agent")["served"]
    assert html.replace("\r\n", "\n").rstrip() == kept["html"].rstrip()
    assert message["Subject"]
    assert "Unsubscribe" in text
    for line in message.as_bytes().splitlines():
        assert len(line) <= 998

    answer = httpx.post(url.group(1), data={"List-Unsubscribe": "One-Click"}, timeout=20)
    assert answer.status_code == 200
    after = render(
        hub.url, hub.keys["renderer"], "home", "--customer", reader.user_id, "--smtp", smtp, "--batch", "next", cwd=tmp_path
    )  # fmt: skip
    assert "WITHHELD: NO_CONSENT" in after.stdout
    assert len(box.taken) == 1


def test_pictures_links_and_view_of_the_message_that_arrived_are_there(hub, mailbox, tmp_path):
    box, smtp = mailbox
    (reader,) = readers(hub, 1)
    render(hub.url, hub.keys["renderer"], "home", "--customer", reader.user_id, "--smtp", smtp, cwd=tmp_path)
    html = box.taken[0].get_body(("html",)).get_content()
    with httpx.Client(timeout=20) as client:
        pictures = set(re.findall(r'src="([^"]+)"', html))
        assert pictures
        for picture in pictures:
            answer = client.get(picture)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        links = set(re.findall(r'href="([^"]+/links/[^"]+)"', html))
        assert links
        for link in links:
            answer = client.get(link)
            assert (answer.status_code, answer.headers["location"].startswith("https://")) == (302, True)
        (view,) = set(re.findall(r'href="([^"]+/view/[^"]+)"', html))
        assert client.get(view).text.rstrip() == html.replace("\r\n", "\n").rstrip()


def test_a_mail_server_that_is_away_leaves_the_messages_in_the_outbox_as_they_are(hub, mailbox, tmp_path):
    box, smtp = mailbox
    (reader,) = readers(hub, 1)
    command = ("home", "--customer", reader.user_id, "--attempts", "2", "--wait", "0.05")
    away = f"smtp://127.0.0.1:{free_port()}"
    first = render(hub.url, hub.keys["renderer"], *command, "--smtp", away, cwd=tmp_path)
    assert (first.returncode, "1 waiting" in first.stderr) == (1, True)
    with sqlite3.connect(tmp_path / "outbox.sqlite") as db:
        (kept,) = db.execute("SELECT content FROM messages WHERE state = 'READY'").fetchone()
    db.close()
    # The hub is not asked again: what was written down as served is what goes out.
    second = render(
        f"http://127.0.0.1:{free_port()}", hub.keys["renderer"], *command, "--smtp", smtp, cwd=tmp_path
    )
    assert second.returncode == 0, second.stderr
    assert [message["Message-ID"] for message in box.taken] == [
        email.message_from_bytes(kept, policy=default)["Message-ID"]
    ]


def test_a_renderer_that_is_killed_goes_on_and_nobody_gets_two(hub, mailbox, tmp_path):
    box, smtp = mailbox
    people = readers(hub, 12)
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join(each.user_id for each in people))
    command = ["home", "--customers", str(ids), "--smtp", smtp, "--workers", "1", "--hub", hub.url]
    process = subprocess.Popen(
        [sys.executable, "-m", "email_renderer", *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(FOLDER), "RENDERER_KEY": hub.keys["renderer"]},
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while len(box.taken) < 4 and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert 4 <= len(box.taken) < 12
    done = render(hub.url, hub.keys["renderer"], *command[:-2], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len({message["To"] for message in box.taken}) == 12
    # What was taken and not yet noted when it died came again, under the same id: at most one of a worker.
    assert len({message["Message-ID"] for message in box.taken}) == 12
    assert len(box.taken) <= 13


def test_a_preview_is_written_and_nothing_is_sent(hub, mailbox, tmp_path):
    box, smtp = mailbox
    done = render(
        hub.url, hub.keys["renderer"], "newsletter", "--customer", "persona-ada", "--preview", "out", "--smtp", smtp, cwd=tmp_path
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    message = email.message_from_bytes((tmp_path / "out" / "persona-ada.eml").read_bytes(), policy=default)
    assert message["X-Tutti-Served"] is None
    assert message.get_body(("html",)) is not None
    assert box.taken == []


@pytest.mark.parametrize(
    ("key", "arguments", "said"),
    [
        ("renderer", ("no-such-scenario", "--customer", "x"), "no-such-scenario"),
        ("ingest", ("home", "--customer", "x"), "scope"),
        ("renderer", ("home",), "name somebody"),
        ("renderer", ("home", "--customer", "x", "--smtp", "http://mail"), "no mail server"),
        ("", ("home", "--customer", "x"), "RENDERER_KEY"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(hub, tmp_path, key, arguments, said):
    done = render(hub.url, hub.keys[key] if key else "", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help_tells_everything(tmp_path):
    done = render("http://127.0.0.1", "", "--help", cwd=tmp_path)
    assert done.returncode == 0
    for said in ("--smtp", "--outbox", "--preview", "RENDERER_KEY", "Exit code"):
        assert said in done.stdout
