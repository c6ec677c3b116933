"""Words for a direction: what the titles behind it have in common that other titles have not.

Phrases of one to three words are scored by their part of the Kullback-Leibler divergence between the
evidence and the whole catalogue, `share * log(share / usual share)`: frequent here, rare elsewhere.
The best phrase, and a second one that adds something, make the label: "lunch bags, retrospot". One title
alone has nothing in common with anything: its own beginning is the label, if that is short.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Self

MOST_WORDS = 4  # in a label
LONGEST = 3  # words in a phrase
USUAL = 3.0  # added to a phrase's count in the corpus: a phrase seen once is no discovery
SECOND = 0.35  # a second phrase is said if it scores at least this part of the first
TOGETHER = 0.5  # of the titles with the rarer of two phrases must have both side by side to make them one
REPEATED = 0.5  # what a title that the first phrase covers counts for the second
WEAK = 0.4  # factor for each weak word in a phrase
SOLID = 1.3  # factor for more than one word: "luggage tags" rather than "luggage"
CHANCE = 0.5  # factor for words that stand together in one title of the corpus only: it may be chance
REMEMBERED = 16_384  # titles whose phrases are kept, and phrases whose weights are
PRUNED = 1 - 1e-9  # so that rounding prunes nothing that could win
LABELS_REMEMBERED = (
    8_192  # labels kept by their evidence: one more event changes the evidence of one direction
)

_WORD = re.compile(r"[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}-][^\W\d_]+)*")
_BREAK = re.compile(r"[,;:.!?()/\"|\u2013\u2014]|\s-\s|\d+")
_AND = re.compile(r"\s*[&+]\s*")
_STOP_WORDS = """
a about after an and any are as at be before but by can do every for from has have how i in into is it its left
more most much my no not of off on only or other our out over s so than that the their them then there these this
to too under up was we what when where which who why will with without you your
w c x cm mm ml kg g l
"""
# True of so many things that they say little of one: sizes, quantities, colours.
_PALE_WORDS = """
set sets pack packs pc pcs piece pieces pair pairs assorted asstd small large medium mini big little giant size
sized design designs style colour colours color colors new best better great good vintage traditional classic
black white red blue green pink yellow purple orange brown grey gray ivory cream silver gold turquoise lilac
beige multicolour one two three four five six
"""
_STOP = frozenset(_STOP_WORDS.split())
_PALE = frozenset(_PALE_WORDS.split())

Phrase = tuple[str, ...]


class Labeller:
    """Knows the usual words of a corpus; immutable but for memories, which change no answer."""

    def __init__(
        self, counts: Counter[Phrase], surfaces: dict[str, str], plurals: dict[str, str], texts: int
    ) -> None:
        self._counts = counts
        self._bases = surfaces
        self._plurals = plurals
        self._texts = texts
        self._phrases_of = lru_cache(maxsize=REMEMBERED)(self._phrases)
        self._worth_of = lru_cache(maxsize=REMEMBERED)(self._worth)
        self._label_of = lru_cache(maxsize=LABELS_REMEMBERED)(self._label)
        self._most_worth = math.log((texts + 2 * USUAL) / USUAL) * SOLID

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Self:
        """Learn from the titles of a catalogue which phrases are usual; an empty corpus is allowed."""
        split = [_segments(text) for text in texts]
        forms = Counter(word for segments in split for segment in segments for word in segment)
        bases = {word: base for word in forms if (base := _singular(word, forms)) != word}
        plurals: dict[str, str] = {}
        for plural, base in bases.items():
            if base not in plurals or forms[plural] > forms[plurals[base]]:
                plurals[base] = plural
        counts: Counter[Phrase] = Counter()
        for segments in split:
            counts.update(_phrases(segments, bases))
        common = Counter({phrase: n for phrase, n in counts.items() if n > 1})
        return cls(common, bases, plurals, len(split))

    def label(
        self, texts: Sequence[str], weights: Sequence[float] | None = None, *, taken: Collection[str] = ()
    ) -> str:
        """Return a few readable words, lower case, for what `texts` have in common; "" for no texts.

        Args:
            texts: the titles behind a direction.
            weights: how much each says, 0 or more; default all alike.
            taken: labels that are in use already and must not come out again.

        Raises:
            ValueError: if there are not as many weights as texts.
        """
        weights = [1.0] * len(texts) if weights is None else weights
        if len(weights) != len(texts):
            raise ValueError(f"{len(texts)} texts, but {len(weights)} weights")
        said: dict[str, float] = {}  # a title bought five times is one title, heavier
        for text, weight in zip(texts, weights, strict=True):
            said[text] = said.get(text, 0.0) + max(float(weight), 0.0)
        return self._label_of(tuple(said.items()), frozenset(taken))

    def _label(self, evidence: tuple[tuple[str, float], ...], taken: frozenset[str]) -> str:
        said = dict(evidence)
        whole = sum(said.values())
        if not whole:
            said = dict.fromkeys(said, 1.0)
            whole = float(len(said))
        if not said:
            return ""
        if len(said) == 1 and (name := _name(next(iter(said)))) and name not in taken:
            return name
        titles = [(self._phrases_of(text), weight / whole) for text, weight in said.items()]
        first = self._best(titles, taken=taken)
        if first is None:
            return _fallback(max(said, key=lambda text: (bool(text.strip()), said[text], text)))
        second = self._second(first, titles, taken)
        if second is not None and (whole_phrase := self._joined(first[0], second, titles, taken)):
            first = (whole_phrase, first[1])
            second = self._second(first, titles, taken)
        label = self._spell(first[0], titles)
        if second is not None:
            both = f"{label}, {self._spell(second, titles)}"
            if both not in taken:
                return both
        return label

    def _second(
        self,
        first: tuple[Phrase, float],
        titles: Sequence[tuple[frozenset[Phrase], float]],
        taken: Collection[str],
    ) -> Phrase | None:
        """Return a phrase that adds something to the first one, None where there is none."""
        rest = [(phrases, share * REPEATED if first[0] in phrases else share) for phrases, share in titles]
        found = self._best(rest, taken=taken, apart_from=first[0])
        return found[0] if found is not None and found[1] >= SECOND * first[1] else None

    def _joined(
        self,
        first: Phrase,
        second: Phrase,
        titles: Sequence[tuple[frozenset[Phrase], float]],
        taken: Collection[str],
    ) -> Phrase | None:
        """Return both phrases as one, in the order in which titles have them side by side.

        "sunflower hearts" and not "hearts, sunflower": where the words mostly stand together they are one name.
        """

        def share(phrase: Phrase) -> float:
            return sum(part for phrases, part in titles if phrase in phrases)

        least = TOGETHER * min(share(first), share(second))
        for phrase in (first + second, second + first):
            if share(phrase) >= max(least, 1e-12) and self._spell(phrase, titles) not in taken:
                return phrase
        return None

    def _best(
        self,
        titles: Sequence[tuple[frozenset[Phrase], float]],
        *,
        taken: Collection[str],
        apart_from: Phrase = (),
    ) -> tuple[Phrase, float] | None:
        """Return the phrase that scores best and its score; ties go to more words, then by the alphabet."""
        shares: dict[Phrase, float] = defaultdict(float)
        for phrases, share in titles:
            for phrase in phrases:
                shares[phrase] += share
        most = MOST_WORDS - len(apart_from)
        best: tuple[Phrase, float] | None = None
        best_rank = (0.0, 0)
        least = 0.0  # a share that could not reach the best score, were its phrase as telling as one can be
        for phrase, share in shares.items():
            if share < least or len(phrase) > most:
                continue
            if apart_from and not set(phrase).isdisjoint(apart_from):
                continue
            usual, weight = self._worth_of(phrase)
            score = share * math.log(max(share / usual, 1.0)) * weight
            rank = (score, len(phrase))
            better = best is None or rank > best_rank or (rank == best_rank and phrase < best[0])
            if score > 0 and better and (apart_from or self._spell(phrase, titles) not in taken):
                best, best_rank = (phrase, score), rank
                least = score / self._most_worth * PRUNED
        return best

    def _worth(self, phrase: Phrase) -> tuple[float, float]:
        """Return a phrase's usual share of titles, and its weight."""
        weight = WEAK ** sum(word in _PALE for word in phrase)
        if len(phrase) > 1:
            weight *= SOLID if phrase in self._counts or not self._texts else SOLID * CHANCE
        return (self._counts[phrase] + USUAL) / (self._texts + 2 * USUAL), weight

    def _spell(self, phrase: Phrase, titles: Sequence[tuple[frozenset[Phrase], float]]) -> str:
        """Return a phrase as words: in the plural where several titles share it and the corpus knows one."""
        last = phrase[-1]
        if sum(phrase in phrases for phrases, _ in titles) > 1:
            last = self._plurals.get(last, last)
        return " ".join([*phrase[:-1], last])

    def _phrases(self, text: str) -> frozenset[Phrase]:
        return _phrases(_segments(text), self._bases)


