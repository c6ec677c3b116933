"""How alike two questions are as strings: runs of letters, weighed by how rare they are.

The encoder knows what words mean; it is weak where a letter decides ("top up by card" and "top-up
limits"). Runs of two to five letters within words, weighed by TF-IDF, know nothing else. Each run is
hashed with a sign into `WIDTH` columns (K. Weinberger et al., Feature Hashing for Large Scale
Multitask Learning, ICML 2009), so that no vocabulary is kept; inner products survive to about 1/sqrt(WIDTH).

Ten thousand questions have three million runs, so all of them are cut, hashed and counted as arrays.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Runs = NDArray[np.uint64]

WIDTH = 2_048
SHORTEST, LONGEST = 2, 5  # letters of a run
TOGETHER = 1_000  # texts whose rows are made at once: 16 MB of sums
_WORD = re.compile(r"\w+")
_BLANK = ord(" ")
_PRIME = np.uint64(0x9E3779B97F4A7C15)  # odd, with bits everywhere (Fibonacci hashing; Knuth, TAOCP 3, 6.4)
_LOW = np.uint64(0xFFFF_FFFF)
_HALF = np.uint64(32)


def runs(texts: Sequence[str]) -> tuple[Runs, NDArray[np.int64]]:
    """Return the distinct runs of each text, and how often each occurs there.

    A run is (position of its text << 32) + a hash of 32 bits; they are sorted, so a text's are beside each other.
    """
    padded = ["".join(f" {word} " for word in _WORD.findall(text.casefold())).encode() for text in texts]
    letters = np.frombuffer(b"".join(padded), np.uint8)
    owners = np.repeat(np.arange(len(texts), dtype=np.uint64), [len(text) for text in padded])
    # Two blanks beside each other are where a word ends and another begins: no run holds both.
    seams = np.zeros(len(letters) + 1, np.int64)
    seams[2:] = np.cumsum((letters[1:] == _BLANK) & (letters[:-1] == _BLANK))
    found = [np.zeros(0, np.uint64)]
    for length in range(SHORTEST, LONGEST + 1):
        starts = np.arange(max(0, len(letters) - length + 1))
        starts = starts[seams[starts + length] == seams[starts + 1]]
        hashed = np.full(len(starts), length, np.uint64)
        for place in range(length):
            hashed = (hashed ^ letters[starts + place]) * _PRIME
            hashed ^= hashed >> _HALF
        found.append((owners[starts] << _HALF) | (hashed & _LOW))
    distinct, counts = np.unique(np.concatenate(found), return_counts=True)
    return distinct, counts


class Wording:
    """Rows of length 1 for texts, by the rarity of runs in the texts it was made of."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Count in how many of `texts` each run occurs, and make their rows: `known`, (n, WIDTH) float32."""
        self._texts = len(texts)
        distinct, counts = runs(texts)
        self._runs, self._holding = np.unique(distinct & _LOW, return_counts=True)
        self.known = self._rows(len(texts), distinct, counts)

    def rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, WIDTH) float32, each row of length 1, or zero where a text has no letters."""
        return self._rows(len(texts), *runs(texts))

    def _rows(self, count: int, distinct: Runs, counts: NDArray[np.int64]) -> NDArray[np.float32]:
        hashes = distinct & _LOW
        weights = (1 + np.log(counts)) * (np.log((1 + self._texts) / (1 + self._held_by(hashes))) + 1)
        weights[hashes < 0x8000_0000] *= -1
        owners = (distinct >> _HALF).astype(np.int64)
        columns = (hashes % np.uint64(WIDTH)).astype(np.int64)
        made = np.zeros((count, WIDTH), np.float32)
        for start in range(0, count, TOGETHER):
            end = min(start + TOGETHER, count)
            part = slice(*np.searchsorted(owners, [start, end]))
            cells = (owners[part] - start) * WIDTH + columns[part]
            sums = np.bincount(cells, weights[part], (end - start) * WIDTH)
            made[start:end] = sums.reshape(end - start, WIDTH)
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        made /= np.where(lengths > 0, lengths, 1)
        return made

    def _held_by(self, hashes: Runs) -> NDArray[np.int64]:
        """Return (n,) in how many of the texts each run occurs."""
        if not len(self._runs):
            return np.zeros(len(hashes), np.int64)
        place = np.minimum(np.searchsorted(self._runs, hashes), len(self._runs) - 1)
        return np.where(self._runs[place] == hashes, self._holding[place], 0)
