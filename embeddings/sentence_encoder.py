"""Full precision through sentence-transformers: the yardstick, and the way to bring another model.

Needs torch and the `model` extra; takes seconds to load and some 500 MB. A text's vector may differ
in the last bits with the texts beside it in a batch (up to 1e-6 a number); through the cache, which
is keyed by text, it is always the same.
"""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import Progress, readable, unit_rows
from embeddings.weights import INSTALL
from hub.errors import SetupError

BATCH = 32


class SentenceEncoder:
    """Encodes with the SentenceTransformer of one folder, on the processor, offline."""

    def __init__(self, folder: Path, *, encoder_id: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils.logging import disable_progress_bar
        except ImportError:
            raise SetupError(f"full precision needs sentence-transformers and torch: {INSTALL}") from None
        disable_progress_bar()
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self._lock = threading.Lock()  # torch uses all its threads for one batch; two would only queue
        self.id = encoder_id
        self.dimensions = int(self._model.encode(["dimensions"], show_progress_bar=False).shape[1])

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Return (n, d) float32 of length 1, encoded in batches of texts of like length."""
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            with self._lock:
                vectors[rows] = self._model.encode(
                    [readable(texts[row]) for row in rows], batch_size=BATCH, show_progress_bar=False
                )
            if progress is not None:
                progress(start + len(rows), len(texts))
        return unit_rows(vectors)
