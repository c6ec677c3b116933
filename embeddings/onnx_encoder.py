"""A prepared model served by onnxruntime and tokenizers alone: no torch in the hub's process.

Every text is encoded alone, on one thread. Dynamic int8 quantisation chooses its scale from all
numbers of a call, so a text's vector would depend on its companions (measured: cosine .99 between
the same text alone and padded in a batch). Alone, the same text gives the same bytes, always, which
replay and rebuilding rest on. Batches use the machine's cores by encoding several texts side by side.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from embeddings.encoder import Progress, readable

PIECE = 32  # texts that one thread takes at a time


class OnnxEncoder:
    """Encodes with `model.onnx` and `tokenizer.json` of one folder: mean of the tokens, length 1."""

    def __init__(
        self, folder: Path, *, encoder_id: str, dimensions: int, most_tokens: int, threads: int = 2
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()  # the file asks for padding to 128 tokens, of use to nobody here
        self._tokenizer.enable_truncation(most_tokens)
        self._threads = threads
        self.id = encoder_id
        self.dimensions = dimensions

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Return (n, d) float32 of length 1; the same text gives the same bytes in any company."""
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        if not texts:
            return vectors
        starts = range(0, len(texts), PIECE)
        if len(texts) == 1 or self._threads == 1:
            for start in starts:
                self._encode_piece(texts, start, vectors, progress)
            return vectors
        with ThreadPoolExecutor(self._threads, thread_name_prefix="encode") as pool:
            done = 0
            for count in pool.map(lambda start: self._encode_piece(texts, start, vectors, None), starts):
                done += count
                if progress is not None:
                    progress(done, len(texts))
        return vectors

    def _encode_piece(
        self, texts: Sequence[str], start: int, vectors: NDArray[np.float32], progress: Progress | None
    ) -> int:
        piece = texts[start : start + PIECE]
        for row, text in enumerate(piece, start):
            vectors[row] = self._encode_one(text)
        if progress is not None:
            progress(start + len(piece), len(texts))
        return len(piece)

    def _encode_one(self, text: str) -> NDArray[np.float64]:
        tokens = np.array([self._tokenizer.encode(readable(text)).ids], np.int64)
        (states,) = self._session.run(
            None,
            {
                "input_ids": tokens,
                "attention_mask": np.ones_like(tokens),
                "token_type_ids": np.zeros_like(tokens),
            },
        )
        mean: NDArray[np.float64] = states[0].mean(axis=0, dtype=np.float64)
        unit: NDArray[np.float64] = mean / np.sqrt(np.sum(mean * mean))
        return unit
