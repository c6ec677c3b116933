"""The words of titles as a sparse matrix: what is called alike, beside what means alike.

Meaning knows that a mug is near a cup; words know that "retrospot" is a pattern which somebody collects. Each title is
a vector of its words, weighted by log(n / titles with the word) (inverse document frequency, Spärck Jones, 1972), of
length 1.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.carrying import Carried
from hub.catalogue.model import Content

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Rows of n titles, compressed: row i has `weights[starts[i]:starts[i + 1]]` (float32) at `places` (int32) of `width`."""

    starts: NDArray[np.int64]
    places: NDArray[np.int32]
    weights: NDArray[np.float32]
    width: int
    checksums: NDArray[np.uint32]  # of the words, beside their places

    def likeness(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return (r,) the mean cosine of the titles of `rows` (r,) with those of `others` (o,); 0 without any."""
        if not len(rows) or not len(others):
            return np.zeros(len(rows))
        inside, _ = self._inside(others)
        mean = np.bincount(self.places[inside], weights=self.weights[inside], minlength=self.width)
        inside, lengths = self._inside(rows)
        products = self.weights[inside] * mean[self.places[inside]]
        owners = np.repeat(np.arange(len(rows)), lengths)
        return np.bincount(owners, weights=products, minlength=len(rows)) / len(others)

    def _inside(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the entries of some rows stand, and how many each has."""
        starts = self.starts[rows]
        lengths = self.starts[rows + 1] - starts
        ends = np.cumsum(lengths)
        return np.repeat(starts - (ends - lengths), lengths) + np.arange(int(lengths.sum())), lengths


def words_of(contents: Sequence[Content], carried: Carried | None = None) -> Words:
    """Return the words of the titles, in the order of the contents; those of what is carried are not read again."""
    count = len(contents)
    lengths, flat = _said(contents) if carried is None else _followed(contents, carried)
    found, places = np.unique(flat, return_inverse=True)
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    owners = np.repeat(np.arange(count), lengths)
    rarity = np.log(max(count, 1) / np.maximum(np.bincount(places, minlength=len(found)), 1))
    weights = rarity[places]
    norms = np.sqrt(np.bincount(owners, weights=weights**2, minlength=count))
    weights = weights / np.maximum(norms[owners], 1e-9)
    return Words(starts, places.astype(np.int32), weights.astype(np.float32), len(found), flat)


def _said(contents: Sequence[Content]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return (n,) how many words each title has, and the checksums of all of them one after the other."""
    said = [_words(content.title) for content in contents]
    flat = np.concatenate(said) if said else np.zeros(0, np.uint32)
    return np.fromiter(map(len, said), np.int64, len(said)), flat


def _followed(contents: Sequence[Content], carried: Carried) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    before = carried.before.words
    fresh = {row: _words(contents[row].title) for row in carried.fresh.tolist()}
    lengths = carried.column(np.diff(before.starts), [len(words) for words in fresh.values()])
    pieces = list(fresh.items())
    for start, end, source in carried.runs:
        inside = slice(before.starts[source], before.starts[source + end - start])
        pieces.append((start, before.checksums[inside]))
    pieces.sort(key=itemgetter(0))
    return lengths, np.concatenate([np.zeros(0, np.uint32), *(words for _, words in pieces)])


@lru_cache(maxsize=200_000)
def _words(title: str) -> NDArray[np.uint32]:
    """Return the checksums of the words of a title, each once; kept, since a catalogue changes less than it is read."""
    words = dict.fromkeys(_WORD.findall(title.lower()))
    return np.fromiter((crc32(word.encode()) for word in words), np.uint32, len(words))
