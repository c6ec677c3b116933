"""How well questions find the approved answer, beside TF-IDF and the nearest neighbour, in one run.

    python -m benchmarks.answers --data FOLDER [FOLDER ...] [--known N ...] [--write FILE.json]

A folder holds `*.csv` files of labelled questions (columns text, utterance or question; intent, label
or category). Every label is one approved answer with the label's words as its title and N of its
questions as the ways in which it is known to be asked, drawn from train.csv where there is one; all other
questions are asked. N of 0: all of train.csv is known and the rest is asked.

Three ways to find the answer are given the same texts: TF-IDF over words (scikit-learn), the nearest
neighbour by the hub's encoder, and the hub as it answers. Coverage at 95% precision: the largest share
of questions that can be answered, the surest first, so that 95% of these are right. Out of scope
are general questions, the questions of the other folders, and, in a second round, those of a third of
the labels that were left out of the answers. No constant of the hub was fitted to these files.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import csv
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

from embeddings.models import load
from hub.answers.service import Prepared, choose, held_at, prepare
from hub.catalogue.building import answer_texts, build_snapshot
from hub.catalogue.model import Answer
from hub.config import Settings

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
TEXTS, LABELS = ("text", "utterance", "question"), ("intent", "label", "category")
PRECISION = 0.95
MOST_ASKED = 4_000  # questions in scope, drawn once; a folder of ten thousand takes long otherwise
MOST_FAR = 500
GENERAL = (
    "What is the capital of Australia?", "Who won the match last night?", "Write me a poem about the sea",
    "How tall is Mount Everest?", "What is the meaning of life?", "Can you recommend a good dentist?",
    "How do I boil an egg?", "What will the weather be like tomorrow?", "asdf qwer zxcv", "Tell me a joke",
    "Who painted the Mona Lisa?", "How many legs does a spider have?", "Is there a god?",
    "Which film shall I watch tonight?", "What does my horoscope say?", "Translate good morning into French",
    "How do I tie a tie?", "What time is it in Tokyo?", "Are you a robot?", "Sing me a song",
)  # fmt: skip

Scores = NDArray[np.float64]


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


def best(scores: Scores, rows: NDArray[np.int32]) -> tuple[NDArray[np.intp], Scores]:
    """Return each question's answer by its nearest text, and how far ahead of the runner-up it is."""
    count = int(rows.max()) + 1
    nearest = np.stack([scores[:, rows == row].max(axis=1) for row in range(count)], axis=1)
    ordered = np.sort(nearest, axis=1)
    return nearest.argmax(axis=1), ordered[:, -1] + (ordered[:, -1] - ordered[:, -2])