def _segments(text: str) -> list[list[str]]:
    """Return the words of a text, lower case, split where a phrase cannot go on."""
    plain = _AND.sub(" and ", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return [words for part in _BREAK.split(plain) if (words := _WORD.findall(part))]


def _name(text: str) -> str:
    """Return what a single text calls its thing, up to where the phrase ends; "" if that is long, or says little.

    "ladder shelf in ash" of "Ladder shelf in ash, 180 cm"; the article of "A kitten's first week" is left out.
    """
    for segment in _segments(text):
        telling = [at for at, word in enumerate(segment) if word not in _STOP and len(word) > 1]
        if any(segment[at] not in _PALE for at in telling):
            words = segment[telling[0] : telling[-1] + 1]
            return " ".join(words) if len(words) <= MOST_WORDS else ""
    return ""


def _phrases(segments: Iterable[Sequence[str]], bases: dict[str, str]) -> frozenset[Phrase]:
    """Return the phrases of a text: neither end is a stop word, the last word is not pale unless alone."""
    found: set[Phrase] = set()
    for segment in segments:
        words = [bases.get(word, word) for word in segment]
        for start, first in enumerate(words):
            if first in _STOP or len(first) < 2:
                continue
            for end in range(start + 1, min(start + LONGEST, len(words)) + 1):
                last = words[end - 1]
                if last in _STOP or len(last) < 2 or (end > start + 1 and last in _PALE):
                    continue
                found.add(tuple(words[start:end]))
    return frozenset(found)


def _singular(word: str, forms: Counter[str]) -> str:
    """Return the singular of a plural, if the corpus has it: no guess makes a word that nobody wrote."""
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return word
    for base in (
        word[:-1],
        word[:-2] if word.endswith("es") else "",
        f"{word[:-3]}y" if word.endswith("ies") else "",
    ):
        if len(base) > 2 and base in forms and base not in _STOP:
            return base
    return word


def _fallback(text: str) -> str:
    """Return the first words of a text in which nothing stands out."""
    return " ".join(text.lower().split()[:MOST_WORDS])
