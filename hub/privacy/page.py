"""An export for people: one page of HTML that needs nothing else, written piece by piece."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any

from hub.ledger.items import items_of
from hub.privacy.export import ExportService
from hub.profiles.model import Interest, Profile

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.8rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top;
padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8883; } th { font-weight: 600; }
td:first-child { white-space: nowrap; } p.none { color: #888; }
"""
CHANNELS = {"WEB": "On the website", "EMAIL": "By email", "SERVICE_DESK": "At the service desk"}


async def page(exports: ExportService, profile: Profile, at: datetime) -> AsyncIterator[bytes]:
    """Yield the page of everything that is held of a customer."""
    for part in _about(profile, at):
        yield part.encode()
    yield _heading("What you did and said").encode()
    yield _open("When", "What").encode()
    async for entry in exports.happened(profile):
        yield _row(_when(entry.at), entry.title).encode()
    yield b"</table>"
    yield _heading("What we showed you").encode()
    yield _open("When", "Where", "What", "Kept until").encode()
    async for served in exports.served(profile):
        titles = ", ".join(item.content.title for item in items_of(served))
        channel = CHANNELS.get(served.channel, served.channel)
        yield _row(_when(served.at), channel, titles, f"{served.expires_at:%d %B %Y}").encode()
    yield b"</table></body></html>"


def _about(profile: Profile, at: datetime) -> Iterable[str]:
    title = f"What we hold of {profile.display_name}"
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p>As of {_when(at)}. Everything is here; the same for programs, with every field, is the JSON form.</p>"
    )
    yield from _table(
        "How we know you",
        ("Since", "Sort", "Value"),
        [(_when(i.first_seen_at), i.type, i.value) for i in profile.identities],
    )
    yield from _table(
        "Facts",
        ("Since", "Fact", "Value", "Source"),
        [(_when(f.stamp.at), key, f.value, f.source.lower()) for key, f in profile.traits.items()],
    )
    yield from _table(
        "Your wishes",
        ("Since", "Wish", "Value"),
        [(_when(f.stamp.at), key, f.value) for key, f in profile.preferences.items()],
    )
    yield from _table(
        "What you allowed and refused",
        ("When", "Purpose", "Channel", "State", "Said where", "Policy", "Proof"),
        [
            (
                _when(c.updated_at) if c.updated_at else "",
                _plain(c.purpose),
                "every" if c.channel == "*" else _plain(c.channel),
                "nothing said" if c.updated_at is None else c.state.lower(),
                c.source,
                c.policy_version,
                c.proof,
            )
            for c in profile.consents
        ],
    )
    yield from _table(
        "What we believe you care about",
        ("Strength", "Interest", "Sort", "Because of"),
        [(f"{i.weight:.0%}", i.label, _plain(i.kind), _because(i)) for i in profile.interests],
    )
    yield from _table(
        "What you bought",
        ("Last", "Item", "How many"),
        [(_when(o.last_at), key, o.count) for key, o in profile.owned.items()],
    )


def _because(interest: Interest) -> str:
    return ", ".join(subject.removeprefix("text:") for subject in interest.subjects)


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterable[str]:
    yield _heading(title)
    if not rows:
        yield '<p class="none">Nothing.</p>'
        return
    yield _open(*names)
    for row in rows:
        yield _row(*row)
    yield "</table>"


def _heading(title: str) -> str:
    return f"<h2>{escape(title)}</h2>"


def _open(*names: str) -> str:
    return "<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in names) + "</tr>"


def _row(*cells: Any) -> str:
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _plain(constant: str) -> str:
    return constant.lower().replace("_", " ")
