"""How reasons are told: instants, titles and deeds in the words a person would use."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.catalogue.model import Content, ContentKind
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.kit.clock import to_milliseconds
from hub.profiles.model import Evidence, SignalKind
from hub.profiles.view import ProfileView

JUST_NOW = timedelta(minutes=30)
WEEK = 7
FORTNIGHT = 14
READ_AHEAD = 600  # characters of a text that are looked at for the spelling of a word
OFTEN = {2: "twice", 3: "three times", 4: "four times", 5: "five times"}
SAME_YEAR = 330  # days for which the name of a month alone cannot be mistaken for another year's

_WORD = re.compile(r"\w+")
_DETAIL = re.compile(r",| with | \(| [-\N{EN DASH}] |: ")

# (before the title, after the title); the strongest deed first: it is the one that is told
DEEDS: dict[SignalKind, tuple[str, str]] = {
    SignalKind.PURCHASED: ("you bought", ""),
    SignalKind.SAVED: ("you saved", ""),
    SignalKind.ADDED: ("you put", " in your basket"),
    SignalKind.READ: ("you read", ""),
    SignalKind.CLICKED: ("you looked at", ""),
    SignalKind.VIEWED: ("you looked at", ""),
}
_STRENGTH = {kind: len(DEEDS) - place for place, kind in enumerate(DEEDS)}


def when(then: datetime, at: datetime) -> str:
    """Return when something was, seen from `at`: "just now", "yesterday", "on Tuesday", "in March 2024"."""
    then, at = to_milliseconds(then), to_milliseconds(at)
    days = (at.date() - then.date()).days
    if at - then < JUST_NOW:
        return "just now"
    if days == 0:
        return "earlier today"
    if days == 1:
        return "yesterday"
    if days < WEEK:
        return f"on {then:%A}"
    if days < FORTNIGHT:
        return "last week"
    return f"in {then:%B}" if days < SAME_YEAR else f"in {then:%B %Y}"


def day(then: datetime, at: datetime) -> str:
    """Return a day as it is written in a sentence: "3 April", with its year where it is not this one."""
    then, at = to_milliseconds(then), to_milliseconds(at)
    return f"{then.day} {then:%B}" if then.year == at.year else f"{then.day} {then:%B %Y}"


def span(days: float) -> str:
    """Return a length of time as it is said: "10 days", "6 weeks", "4 months"."""
    for unit, length, least in (("month", 30.44, 90), ("week", 7, 18)):
        if days >= least:
            return f"{round(days / length)} {unit}s"
    count = max(round(days), 1)
    return f"{count} day{'s' if count > 1 else ''}"


def quoted(title: str) -> str:
    """Return a title in quotation marks that do not stand in it, without white space at its ends."""
    title = title.strip()
    return f'"{title}"' if "'" in title else f"'{title}'"


def short_title(content: Content) -> str:
    """Return a title as it is said: of a product without size, colour and what comes with it.

    "Dry cat food, chicken and barley, 3 kg" is "Dry cat food", "Oak seat with slow hinges" is "Oak seat".
    """
    if content.kind is not ContentKind.PRODUCT:
        return content.title.strip()
    return _DETAIL.split(content.title.strip(), maxsplit=1)[0] or content.title.strip()


def thing(content: Content) -> str:
    """Return a short title as it stands within a sentence: "oak seat", "Harbour House espresso", "'Alba pot'".

    A capital at the beginning may be a name's or the sentence's. It is a sentence's if the content's own
    words use it in small letters too, and a name's if the next word has one as well; otherwise nobody can
    tell, and the title stays as it is, in quotation marks.
    """
    title = short_title(content)
    first, _, rest = title.partition(" ")
    if first.istitle() and rest and rest[0].isupper():
        return title
    small = first.lower()
    own_words = f"{' '.join(content.tags)} {content.category} {content.summary} {content.text[:READ_AHEAD]}"
    if first.istitle() and small in _WORD.findall(own_words):
        return f"{small} {rest}".strip()
    return quoted(title)


def given_back(view: ProfileView) -> frozenset[str]:
    """Return the keys of what the customer bought, sent back and does not have."""
    back = {s.content_key for s in view.recent if s.kind is SignalKind.REFUNDED and s.content_key is not None}
    return frozenset(key for key in back if key not in view.owned or view.owned[key].count <= 0)


def leaf_words(category: str) -> str:
    """Return the last part of a category's path as words: "garden/rose-bushes" is "rose bushes"."""
    return category.rsplit("/", 1)[-1].replace("-", " ").replace("_", " ").strip().lower()


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What the customer did, looked up when a sentence is asked for, and only then."""

    view: ProfileView
    snapshot: CatalogueSnapshot
    _deeds: dict[str, tuple[SignalKind, datetime]] = field(default_factory=dict, init=False)
    _lately: Counter[tuple[str, SignalKind]] = field(default_factory=Counter, init=False)

    def deed(self, key: str) -> tuple[SignalKind, datetime] | None:
        """Return the strongest thing done with a content and when last, None if nothing is known."""
        if not self._deeds:
            back = given_back(self.view)
            for signal in self.view.recent:
                if signal.content_key is None or signal.kind not in DEEDS or signal.stamp.at > self.view.at:
                    continue
                if signal.kind is SignalKind.PURCHASED and signal.content_key in back:
                    continue
                if self.view.at - signal.stamp.at < timedelta(days=WEEK):
                    self._lately[signal.content_key, signal.kind] += 1
                known = self._deeds.get(signal.content_key)
                if known is None or _STRENGTH[signal.kind] >= _STRENGTH[known[0]]:
                    self._deeds[signal.content_key] = (signal.kind, signal.stamp.at)
        found = self._deeds.get(key)
        owned = self.view.owned.get(key)
        if owned is not None and owned.count > 0 and (found is None or found[0] is not SignalKind.PURCHASED):
            return SignalKind.PURCHASED, owned.last_at
        return found

    def because(self, evidence: Iterable[Evidence], *, about: str) -> str:
        """Return the reason that lies in a piece of evidence: "Because you read 'Pruning roses' on Tuesday".

        Of what was done more than once within seven days it says so: "twice this week". The first of `evidence` that can be told is told; `about` is the key of the item explained, of
        which is said "You read this on Tuesday". Returns "" if none can be told.
        """
        for piece in evidence:
            known = self.deed(piece.content_key)
            row = self.snapshot.row(piece.content_key)
            if known is None or row is None:
                continue
            before, after = DEEDS[known[0]]
            times = self._lately[piece.content_key, known[0]]
            often = f"{OFTEN.get(times, f'{times} times')} this week" if times > 1 else ""
            told = f"{after} {often or when(known[1], self.view.at)}"
            if piece.content_key == about:
                return f"{before.capitalize()} this{told}"
            return f"Because {before} {quoted(short_title(self.snapshot.contents[row]))}{told}"
        return ""
