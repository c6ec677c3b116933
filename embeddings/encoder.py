"""What an encoder is: texts in, unit vectors out, under a name that is stamped on every vector."""

import re
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int, int], None]
"""Is told (texts done, texts in all) while a batch is encoded; may be called from another thread."""

MOST_CHARACTERS = 10_000  # a text is cut here before it is tokenised: far beyond any model's window
_SURROGATE = re.compile("[\ud800-\udfff]")


@runtime_checkable
class Encoder(Protocol):
    """Makes vectors of texts. Safe to call from several threads at once.

    `id` names the model, its weights and its quantisation: vectors of two ids are never compared.
    """

    @property
    def id(self) -> str:
        """Name of the model, hash of its weights, and what was done to them."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of every vector."""
        ...

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Return (n, d) float32, one row of length 1 for each text, in the order given.

        Takes milliseconds a text and computes all the while: call it in a thread.
        """
        ...


def readable(text: str) -> str:
    """Return `text` as an encoder takes it: cut to `MOST_CHARACTERS`, lone surrogates replaced.

    Half a surrogate pair can come out of a JSON escape; no tokenizer and no hash accepts one.
    """
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text[:MOST_CHARACTERS])


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, d) float32 with every row scaled to length 1; rows of zeros stay zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0] = 1
    scaled: NDArray[np.float32] = (vectors / lengths[:, None]).astype(np.float32)
    return scaled
