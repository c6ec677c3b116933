"""What is taken out of a question before it is kept, and before it is told.

    kept    addresses (mail and web), handles, numbers of three digits and more, the customer's own names,
            street and postcode become one mark each
    told    and so does every word that fewer than `SMALLEST_GROUP` askers used, unless the house itself uses it

Patterns and a list of names cannot find all that is personal; a word that nobody else says and the
house does not know may be anything. So the second rule asks who says a word, not what it means.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import chain

from hub.catalogue.building import answer_texts
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.insights.similar import SMALLEST_GROUP
from hub.profiles.dedupe import SPELLINGS
from hub.profiles.model import Profile

MARK = "…"
LEAST_LETTERS = 2  # of a name that is looked for: an initial would take too much else with it
_ADDRESSES = re.compile(r"\S+@\S*|\bhttps?://\S+|\bwww\.\S+", re.IGNORECASE)
_NUMBERS = re.compile(r"\w*\d(?:[\s./()+-]{0,2}\d){2,}\w*")
_WORDS = re.compile(r"\w+")
_MARKS = re.compile(rf"{MARK}(?:[^\w{MARK}]*{MARK})+")
_PERSONAL = (
    "name", "full_name", "address",
    *(spelling for field in ("given", "family", "street", "postcode") for spelling in SPELLINGS[field]),
)  # fmt: skip


def kept(question: str, profile: Profile | None) -> str:
    """Return what may be kept of a question by somebody, or by nobody in particular."""
    text = _NUMBERS.sub(MARK, _ADDRESSES.sub(MARK, question))
    if profile is not None:
        own = _own_words(profile)
        text = _WORDS.sub(lambda found: MARK if found[0].casefold() in own else found[0], text)
    return _MARKS.sub(MARK, text)


def told(text: str, common: Collection[str]) -> str:
    """Return what may be told of a question that was kept: its words that are common."""
    shown = _WORDS.sub(lambda found: found[0] if found[0].casefold() in common else MARK, text)
    return _MARKS.sub(MARK, shown)


def hidden(text: str) -> int:
    """Count the marks of a text: how little of it is told."""
    return text.count(MARK)


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text, in lower case."""
    return frozenset(word.casefold() for word in _WORDS.findall(text))


def common_words(askers: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return the words that at least `SMALLEST_GROUP` askers used, out of who asked each text."""
    users: dict[str, set[str]] = {}
    for text, who in askers.items():
        for word in words_of(text):
            users.setdefault(word, set()).update(who)
    return frozenset(word for word, who in users.items() if len(who) >= SMALLEST_GROUP)


def house_words(snapshot: CatalogueSnapshot) -> frozenset[str]:
    """Return the words that the house itself uses, in its answers and titles."""
    texts: Iterable[str] = chain(
        chain.from_iterable((*answer_texts(answer), answer.text) for answer in snapshot.answers),
        (content.title for content in snapshot.contents),
    )
    return frozenset(chain.from_iterable(map(words_of, texts)))


def _own_words(profile: Profile) -> frozenset[str]:
    values = [identity.value for identity in profile.identities]
    values += [str(profile.traits[name].value) for name in _PERSONAL if name in profile.traits]
    return frozenset(word for value in values for word in words_of(value) if len(word) >= LEAST_LETTERS)
