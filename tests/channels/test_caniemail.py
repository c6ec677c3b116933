"""What the main mail programs make of our messages, by caniemail.com's data (npm `caniemail`, pinned)."""

import json
import subprocess

import pytest

from hub.channels.base import present
from hub.decisions.model import Channel
from tests.channels.house import make_context
from tests.node_tools import FOLDER, installed, node

CLIENTS = (
    "gmail.desktop-webmail",
    "gmail.ios",
    "gmail.android",
    "apple-mail.ios",
    "apple-mail.macos",
    "outlook.windows",
    "outlook.outlook-com",
    "outlook.ios",
    "outlook.android",
    "outlook.macos",
    "yahoo.desktop-webmail",
    "yahoo.ios",
    "yahoo.android",
    "samsung-email.android",
    "thunderbird.macos",
)
# What a program may leave out, and what the reader has then. Whatever else one does not support fails.
GRACEFUL = {
    "color-scheme meta tag": "the program darkens the message by its own rules, or leaves it light",
    "color-scheme CSS property": "the same",
    "@media": "one width and light: columns of a table, which Outlook for Windows has room for",
    "Attribute selector": "dark colours of Outlook's own; the light ones stay",
    "Chaining selectors": "a dark colour less",
    "border-radius": "square corners",
    "border-spacing": "tables have cellspacing=0 as an attribute",
    "cursor": "the pointer's shape",
    "target attribute": "links open in a new window anyway",
    "outline": "a picture's outline, which is set to none",
    "opacity": "the hidden preview line is hidden by its size and colour too",
    "overflow": "the same",
    "max-height property": "the same",
    "word-spacing": "set by a reset, to what it is",
    "word-break": "the same",
    "height property": "pictures have their width as an attribute",
    "aria-label attribute": "a screen reader reads the message's words",
    "<body> element": "it is made a div, with the same colours on the tables inside",
}


def told(html: str) -> dict[str, dict[str, list[str]]]:
    installed("caniemail")
    done = subprocess.run(
        [node(), str(FOLDER / "check_message.mjs"), *CLIENTS],
        input=html,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return found


def unsupported(html: str) -> dict[str, set[str]]:
    return {client: set(each["unsupported"]) for client, each in told(html).items()}


def test_what_a_main_mail_program_does_not_support_costs_no_more_than_looks(sample):
    message = present(sample.decision, Channel.EMAIL, sample.context)
    found = unsupported(message.html)
    assert set(found) == set(CLIENTS)
    assert {client: sorted(features - GRACEFUL.keys()) for client, features in found.items()} == {
        client: [] for client in CLIENTS
    }


def test_nothing_in_a_message_is_untried_in_a_main_program(sample):
    found = told(present(sample.decision, Channel.EMAIL, sample.context).html)
    assert {client: each["unknown"] for client, each in found.items()} == {client: [] for client in CLIENTS}
    fixed = "<html><body><table style='table-layout:fixed'><tr><td>x</td></tr></table></body></html>"
    assert told(fixed)["thunderbird.macos"]["unknown"] == ["table-layout"]


def test_the_newest_version_of_a_program_counts():
    """In the order of letters 78 would come after 149."""
    html = "<html><head><style>p { animation: turn 1s; text-decoration-thickness: 2px }</style></head><p>x</p></html>"
    found = unsupported(html)["thunderbird.macos"]
    assert "animation" in found
    assert "text-decoration-thickness" not in found


def test_a_preview_is_the_same(sample):
    message = present(sample.decision, Channel.EMAIL, make_context(served_id=None))
    assert {
        feature for features in unsupported(message.html).values() for feature in features
    } <= GRACEFUL.keys()


@pytest.mark.parametrize(
    ("markup", "feature"),
    [
        ('<div style="display:flex;position:absolute">x</div>', "display:flex"),
        ('<img src="picture.svg" alt="" width="9">', "SVG image format"),
        ("<video src='film.mp4'></video>", "<video> element"),
    ],
)
def test_what_programs_do_not_show_would_be_seen_here(markup, feature):
    found = unsupported(f"<html><body>{markup}</body></html>")
    missing = {name for features in found.values() for name in features} - GRACEFUL.keys()
    assert feature in missing
