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
the labels that were left out of the answers (near misses). So that declining can be compared, each way
may answer as large a share of the questions in scope as the hub does. The hub's confidence is held
against what came of it: the expected calibration error (M. P. Naeini et al., AAAI 2015; 15 bins) where a
fifth of the questions are near misses. Misspelt are some of the questions with two random slips in two of
their words. No constant of the hub was fitted to these files.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

from benchmarks import command
from benchmarks.questions import GENERAL, House, Questions, Reader, house, misspelt
from hub.answers.reading import plain

PRECISION = 0.95
IN_VAIN = 0.2  # the share of questions without an answer for which the calibration error is told
BINS = 15
MOST_TIMED = 300
MOST_MISSPELT = 500
MOST_FAR = 500

Scores = NDArray[np.float64]
Overlaps = tuple[tuple[str, Callable[[Sequence[str], NDArray[np.float32]], Scores]], ...]


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


def ask(
    made: House, texts: Sequence[str], vectors: NDArray[np.float32], reader: Reader
) -> tuple[NDArray[np.intp], Scores, NDArray[np.bool_]]:
    """Ask as the hub does; return the best answers, their confidence, and whether they are said."""
    calibration = made.prepared.resolver.calibration
    read = [made.prepared.spelling.corrected(plain(text)) for text in texts]
    changed = [place for place, text in enumerate(texts) if read[place] != text]
    vectors = vectors.copy()
    vectors[changed] = reader.encoder.encode([read[place] for place in changed])
    found = made.prepared.resolver.matches_of(read, vectors)
    sure = [
        calibration.confidence(best.score, others[0].score if others else 0.0, best.similarity)
        for best, *others in found
    ]
    rows = np.array([matches[0].row for matches in found])
    return rows, np.array(sure), np.array(sure) >= calibration.threshold


def overlaps(made: House) -> Overlaps:
    """Return the ways to find an answer that the hub is compared with: from questions to scores by text."""
    counted = TfidfVectorizer(sublinear_tf=True).fit(made.texts)
    known = counted.transform(made.texts)
    return (
        ("TF-IDF", lambda texts, _: np.asarray((counted.transform(texts) @ known.T).todense())),
        ("nearest neighbour", lambda _, vectors: (vectors @ made.vectors.T).astype(np.float64)),
    )


def calibration_error(sure: Scores, right: NDArray[np.bool_], weights: Scores) -> float:
    """Return the mean distance of confidence and share right over bins of confidence, weighted."""
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    told = np.bincount(bins, weights * (sure - right), BINS)
    return float(np.abs(told).sum() / weights.sum())


def wanted_of(questions: Questions, labels: Sequence[str], made: House) -> NDArray[np.intp]:
    """Return the answers that were meant by the questions that are asked."""
    return np.searchsorted(np.array(labels), np.array(questions.labels)[made.asked])


def compare(questions: Questions, far: Questions | None, known: int, reader: Reader) -> dict[str, float]:
    """Measure one folder with `known` questions an answer."""
    labels = sorted(set(questions.labels))
    made = house(questions, labels, known, reader)
    wanted = wanted_of(questions, labels, made)
    texts, vectors = [questions.texts[i] for i in made.asked], questions.vectors[made.asked]
    told: dict[str, float] = {}
    for name, scores in overlaps(made):
        found, sure = best(scores(texts, vectors), made.rows)
        told |= {f"{name}: {what}": figure for what, figure in figures(found, sure, wanted).items()}
    draw = random.Random(3)
    wrong_letters = [misspelt(text, draw) for text in texts[:MOST_MISSPELT]]
    encoded = reader.encoder.encode(wrong_letters)
    for name, scores in overlaps(made):
        found, _ = best(scores(wrong_letters, encoded), made.rows)
        told[f"{name}: misspelt: accuracy at 1"] = float((found == wanted[: len(found)]).mean())
    found, _, said = ask(made, wrong_letters, encoded, reader)
    told |= {
        "hub: misspelt: accuracy at 1": float((found == wanted[: len(found)]).mean()),
        "hub: misspelt: said": float(said.mean()),
        "hub: misspelt: right of those said": float((found == wanted[: len(found)])[said].mean()),
    }
    found, sure, said = ask(made, texts, vectors, reader)
    told |= {f"hub: {what}": figure for what, figure in figures(found, sure, wanted).items()}
    wrong = said & (found != wanted)
    began = time.perf_counter()
    for text, vector in zip(texts[:MOST_TIMED], vectors, strict=False):
        made.prepared.resolver.matches(text, vector)
    taken = (time.perf_counter() - began) / min(MOST_TIMED, len(texts)) * 1e3
    general = ask(made, GENERAL, reader.encoder.encode(GENERAL), reader)[2]
    told |= {
        "hub: said": float(said.mean()),
        "hub: right of those said": float((found == wanted)[said].mean()) if said.any() else 1.0,
        "hub: answers of which no wording is answered wrongly": float(
            np.mean([not wrong[wanted == row].any() for row in np.unique(wanted)])
        ),
        "hub: general questions declined": 1 - float(general.mean()),
        "hub: ms a question, without encoding": taken,
        "hub: seconds to prepare": made.seconds,
    }
    if far is not None:
        some = np.random.default_rng(1).permutation(len(far.texts))[:MOST_FAR]
        others = ask(made, [far.texts[i] for i in some], far.vectors[some], reader)[2]
        told["hub: questions of the other folder declined"] = 1 - float(others.mean())
    return told | missing_third(questions, labels, known, reader)


def missing_third(questions: Questions, labels: list[str], known: int, reader: Reader) -> dict[str, float]:
    """Leave a third of the answers out; return how their questions fare: near misses, the hardest."""
    rng = np.random.default_rng(2)
    out = set(rng.permutation(labels)[: len(labels) // 3].tolist())
    left = [label for label in labels if label not in out]
    made = house(questions, left, known, reader)
    near = rng.permutation(np.flatnonzero(np.isin(questions.labels, list(out))))[:MOST_FAR]
    wanted = wanted_of(questions, left, made)
    asked, missed = (
        ([questions.texts[i] for i in which], questions.vectors[which]) for which in (made.asked, near)
    )
    found, sure, said = ask(made, *asked, reader)
    _, unsure, missaid = ask(made, *missed, reader)
    told = {
        "hub: near misses declined": 1 - float(missaid.mean()),
        "hub: calibration error": calibration_error(
            np.concatenate([sure, unsure]),
            np.concatenate([found == wanted, np.zeros(len(near), np.bool_)]),
            np.repeat([(1 - IN_VAIN) / len(sure), IN_VAIN / len(unsure)], [len(sure), len(unsure)]),
        ),
    }
    for name, scores in overlaps(made):
        _, sure = best(scores(*asked), made.rows)
        _, unsure = best(scores(*missed), made.rows)
        told[f"{name}: near misses declined"] = float(np.mean(unsure < np.quantile(sure, 1 - said.mean())))
    return told


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
    parser = command.parser(__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--known", type=int, nargs="+", default=[5, 20, 0])
    arguments = parser.parse_args()
    told = measure(arguments.data, arguments.known)
    command.tell("Answers", told, arguments.write)


if __name__ == "__main__":
    main()
