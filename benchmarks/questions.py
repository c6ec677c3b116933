"""Labelled questions out of CSV files, made into houses of approved answers and questions that are asked."""

import csv
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from embeddings.models import load
from hub.answers.prepared import Prepared, held_at, prepare
from hub.catalogue.building import answer_texts, build_snapshot
from hub.catalogue.model import Answer
from hub.config import Settings

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
TEXTS, LABELS = ("text", "utterance", "question"), ("intent", "label", "category")
MOST_ASKED = 4_000  # questions in scope, drawn once; a folder of ten thousand takes long otherwise
SLIPS = 2  # words of four letters and more of a question into which a slip is put
GENERAL = (
    "What is the capital of Australia?", "Who won the match last night?", "Write me a poem about the sea",
    "How tall is Mount Everest?", "What is the meaning of life?", "Can you recommend a good dentist?",
    "How do I boil an egg?", "What will the weather be like tomorrow?", "asdf qwer zxcv", "Tell me a joke",
    "Who painted the Mona Lisa?", "How many legs does a spider have?", "Is there a god?",
    "Which film shall I watch tonight?", "What does my horoscope say?", "Translate good morning into French",
    "How do I tie a tie?", "What time is it in Tokyo?", "Are you a robot?", "Sing me a song",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Questions:
    """The labelled questions of a folder; `train` tells which may be known."""

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    train: NDArray[np.bool_]
    vectors: NDArray[np.float32]


class Reader:
    """Reads and encodes; a text is encoded once."""

    def __init__(self) -> None:
        settings = Settings()
        self.encoder = load(
            settings.encoder, settings.model_dir.expanduser(), threads=settings.encoder_threads
        )

    def read(self, folder: Path) -> Questions:
        """Read every CSV file of a folder."""
        texts: list[str] = []
        labels: list[str] = []
        train: list[bool] = []
        files = sorted(folder.glob("*.csv"))
        for file in files:
            with file.open(newline="", encoding="utf-8") as stream:
                for row in csv.DictReader(stream):
                    texts.append(row[next(name for name in TEXTS if name in row)])
                    labels.append(row[next(name for name in LABELS if name in row)])
                    train.append(file.stem == "train" or len(files) == 1)
        vectors = self.encoder.encode(texts)
        return Questions(folder.name, tuple(texts), tuple(labels), np.array(train), vectors)


@dataclass(frozen=True, slots=True)
class House:
    """Approved answers made of some of the questions, and the questions that are left."""

    prepared: Prepared
    texts: tuple[str, ...]  # by which answers are found, with `rows` and `vectors`
    rows: NDArray[np.int32]
    vectors: NDArray[np.float32]
    asked: NDArray[np.intp]
    seconds: float


def house(questions: Questions, labels: Sequence[str], known: int, reader: Reader) -> House:
    """Approve one answer for each of `labels`."""
    rng = np.random.default_rng(0)
    of = np.array(questions.labels)
    taken: dict[str, list[int]] = {}
    for label in labels:
        mine = rng.permutation(np.flatnonzero((of == label) & questions.train))
        taken[label] = mine[: known or len(mine)].tolist()
    answers = [
        Answer(
            key=label,
            title=label.replace("_", " "),
            text=label,
            questions=tuple(questions.texts[i] for i in indexes),
        )
        for label, indexes in taken.items()
    ]
    vectors = {questions.texts[i]: questions.vectors[i] for rows in taken.values() for i in rows}
    titles = [answer.title for answer in answers]
    vectors |= dict(zip(titles, reader.encoder.encode(titles), strict=True))
    snapshot = build_snapshot(
        (),
        vectors=vectors,
        encoder_id=reader.encoder.id,
        dimensions=reader.encoder.dimensions,
        answers=answers,
    )
    began = time.perf_counter()
    prepared = prepare(snapshot, held_at(snapshot, AT))
    seconds = time.perf_counter() - began
    used = np.zeros(len(of), np.bool_)
    used[[i for rows in taken.values() for i in rows]] = True
    left = rng.permutation(np.flatnonzero(~used & np.isin(of, list(labels))))[:MOST_ASKED]
    return House(
        prepared,
        tuple(text for answer in snapshot.answers for text in answer_texts(answer)),
        snapshot.answer_rows,
        snapshot.answer_vectors,
        left,
        seconds,
    )


def misspelt(text: str, draw: random.Random) -> str:
    """Return a question with slips: a letter too few, too many, wrong, or two exchanged, but for the first letter."""
    words = text.split()
    long = [place for place, word in enumerate(words) if len(word) >= 4]
    for place in draw.sample(long, min(SLIPS, len(long))):
        word, at, other = words[place], draw.randrange(2, len(words[place])), draw.choice(ascii_lowercase)
        words[place] = draw.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + other + word[at:],
                word[:at] + other + word[at + 1 :],
                word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
            )
        )
    return " ".join(words)
