r"""How a question is read: its letters made plain, and words that nobody knows put right.

    as typed    "Can I\u200b RETURN somethign???? 😡"
    plain       "Can I RETURN somethign?"             emoji, control signs, letters of odd widths, runs of marks
    read        "Can I RETURN something?"             the nearest word by which the house is asked

A word is put right only if no dictionary of the house's languages knows it, nor the house itself, so that "deactivate"
never becomes "reactivate"; only into a word by which the house is asked; and only for one slip, or two in a long
word: a letter too many, too few, wrong, or two exchanged (F. J. Damerau, CACM 7, 1964, found four in five
misspellings to be one of these), the first letter being right or exchanged with the second.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA
from spellchecker import SpellChecker

from hub.catalogue.building import answer_texts
from hub.catalogue.model import Answer

Knows = Callable[[str], bool]

ENGLISH = "en"
SHORTEST = 4  # letters of a word that is put right: shorter ones are near too many others
LONG = 8  # letters from which a word may have two slips
_WORD = re.compile(r"[^\W\d_]+")
_JOINED = re.compile(r"(?<=[^\W\d_])[._](?=[^\W\d_])")
_REPEATED = re.compile(r"([?!.,;:])(?:\s*[?!.,;:])+")
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk"})  # control signs, emoji and other symbols


def plain(question: str) -> str:
    """Return a question without what does not bear on its meaning; empty if no letter or digit is left."""
    composed = unicodedata.normalize("NFKC", question)
    kept = "".join(" " if unicodedata.category(sign) in _DROPPED else sign for sign in composed)
    spoken = _REPEATED.sub(r"\1", _JOINED.sub(" ", kept))
    return " ".join(spoken.split()) if any(sign.isalnum() for sign in spoken) else ""


class Spelling:
    """Puts words right by those in which a house is asked."""

    def __init__(self, asked: Iterable[str], said: Iterable[str], knows: Knows) -> None:
        """Take the texts by which answers are found, those that they say, and who knows the language's words."""
        self._counts = Counter(word for text in asked for word in _words(text))
        self._known = frozenset(self._counts) | {word for text in said for word in _words(text)}
        self._candidates = [word for word in self._counts if len(word) >= SHORTEST]
        self._knows = knows

    def corrected(self, question: str) -> str:
        """Return a question with its unknown words put right."""
        return _WORD.sub(lambda found: self._right(found[0]), question)

    def _right(self, word: str) -> str:
        low = word.casefold()
        if len(low) < SHORTEST or low in self._known or self._knows(low):
            return word
        most = 2 if len(low) >= LONG else 1
        near = [
            (slips, -self._counts[other], other)
            for other, slips, _ in process.extract(
                low, self._candidates, scorer=OSA.distance, score_cutoff=most, limit=None
            )
            if other[0] == low[0] or other[:2] == low[1::-1]
        ]
        return min(near)[2] if near else word


def spelling_of(answers: Iterable[Answer]) -> Spelling:
    """Return the spelling of a house, by its answers and the dictionaries of their languages."""
    known = list(answers)
    languages = {answer.locale.split("-")[0].lower() for answer in known} | {ENGLISH}
    return Spelling(
        (text for answer in known for text in answer_texts(answer)),
        (answer.text for answer in known),
        dictionary(frozenset(languages & set(SpellChecker.languages()))),
    )


@lru_cache(maxsize=4)
def dictionary(languages: frozenset[str]) -> Knows:
    """Return what tells whether a word, in lower case, is in a dictionary of one of these languages."""
    words = SpellChecker(language=sorted(languages)).word_frequency
    return lambda word: word in words


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
