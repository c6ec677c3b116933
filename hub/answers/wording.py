"""How alike two questions are as strings: runs of letters, weighed by how rare they are.

The encoder knows what words mean; it is weak where a letter decides ("top up by card" and "top-up
limits"). Runs of two to five letters within words, weighed by TF-IDF, know nothing else. Each run is
hashed with a sign into `WIDTH` columns (K. Weinberger et al., Feature Hashing for Large Scale
Multitask Learning, ICML 2009), so that no vocabulary is kept; inner products survive to about 1/sqrt(WIDTH).
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH = 2_048
SHORTEST, LONGEST = 2, 5  # letters of a run
_WORD = re.compile(r"\w+")


def runs(text: str) -> Counter[int]:
    """Return how often each run of letters occurs in a text, by a hash of 32 bits."""
    found: Counter[int] = Counter()
    for word in _WORD.findall(text.casefold()):
        padded = f" {word} ".encode()
        for length in range(SHORTEST, LONGEST + 1):
            for start in range(len(padded) - length + 1):
                found[zlib.crc32(padded[start : start + length])] += 1
    return found


class Wording:
    """Rows of length 1 for texts, by the rarity of runs in the texts it was made of."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Count in how many of `texts` each run occurs."""
        self._texts = len(texts)
        self._holding: Counter[int] = Counter()
        for text in texts:
            self._holding.update(runs(text).keys())

    def rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, WIDTH) float32, each row of length 1, or zero where a text has no letters."""
        made = np.zeros((len(texts), WIDTH), np.float32)
        for row, text in enumerate(texts):
            for run, count in runs(text).items():
                rarity = math.log((1 + self._texts) / (1 + self._holding[run])) + 1
                sign = 1.0 if run & 0x8000_0000 else -1.0
                made[row, run % WIDTH] += sign * (1 + math.log(count)) * rarity
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        made /= np.where(lengths > 0, lengths, 1)
        return made