def figures(found: NDArray[np.intp], sure: Scores, wanted: NDArray[np.intp]) -> dict[str, float]:
    """Return accuracy, coverage, and how many answers are found by every wording."""
    right = found == wanted
    ranked = right[np.argsort(-sure, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    enough = np.flatnonzero(precision >= PRECISION)
    by_answer = [right[wanted == row] for row in np.unique(wanted)]
    return {
        "accuracy at 1": float(right.mean()),
        "coverage at 95% precision": float((enough[-1] + 1) / len(ranked)) if len(enough) else 0.0,
        "answers found by every wording": float(np.mean([each.all() for each in by_answer])),
        "answers found by 95% of wordings": float(np.mean([each.mean() >= PRECISION for each in by_answer])),
    }


def ask(made: House, text: str, vector: NDArray[np.float32]) -> tuple[int, float, bool]:
    """Ask as the hub does; return the best answer, its confidence, and whether it is said."""
    matches = made.prepared.resolver.matches(text, vector)
    runner_up = matches[1].score if len(matches) > 1 else 0.0
    calibration = made.prepared.resolver.calibration
    confidence = calibration.confidence(matches[0].score, runner_up, matches[0].similarity)
    return matches[0].row, confidence, confidence >= calibration.threshold


def said_of(made: House, texts: Sequence[str], vectors: NDArray[np.float32]) -> float:
    """Return the share of questions that are answered."""
    snapshot = build_snapshot((), vectors={}, encoder_id="", dimensions=vectors.shape[1])
    replies = [
        choose(text, made.prepared, made.prepared.resolver.matches(text, vector), snapshot)
        for text, vector in zip(texts, vectors, strict=True)
    ]
    return float(np.mean([reply.answer is not None for reply in replies]))


def compare(questions: Questions, far: Questions | None, known: int, reader: Reader) -> dict[str, float]:
    """Measure one folder with `known` questions an answer."""
    labels = sorted(set(questions.labels))
    made = house(questions, labels, known, reader)
    wanted = np.searchsorted(np.array(labels), np.array(questions.labels)[made.asked])
    texts = [questions.texts[i] for i in made.asked]
    vectors = questions.vectors[made.asked]
    told: dict[str, float] = {}

    counted = TfidfVectorizer(sublinear_tf=True).fit(made.texts)
    overlap = np.asarray((counted.transform(texts) @ counted.transform(made.texts).T).todense())
    for name, scores in (("TF-IDF", overlap), ("nearest neighbour", vectors @ made.vectors.T)):
        found, sure = best(scores, made.rows)
        told |= {f"{name}: {what}": figure for what, figure in figures(found, sure, wanted).items()}

    began = time.perf_counter()
    asked = [ask(made, text, vector) for text, vector in zip(texts, vectors, strict=True)]
    taken = (time.perf_counter() - began) / len(texts) * 1e3
    found = np.array([row for row, _, _ in asked])
    sure = np.array([confidence for _, confidence, _ in asked])
    said = np.array([each for _, _, each in asked])
    told |= {f"hub: {what}": figure for what, figure in figures(found, sure, wanted).items()}
    told |= {
        "hub: said": float(said.mean()),
        "hub: right of those said": float((found == wanted)[said].mean()) if said.any() else 1.0,
        "hub: general questions declined": 1 - said_of(made, GENERAL, reader.encoder.encode(GENERAL)),
        "hub: ms a question, without encoding": taken,
        "hub: seconds to prepare": made.seconds,
    }
    if far is not None:
        some = np.random.default_rng(1).permutation(len(far.texts))[:MOST_FAR]
        declined = 1 - said_of(made, [far.texts[i] for i in some], far.vectors[some])
        told["hub: questions of the other folder declined"] = declined
    return told | missing_third(questions, labels, known, reader)


def missing_third(questions: Questions, labels: list[str], known: int, reader: Reader) -> dict[str, float]:
    """Leave a third of the answers out; return how their questions fare: near misses, the hardest."""
    rng = np.random.default_rng(2)
    out = set(rng.permutation(labels)[: len(labels) // 3].tolist())
    made = house(questions, [label for label in labels if label not in out], known, reader)
    of = np.array(questions.labels)
    near = rng.permutation(np.flatnonzero(np.isin(of, list(out))))[:MOST_FAR]
    declined = 1 - said_of(made, [questions.texts[i] for i in near], questions.vectors[near])
    return {"hub: near misses declined (a third of the answers left out)": declined}


def measure(folders: Sequence[Path], known: Sequence[int] = (5, 20, 0)) -> dict[str, float]:
    """Return every figure, named by folder and by how many questions an answer is known by."""
    reader = Reader()
    sets = [reader.read(folder) for folder in folders]
    told: dict[str, float] = {}
    for questions in sets:
        far = next((other for other in sets if other is not questions), None)
        for count in known:
            heading = f"{questions.name}, {count or 'all'} known"
            told |= {
                f"{heading}: {what}": round(figure, 4)
                for what, figure in compare(questions, far, count, reader).items()
            }
    return told


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--known", type=int, nargs="+", default=[5, 20, 0])
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    told = measure(arguments.data, arguments.known)
    table = Table("what", "figure", title="Answers")
    for what, figure in told.items():
        table.add_row(what, f"{figure:g}")
    Console().print(table)
    if arguments.write:
        arguments.write.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
